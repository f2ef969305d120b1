/**
 * The `raw` body of a chunk before compression: any frames whatever, in columns, so that what
 * is alike stands together and zstd finds it.
 *
 *     u32 LE  bytes of each of the four columns that follow
 *     varint  length of each payload
 *     varint  channel of each frame, an index in the header's channels
 *     varint  seconds: zigzag of the difference to the frame before, modulo 2^32
 *     varint  nanoseconds: the same
 *     bytes   the payloads, one after another
 *
 * Every number is a 32-bit word and differences wrap, so that any capture time comes back exact.
 */
import type { FrameBatch } from "./frame-batch.ts";

const COLUMNS = 4;
const HEAD_BYTES = COLUMNS * 4;
/** A 32-bit varint. */
const VARINT_BYTES_MAX = 5;

/** The most that `packRaw` can need for so many frames and payload bytes. */
export function rawBytesMax(frames: number, payloadBytes: number): number {
  return HEAD_BYTES + frames * COLUMNS * VARINT_BYTES_MAX + payloadBytes;
}

/**
 * Writes frames `from` up to, not including, `to` into `out` from its start.
 * @param channelMap index in the chunk's channels for each channel of the batch
 * @returns bytes written
 */
export function packRaw(
  frames: FrameBatch,
  from: number,
  to: number,
  channelMap: Int32Array,
  out: Uint8Array,
): number {
  const at = packRawColumns(frames, from, to, channelMap, out);
  return putPayloads(out, at, frames, from, to);
}

/** As `packRaw`, without the payloads that follow. */
export function packRawColumns(
  frames: FrameBatch,
  from: number,
  to: number,
  channelMap: Int32Array,
  out: Uint8Array,
): number {
  const heads = new DataView(out.buffer, out.byteOffset, HEAD_BYTES);
  let at = HEAD_BYTES;
  let start = at;
  for (let i = from; i < to; i++) at = putVarint(out, at, frames.length[i]);
  heads.setUint32(0, at - start, true);
  start = at;
  for (let i = from; i < to; i++) at = putVarint(out, at, channelMap[frames.channel[i]]);
  heads.setUint32(4, at - start, true);
  start = at;
  at = putDifferences(out, at, frames.sec, from, to);
  heads.setUint32(8, at - start, true);
  start = at;
  at = putDifferences(out, at, frames.nsec, from, to);
  heads.setUint32(12, at - start, true);
  return at;
}

/** Frames that stand one behind the other are copied together. */
function putPayloads(
  out: Uint8Array,
  start: number,
  frames: FrameBatch,
  from: number,
  to: number,
): number {
  const { bytes, offset, length } = frames;
  let at = start;
  for (let i = from; i < to; ) {
    const runStart = offset[i];
    let runEnd = runStart;
    for (; i < to && offset[i] === runEnd; i++) runEnd += length[i];
    out.set(bytes.subarray(runStart, runEnd), at);
    at += runEnd - runStart;
  }
  return at;
}

/**
 * Reads `count` frames of a raw body; the batch lies over `raw` itself.
 * @param channelMap index in the reader's channels for each channel of the chunk
 * @returns false if the body does not hold exactly these frames
 */
export function unpackRaw(
  raw: Uint8Array,
  count: number,
  channelMap: Int32Array,
  out: FrameBatch,
): boolean {
  if (raw.length < HEAD_BYTES || count > out.capacity) return false;
  const view = new DataView(raw.buffer, raw.byteOffset, raw.byteLength);
  const cursor = new Cursor(raw);
  out.reset(raw);
  let end = HEAD_BYTES;
  for (let column = 0; column < COLUMNS; column++) {
    const start = end;
    end += view.getUint32(column * 4, true);
    if (end > raw.length) return false;
    cursor.enter(start, end);
    if (column === 0) readLengths(cursor, count, out);
    else if (column === 1) readChannels(cursor, count, channelMap, out);
    else readDifferences(cursor, count, column === 2 ? out.sec : out.nsec);
    if (!cursor.exact) return false;
  }
  let offset = end;
  for (let i = 0; i < count; i++) {
    out.offset[i] = offset;
    offset += out.length[i];
    if (out.length[i] < 0 || offset > raw.length) return false;
  }
  out.count = count;
  return offset === raw.length;
}

function readLengths(cursor: Cursor, count: number, out: FrameBatch): void {
  for (let i = 0; i < count; i++) out.length[i] = cursor.varint();
}

function readChannels(cursor: Cursor, count: number, map: Int32Array, out: FrameBatch): void {
  for (let i = 0; i < count; i++) {
    const channel = cursor.varint();
    if (channel >= map.length) cursor.sound = false;
    out.channel[i] = channel < map.length ? map[channel] : 0;
  }
}

function readDifferences(cursor: Cursor, count: number, out: Uint32Array): void {
  let value = 0;
  for (let i = 0; i < count; i++) {
    const zigzag = cursor.varint();
    value = (value + ((zigzag >>> 1) ^ -(zigzag & 1))) | 0;
    out[i] = value;
  }
}

function putDifferences(
  out: Uint8Array,
  start: number,
  values: Uint32Array,
  from: number,
  to: number,
): number {
  let at = start;
  let before = 0;
  for (let i = from; i < to; i++) {
    const difference = (values[i] - before) | 0;
    at = putVarint(out, at, (difference << 1) ^ (difference >> 31));
    before = values[i];
  }
  return at;
}

/** Writes the low 32 bits of `value`, seven a byte, the lowest first. */
function putVarint(out: Uint8Array, start: number, value: number): number {
  let at = start;
  let rest = value >>> 0;
  while (rest > 127) {
    out[at++] = (rest & 127) | 128;
    rest >>>= 7;
  }
  out[at++] = rest;
  return at;
}

/** Reads the varints of one column; anything odd in it makes it unsound, never throws. */
class Cursor {
  sound = true;
  private readonly bytes: Uint8Array;
  private at = 0;
  private end = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  enter(at: number, end: number): void {
    this.at = at;
    this.end = end;
  }

  /** The column was read to its last byte, and nothing was odd. */
  get exact(): boolean {
    return this.sound && this.at === this.end;
  }

  /** A varint as an unsigned 32-bit number. */
  varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      if (this.at === this.end) break;
      const byte = this.bytes[this.at++];
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    this.sound = false;
    return 0;
  }
}
