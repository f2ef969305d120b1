/**
 * Messages of `/v1/live` between bytes and values: text is JSON, bytes are MessagePack, whatever
 * format the answers have. Worst case of a hostile message: its own size, some 16 KiB, a few times.
 */
import { decode } from "@msgpack/msgpack";
import { isSoundMsgpack } from "../frames/msgpack-walk.ts";

/** The largest message that a client may send. */
export const MESSAGE_BYTES_LIMIT = 16 << 10;

/** A few bytes of MessagePack can name a list of four billion. */
export const MESSAGE_LIMITS = {
  maxStrLength: 1024,
  maxBinLength: 0,
  maxArrayLength: 1024,
  maxMapLength: 64,
  maxExtLength: 0,
};

const FIELDS_LIMIT = 32;

export type LiveFields = Readonly<Record<string, string | number | boolean | null>>;

/** @throws what the decoder throws */
function decoded(message: Uint8Array): unknown {
  return isSoundMsgpack(message) ? decode(message, MESSAGE_LIMITS) : undefined;
}

/** The fields of what a client sent, lists and maps in them left out; undefined for what is none. */
export function readMessage(message: string | Uint8Array): LiveFields | undefined {
  let value: unknown;
  try {
    value = typeof message === "string" ? JSON.parse(message) : decoded(message);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const entries = Object.entries(value).slice(0, FIELDS_LIMIT);
  return Object.fromEntries(entries.filter(([, field]) => isPlain(field)));
}

function isPlain(field: unknown): boolean {
  return field === null || ["string", "number", "boolean"].includes(typeof field);
}
