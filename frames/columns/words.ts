/** Numbers of a message as 32-bit words, and differences of 64-bit ones, without a bigint. */
const TWO_32 = 4_294_967_296;
const TWO_53 = 9_007_199_254_740_992;

/** The two words that a read, a sum or a difference gave. */
export class Words {
  lo = 0;
  hi = 0;

  /** a - b, modulo 2^64. */
  subtract(aLo: number, aHi: number, bLo: number, bHi: number): void {
    this.lo = (aLo - bLo) | 0;
    this.hi = (aHi - bHi - (aLo >>> 0 < bLo >>> 0 ? 1 : 0)) | 0;
  }

  /** a + b, modulo 2^64. */
  add(aLo: number, aHi: number, bLo: number, bHi: number): void {
    this.lo = (aLo + bLo) | 0;
    this.hi = (aHi + bHi + (this.lo >>> 0 < bLo >>> 0 ? 1 : 0)) | 0;
  }

  /** A number of 6 or 8 bytes; of 6 the high word is unsigned. */
  read(view: DataView, at: number, width: number, little: boolean): void {
    if (little) {
      this.lo = view.getInt32(at, true);
      this.hi = width === 8 ? view.getInt32(at + 4, true) : view.getUint16(at + 4, true);
    } else {
      this.lo = view.getInt32(at + width - 4, false);
      this.hi = width === 8 ? view.getInt32(at, false) : view.getUint16(at, false);
    }
  }

  write(view: DataView, at: number, width: number, little: boolean): void {
    view.setInt32(little ? at : at + width - 4, this.lo, little);
    const high = little ? at + 4 : at;
    if (width === 8) view.setInt32(high, this.hi, little);
    else view.setInt16(high, this.hi, little);
  }

  /** A double that `isWhole`. */
  readDouble(view: DataView, at: number, little: boolean): void {
    const value = view.getFloat64(at, little);
    this.hi = (value / TWO_32) | 0;
    this.lo = (value - this.hi * TWO_32) | 0;
  }

  writeDouble(view: DataView, at: number, little: boolean): void {
    view.setFloat64(at, (this.hi >>> 0) * TWO_32 + (this.lo >>> 0), little);
  }
}

/** True if the double comes back bit for bit from the whole number that it holds. */
export function isWhole(view: DataView, at: number, little: boolean): boolean {
  const value = view.getFloat64(at, little);
  return value >= 0 && value < TWO_53 && Math.floor(value) === value && !Object.is(value, -0);
}

/** A number of 1, 2 or 4 bytes as a signed word; short ones are unsigned. */
export function readWord(view: DataView, at: number, width: number, little: boolean): number {
  if (width === 4) return view.getInt32(at, little);
  return width === 2 ? view.getUint16(at, little) : view.getUint8(at);
}

export function writeWord(
  view: DataView,
  at: number,
  width: number,
  little: boolean,
  value: number,
): void {
  if (width === 4) view.setInt32(at, value, little);
  else if (width === 2) view.setInt16(at, value, little);
  else view.setInt8(at, value);
}
