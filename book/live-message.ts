/**
 * Messages of `/v1/live` between bytes and values: text is JSON, bytes are MessagePack, whatever
 * format the answers have. Worst case of a hostile message: its own size, some 16 KiB, a few times.
 */
import { decode } from "@msgpack/msgpack";

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

/** The value that a client sent; undefined for bytes that are none. */
export function readMessage(message: string | Uint8Array): unknown {
  try {
    return typeof message === "string" ? JSON.parse(message) : decode(message, MESSAGE_LIMITS);
  } catch {
    return undefined;
  }
}
