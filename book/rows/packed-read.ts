/**
 * Protobuf's packed numbers back into columns: the other side of `packed-write.ts`, and of anybody's
 * library. Each function says whether the bytes were exactly so many numbers; it reads no further than
 * they go, whatever they are.
 */
import type { TimeColumn, WordsColumn } from "./row-batch.ts";

const TWO_28 = 268_435_456;
const TWO_27 = 134_217_728;
/** High parts below it leave the whole number exact in a double. */
const EXACT_HIGH = 2 ** 24;
const BILLION = 1_000_000_000;
const LONGEST = 10;

/** Walks over packed numbers: each as its lowest 28 bits and the rest. */
export class Packed {
  low = 0;
  high = 0;
  private readonly bytes: Uint8Array;
  private at: number;
  private readonly end: number;

  constructor(bytes: Uint8Array, from: number, to: number) {
    this.bytes = bytes;
    this.at = from;
    this.end = to;
  }

  /** All was read, and nothing beyond it. */
  get isOver(): boolean {
    return this.at === this.end;
  }

  /** False at a number that ends beyond the bytes, or never. */
  next(): boolean {
    const { bytes } = this;
    let at = this.at;
    let byte = bytes[at++];
    let low = byte & 127;
    for (let shift = 7; byte > 127 && shift < 28; shift += 7) {
      byte = bytes[at++];
      low |= (byte & 127) << shift;
    }
    this.low = low;
    this.high = 0;
    if (byte > 127) at = this.nextHigh(at);
    this.at = at;
    return at <= this.end;
  }

  get unsigned(): number {
    return this.high * TWO_28 + this.low;
  }

  /** By zigzag. Rounded beyond 2^52; see `wide`. */
  get signed(): number {
    const half = this.high * TWO_27 + (this.low >>> 1);
    return this.low & 1 ? -half - 1 : half;
  }

  /** `signed` is not exact. */
  get isWide(): boolean {
    return this.high >= EXACT_HIGH;
  }

  get wide(): bigint {
    const half = (BigInt(this.high) << 27n) | BigInt(this.low >>> 1);
    return this.low & 1 ? -half - 1n : half;
  }

  private nextHigh(from: number): number {
    let at = from;
    let scale = 1;
    for (const last = from + LONGEST - 4; at < last; scale *= 128) {
      const byte = this.bytes[at++] ?? 0;
      this.high += (byte & 127) * scale;
      if (byte < 128) return at;
    }
    return Number.POSITIVE_INFINITY;
  }
}

export function unpackUnsigned(packed: Packed, into: Float64Array, count: number): boolean {
  for (let row = 0; row < count; row++) {
    if (!packed.next()) return false;
    into[row] = packed.unsigned;
  }
  return packed.isOver;
}

export function unpackSigned(packed: Packed, into: Float64Array, count: number): boolean {
  for (let row = 0; row < count; row++) {
    if (!packed.next()) return false;
    into[row] = packed.signed;
  }
  return packed.isOver;
}

/** Numbers from their differences; false also where one comes to lie below 0. */
export function unpackSteps(packed: Packed, into: Float64Array, count: number): boolean {
  let value = 0;
  for (let row = 0; row < count; row++) {
    if (!packed.next()) return false;
    value = packed.isWide ? Number(BigInt(value) + packed.wide) : value + packed.signed;
    if (!(value >= 0 && value <= Number.MAX_SAFE_INTEGER)) return false;
    into[row] = value;
  }
  return packed.isOver;
}

/** Nanoseconds since 1970 from their differences; false also for a time before 1970. */
export function unpackTimes(packed: Packed, { sec, nsec }: TimeColumn, count: number): boolean {
  let seconds = 0;
  let nanos = 0;
  for (let row = 0; row < count; row++) {
    if (!packed.next()) return false;
    if (packed.isWide) {
      const ns = BigInt(seconds) * BigInt(BILLION) + BigInt(nanos) + packed.wide;
      seconds = Number(ns / BigInt(BILLION));
      nanos = Number(ns % BigInt(BILLION));
    } else {
      nanos += packed.signed;
      if (nanos < 0 || nanos >= BILLION) {
        const carry = Math.floor(nanos / BILLION);
        seconds += carry;
        nanos -= carry * BILLION;
      }
    }
    if (seconds < 0 || nanos < 0) return false;
    sec[row] = seconds;
    nsec[row] = nanos;
  }
  return packed.isOver;
}

/** Eight bytes a row. */
export function unpackWords(
  view: DataView,
  from: number,
  to: number,
  { lo, hi, has }: WordsColumn,
  count: number,
): boolean {
  if (to - from !== count * 8) return false;
  for (let row = 0, at = from; row < count; row++, at += 8) {
    lo[row] = view.getInt32(at, true);
    hi[row] = view.getInt32(at + 4, true);
  }
  has.fill(1, 0, count);
  return true;
}
