/**
 * What goes through a shard's mailbox: one byte of kind, seven of nothing, the record's number as a
 * double, then a chunk's bytes or a MessagePack value.
 */
import { decode, encode } from "@msgpack/msgpack";
import type { LeftOut } from "../intake.ts";

export const RecordKind = {
  /** A chunk of one of the shard's streams. */
  Chunk: 1,
  /** `LeftOut`: numbers that other shards take. */
  Elsewhere: 2,
  /** `LeftOut`: a chunk that was set aside for good. */
  Quarantined: 3,
  /** `Resumption`: the shard's life goes on. */
  Resume: 4,
  /** The log up to where it was when this life began is over. */
  CaughtUp: 5,
  /** Every source has come to its end. */
  Finish: 6,
  /** A checkpoint is wanted soon. */
  Save: 7,
  /** `Question` */
  Question: 8,
  /** `ClientWord` */
  Client: 9,
  /** A checkpoint has its name, or is given up: another one may be made. */
  Sealed: 10,
  /** `Dictionary`: chunks behind it may need it. */
  Dictionary: 11,
} as const;

export const RECORD_HEAD_BYTES = 16;

/** How a life goes on from its checkpoint. */
export interface Resumption {
  /** Collectors are to be asked for what it lacks: the log does not have all of it. */
  readonly mustAsk: boolean;
  /** Number of the log's first record that follows. */
  readonly from: number;
}

/** A call of one of `BookApi`'s methods. */
export interface Question {
  readonly id: number;
  readonly method: string;
  readonly args: readonly string[];
}

/** What becomes of a WebSocket client. */
export interface ClientWord {
  readonly client: number;
  /** What it sent. */
  readonly value?: unknown;
  readonly isGone: boolean;
  /** Bytes that wait in its connection. */
  readonly waitingBytes: number;
  readonly format: "json" | "msgpack";
  /** It was acknowledged in an earlier life of the shard. */
  readonly isAgain: boolean;
}

/** @param number 0: not one of the log's */
export function chunkRecord(chunk: Uint8Array, number: number): Uint8Array {
  return recordOf(RecordKind.Chunk, number, chunk);
}

export function valueRecord(kind: number, value: unknown, number = 0): Uint8Array {
  return recordOf(kind, number, encode(value, { ignoreUndefined: true }));
}

export function leftOutRecord(kind: number, chunks: LeftOut, number: number): Uint8Array {
  return valueRecord(kind, chunks, number);
}

function recordOf(kind: number, number: number, body: Uint8Array): Uint8Array {
  const record = new Uint8Array(RECORD_HEAD_BYTES + body.length);
  record[0] = kind;
  new DataView(record.buffer).setFloat64(8, number, true);
  record.set(body, RECORD_HEAD_BYTES);
  return record;
}

export const kindOf = (record: Uint8Array): number => record[0];
export const bodyOf = (record: Uint8Array): Uint8Array => record.subarray(RECORD_HEAD_BYTES);
export const readValue = (record: Uint8Array): unknown => decode(bodyOf(record));

export function numberOf(record: Uint8Array): number {
  return new DataView(record.buffer, record.byteOffset).getFloat64(8, true);
}
