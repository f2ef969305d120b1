/** Numbers of a message as 32-bit words, and differences of 64-bit ones, without a bigint. */
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

  /**
   * A number of 6 or 8 bytes; of 6 the high word is unsigned. Doubles are read as the bits that
   * they are: those of whole numbers of one size are evenly spaced.
   */
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
