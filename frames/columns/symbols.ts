/**
 * A run of symbols of a byte each, packed: where few kinds are in use, two, four or eight stand in
 * one byte, so that an entropy coder of whole bytes spends less than a bit on the usual one.
 *
 *     directory   kinds in use (0: more than 16, a byte each), then each kind
 *     body        indices of the kinds, 0, 1, 2 or 4 bits wide; or the symbols
 */
import type { ByteSink } from "./bit-stream.ts";

/** Packed runs of fewer bytes share a compressed frame: a code of their own costs more. */
export const LARGE_BYTES = 256;

/** Bits of a symbol where so many kinds are in use; 8: as it is. */
export function symbolWidth(kinds: number): number {
  if (kinds === 0 || kinds > 16) return 8;
  if (kinds === 1) return 0;
  if (kinds === 2) return 1;
  return kinds <= 4 ? 2 : 4;
}

/** Bytes that the body takes. */
export function symbolBytes(kinds: number, count: number): number {
  return Math.ceil((symbolWidth(kinds) * count) / 8);
}

const indexOf = new Uint8Array(256);

/** Writes the kinds to `directory` and the body to `body`; returns the body's bytes. */
export function packSymbols(
  symbols: Uint8Array,
  count: number,
  histogram: Int32Array,
  directory: ByteSink,
  body: ByteSink,
): number {
  let kinds = 0;
  for (let symbol = 0; symbol < 256; symbol++) {
    if (histogram[symbol] > 0) indexOf[symbol] = kinds++;
  }
  body.reserve(count + 1);
  if (kinds > 16) {
    directory.byte(0);
    body.bytes.set(symbols.subarray(0, count), body.length);
    body.length += count;
    return count;
  }
  directory.byte(kinds);
  for (let symbol = 0; symbol < 256; symbol++) if (histogram[symbol] > 0) directory.byte(symbol);
  const width = symbolWidth(kinds);
  if (width === 0) return 0;
  const start = body.length;
  const perByte = 8 / width;
  const { bytes } = body;
  let at = start;
  for (let i = 0; i < count; ) {
    let packed = 0;
    for (let n = 0; n < perByte && i < count; n++, i++) {
      packed |= indexOf[symbols[i]] << (n * width);
    }
    bytes[at++] = packed;
  }
  body.length = at;
  return at - start;
}

/** Reads `count` symbols at `at`; the caller has checked that their bytes are there. */
export function unpackSymbols(
  bytes: Uint8Array,
  at: number,
  kinds: Uint8Array,
  kindCount: number,
  count: number,
  symbols: Uint8Array,
): void {
  const width = symbolWidth(kindCount);
  if (width === 8) {
    symbols.set(bytes.subarray(at, at + count));
    return;
  }
  if (width === 0) {
    symbols.fill(kinds[0], 0, count);
    return;
  }
  const mask = (1 << width) - 1;
  const perByte = 8 / width;
  for (let i = 0, byte = at; i < count; byte++) {
    let packed = bytes[byte];
    for (let n = 0; n < perByte && i < count; n++, i++) {
      symbols[i] = kinds[packed & mask];
      packed >>= width;
    }
  }
}
