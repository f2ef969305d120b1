/**
 * Columns as Protobuf's packed numbers, straight into bytes: a column in one loop, and most numbers in
 * one or two bytes. A number that is not there (NaN) is written as 0.
 *
 * Whoever calls has made room: ten bytes a row.
 */
import type { TimeColumn, WordsColumn } from "./row-batch.ts";

/** Differences beyond it go the slow way, since twice of them must be exact in a double. */
const EXACT = 2 ** 51;
const EXACT_SEC = 2 ** 20;
const TWO_32 = 4_294_967_296;
const BILLION = 1_000_000_000;

/** Where the next byte goes. */
export type At = number;

/** Whole numbers from 0 to 2^53. */
export function packUnsigned(bytes: Uint8Array, from: At, values: Float64Array, count: number): At {
  let at = from;
  for (let row = 0; row < count; row++) {
    const value = values[row];
    if (value < 128) bytes[at++] = value;
    else if (Number.isNaN(value)) bytes[at++] = 0;
    else at = varint(bytes, at, value);
  }
  return at;
}

/** The same of places in a list. */
export function packPlaces(bytes: Uint8Array, from: At, values: Int32Array, count: number): At {
  let at = from;
  for (let row = 0; row < count; row++) at = varint(bytes, at, values[row]);
  return at;
}

/** Whole numbers with a sign, below 2^52. */
export function packSigned(bytes: Uint8Array, from: At, values: Float64Array, count: number): At {
  let at = from;
  for (let row = 0; row < count; row++) {
    const value = values[row];
    at = varint(bytes, at, Number.isNaN(value) ? 0 : zigzag(value));
  }
  return at;
}

/** Differences between neighbours; a number that is not there stands at its neighbour's. */
export function packSteps(bytes: Uint8Array, from: At, values: Float64Array, count: number): At {
  let at = from;
  let before = 0;
  for (let row = 0; row < count; row++) {
    const value = values[row];
    const step = value - before;
    if (step >= -EXACT && step <= EXACT) at = varint(bytes, at, zigzag(step));
    else if (Number.isNaN(value)) {
      bytes[at++] = 0;
      continue;
    } else at = wideSigned(bytes, at, BigInt(value) - BigInt(before));
    before = value;
  }
  return at;
}

/** Nanoseconds since 1970, as differences. */
export function packTimes(
  bytes: Uint8Array,
  from: At,
  { sec, nsec }: TimeColumn,
  count: number,
): At {
  let at = from;
  let beforeSec = 0;
  let beforeNsec = 0;
  for (let row = 0; row < count; row++) {
    const seconds = sec[row] - beforeSec;
    if (Number.isNaN(seconds)) {
      bytes[at++] = 0;
      continue;
    }
    const nanos = nsec[row] - beforeNsec;
    if (seconds > -EXACT_SEC && seconds < EXACT_SEC) {
      at = varint(bytes, at, zigzag(seconds * BILLION + nanos));
    } else at = wideSigned(bytes, at, BigInt(seconds) * BigInt(BILLION) + BigInt(nanos));
    beforeSec = sec[row];
    beforeNsec = nsec[row];
  }
  return at;
}

/** Pairs of words, eight bytes each. */
export function packWords(bytes: Uint8Array, from: At, { lo, hi }: WordsColumn, count: number): At {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  let at = from;
  for (let row = 0; row < count; row++, at += 8) {
    view.setInt32(at, lo[row], true);
    view.setInt32(at + 4, hi[row], true);
  }
  return at;
}

function zigzag(value: number): number {
  return value < 0 ? -2 * value - 1 : 2 * value;
}

/** @param value from 0 to 2^53 */
export function varint(bytes: Uint8Array, from: At, value: number): At {
  let at = from;
  let rest = value;
  while (rest >= TWO_32) {
    const high = Math.floor(rest / 128);
    bytes[at++] = rest - high * 128 + 128;
    rest = high;
  }
  rest >>>= 0;
  while (rest >= 128) {
    bytes[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  bytes[at++] = rest;
  return at;
}

/** 64 bits: the first number of a column of times, hardly another. */
function wideSigned(bytes: Uint8Array, from: At, value: bigint): At {
  let rest = BigInt.asUintN(64, (value << 1n) ^ (value >> 63n));
  let at = from;
  for (; rest >= 128n; rest >>= 7n) bytes[at++] = Number(rest & 127n) | 128;
  bytes[at++] = Number(rest);
  return at;
}
