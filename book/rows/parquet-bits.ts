/**
 * Parquet's packed encodings of whole columns, written straight into bytes: the hybrid of runs and
 * bit-packed groups (levels and dictionary indices), and binary packed deltas (times, sequences).
 * No number becomes an object on the way.
 *
 *   hybrid  header (count << 1), value in whole bytes | header (groups << 1 | 1), 8 values a group
 *   deltas  128, 4, count, first; for each 128: least delta, 4 widths, 4 × 32 packed differences
 */

const TWO_32 = 4_294_967_296;
const TWO_24 = 16_777_216;
/** Deltas beyond this are not exact as doubles with room for a subtraction. */
const LARGEST_DELTA = 2 ** 51;
const BLOCK = 128;
const MINI = 32;
/** Shorter runs are cheaper packed than as runs of their own. */
const SHORTEST_RUN = 8;

export class BitWriter {
  readonly bytes: Uint8Array;
  at = 0;
  private pending = 0;
  private pendingBits = 0;
  private readonly deltas = new Float64Array(BLOCK);

  /** @param size bytes; what is written never grows beyond it */
  constructor(size: number) {
    this.bytes = new Uint8Array(size);
  }

  clear(): void {
    this.at = 0;
  }

  written(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }

  /** Values of `width` bits (at most 24) as runs where eight or more are alike, else bit-packed. */
  hybrid(values: Int32Array | Uint8Array, count: number, width: number): void {
    let packedFrom = 0;
    let from = 0;
    while (from < count) {
      const value = values[from];
      let to = from + 1;
      while (to < count && values[to] === value) to++;
      if (to - from < SHORTEST_RUN) {
        from += 8;
        continue;
      }
      this.groups(values, packedFrom, from, count, width);
      this.varint((to - from) * 2);
      for (let bit = 0; bit < width; bit += 8) this.bytes[this.at++] = value >>> bit;
      from = to;
      packedFrom = to;
    }
    this.groups(values, packedFrom, Math.min(from, count), count, width);
  }

  /**
   * Deltas of 64-bit numbers, given as pairs of words (low, high), signed.
   * @returns false where two neighbours lie too far apart: nothing useful was written then
   */
  deltaPacked(words: Int32Array, count: number): boolean {
    this.varint(BLOCK);
    this.varint(BLOCK / MINI);
    this.varint(count);
    this.zigzagWords(words[1], words[0]);
    for (let from = 1; from < count; from += BLOCK) {
      const inBlock = Math.min(BLOCK, count - from);
      const least = this.takeDeltas(words, from, inBlock);
      if (Number.isNaN(least)) return false;
      this.zigzag(least);
      this.miniblocks(inBlock, least);
    }
    return true;
  }

  varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      const high = Math.floor(rest / 0x80);
      this.bytes[this.at++] = rest - high * 0x80 + 0x80;
      rest = high;
    }
    this.bytes[this.at++] = rest;
  }

  private zigzag(value: number): void {
    this.varint(value < 0 ? -value * 2 - 1 : value * 2);
  }

  private zigzagWords(high: number, low: number): void {
    const sign = high >> 31;
    let restLow = ((low << 1) ^ sign) >>> 0;
    let restHigh = (((high << 1) | (low >>> 31)) ^ sign) >>> 0;
    while (restHigh > 0 || restLow >= 0x80) {
      this.bytes[this.at++] = (restLow & 0x7f) | 0x80;
      restLow = ((restLow >>> 7) | (restHigh << 25)) >>> 0;
      restHigh >>>= 7;
    }
    this.bytes[this.at++] = restLow;
  }

  /** Values `from` to `to`, whose count is a multiple of 8 but at the column's end. */
  private groups(
    values: Int32Array | Uint8Array,
    from: number,
    to: number,
    count: number,
    width: number,
  ): void {
    if (to <= from) return;
    const groups = (to - from + 7) >> 3;
    this.varint(groups * 2 + 1);
    const end = from + groups * 8;
    const known = Math.min(end, count);
    for (let i = from; i < known; i++) this.pack(values[i], width);
    for (let i = known; i < end; i++) this.pack(0, width);
  }

  /** Fills `deltas`; the least of them, or NaN where one is too large. */
  private takeDeltas(words: Int32Array, from: number, count: number): number {
    const { deltas } = this;
    let least = Number.POSITIVE_INFINITY;
    let greatest = Number.NEGATIVE_INFINITY;
    let low = words[from * 2 - 2] >>> 0;
    let high = words[from * 2 - 1];
    for (let i = 0; i < count; i++) {
      const nextLow = words[(from + i) * 2] >>> 0;
      const nextHigh = words[(from + i) * 2 + 1];
      const delta = (nextHigh - high) * TWO_32 + (nextLow - low);
      deltas[i] = delta;
      if (delta < least) least = delta;
      if (delta > greatest) greatest = delta;
      low = nextLow;
      high = nextHigh;
    }
    return least > -LARGEST_DELTA && greatest < LARGEST_DELTA ? least : Number.NaN;
  }

  private miniblocks(count: number, least: number): void {
    const { deltas } = this;
    const widthsAt = this.at;
    this.at += BLOCK / MINI;
    for (let mini = 0; mini < BLOCK / MINI; mini++) {
      const from = mini * MINI;
      const to = Math.min(from + MINI, count);
      let most = 0;
      for (let i = from; i < to; i++) if (deltas[i] - least > most) most = deltas[i] - least;
      const width = bitWidth(most);
      this.bytes[widthsAt + mini] = width;
      if (width === 0) continue;
      for (let i = from; i < from + MINI; i++) {
        const value = i < to ? deltas[i] - least : 0;
        if (width <= 24) this.pack(value, width);
        else this.packWide(value, width);
      }
    }
  }

  /** At most 24 bits, least significant first; eight values always end on a whole byte. */
  private pack(value: number, width: number): void {
    let pending = this.pending | (value << this.pendingBits);
    let bits = this.pendingBits + width;
    while (bits >= 8) {
      this.bytes[this.at++] = pending;
      pending >>>= 8;
      bits -= 8;
    }
    this.pending = pending;
    this.pendingBits = bits;
  }

  private packWide(value: number, width: number): void {
    let rest = value;
    let left = width;
    while (left > 24) {
      const high = Math.floor(rest / TWO_24);
      this.pack(rest - high * TWO_24, 24);
      rest = high;
      left -= 24;
    }
    this.pack(rest, left);
  }
}

/** Bits that a whole number below 2^53 takes; 0 for 0. */
export function bitWidth(most: number): number {
  if (most < TWO_32) return 32 - Math.clz32(most);
  return 64 - Math.clz32(Math.floor(most / TWO_32));
}
