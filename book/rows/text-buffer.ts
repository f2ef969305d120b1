/**
 * Bytes of a text format, written into one buffer that is reused: numbers become digits without a
 * string between. Drains into `out` when the buffer is nearly full and when asked.
 *
 * Assumes that no single piece is longer than the slack kept free (texts are checked, numbers are
 * at most 25 bytes).
 */
export interface ByteOutput {
  /** Takes the bytes before it returns; they are overwritten afterwards. */
  write(bytes: Uint8Array): void;
}

const ZERO = 48;
const MINUS = 45;
const POINT = 46;
const BILLION = 1_000_000_000;
const TWO_16 = 65_536;
const TWO_32 = 4_294_967_296;
const POWERS = [1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12];
/** Kept free, so that numbers and separators need no check. */
const SLACK = 64;

export class TextBuffer {
  private readonly out: ByteOutput;
  private readonly bytes: Uint8Array;
  private at = 0;
  private readonly encoder = new TextEncoder();

  constructor(out: ByteOutput, size = 1 << 18) {
    this.out = out;
    this.bytes = new Uint8Array(size);
  }

  drain(): void {
    if (this.at === 0) return;
    const full = this.bytes.subarray(0, this.at);
    this.at = 0;
    this.out.write(full);
  }

  byte(code: number): void {
    if (this.at >= this.bytes.length - SLACK) this.drain();
    this.bytes[this.at++] = code;
  }

  /** Bytes that are already text: names, keys. */
  copy(piece: Uint8Array): void {
    if (piece.length > this.bytes.length - SLACK - this.at) {
      this.drain();
      if (piece.length > this.bytes.length - SLACK) {
        this.out.write(piece);
        return;
      }
    }
    // Pieces are short: a loop is quicker than `set`.
    for (let i = 0; i < piece.length; i++) this.bytes[this.at + i] = piece[i];
    this.at += piece.length;
  }

  text(text: string): void {
    this.copy(this.encoder.encode(text));
  }

  /** A whole number, below 2^53 in magnitude. */
  integer(value: number): void {
    if (this.at >= this.bytes.length - SLACK) this.drain();
    let rest = value;
    if (rest < 0) {
      this.bytes[this.at++] = MINUS;
      rest = -rest;
    }
    this.digits(rest);
  }

  /** An integer of the price unit with its point, exactly: (7020, 2) is `70.20`. */
  decimal(value: number, decimals: number): void {
    if (decimals === 0) {
      this.integer(value);
      return;
    }
    if (this.at >= this.bytes.length - SLACK) this.drain();
    let whole = value;
    if (whole < 0) {
      this.bytes[this.at++] = MINUS;
      whole = -whole;
    }
    const power = POWERS[decimals];
    const units = Math.floor(whole / power);
    this.digits(units);
    this.bytes[this.at++] = POINT;
    this.padded(whole - units * power, decimals);
  }

  /** Nanoseconds since 1970 of a time that is not before it. */
  time(sec: number, nsec: number): void {
    if (this.at >= this.bytes.length - SLACK) this.drain();
    if (sec < 0) {
      this.bytes[this.at++] = MINUS;
      this.time(nsec === 0 ? -sec : -sec - 1, nsec === 0 ? 0 : BILLION - nsec);
    } else if (sec === 0) this.digits(nsec);
    else {
      this.digits(sec);
      this.padded(nsec, 9);
    }
  }

  /** Unsigned 64 bits in two words. */
  unsigned64(hi: number, lo: number): void {
    if (this.at >= this.bytes.length - SLACK) this.drain();
    const high = hi >>> 0;
    const low = lo >>> 0;
    if (high < 2_097_152) {
      this.digits(high * TWO_32 + low);
      return;
    }
    // Long division by 10^9 in steps of 16 bits, so that every rest stays exact.
    const first = Math.floor(high / BILLION);
    const middle = (high - first * BILLION) * TWO_16 + (low >>> 16);
    const second = Math.floor(middle / BILLION);
    const last = (middle - second * BILLION) * TWO_16 + (low & 0xffff);
    const third = Math.floor(last / BILLION);
    this.digits(first * TWO_32 + second * TWO_16 + third);
    this.padded(last - third * BILLION, 9);
  }

  /** Signed 64 bits in two words. */
  signed64(hi: number, lo: number): void {
    if ((hi | 0) >= 0) {
      this.unsigned64(hi, lo);
      return;
    }
    this.byte(MINUS);
    const low = -lo | 0;
    this.unsigned64(low === 0 ? -hi | 0 : ~hi, low);
  }

  private digits(value: number): void {
    if (value < BILLION) {
      this.smallDigits(value | 0);
      return;
    }
    const high = Math.floor(value / BILLION);
    this.digits(high);
    this.padded(value - high * BILLION, 9);
  }

  /** Below 10^9, no leading zeros. */
  private smallDigits(value: number): void {
    let width = 1;
    for (let limit = 10; value >= limit; limit *= 10) width++;
    this.fill(value, width);
    this.at += width;
  }

  /** With leading zeros, up to 12 digits. */
  private padded(value: number, width: number): void {
    if (value < BILLION) this.fill(value | 0, width);
    else {
      const high = Math.floor(value / BILLION);
      this.fill(high, width - 9);
      this.at += width - 9;
      this.fill(value - high * BILLION, 9);
      this.at += 9;
      return;
    }
    this.at += width;
  }

  private fill(value: number, width: number): void {
    const bytes = this.bytes;
    let rest = value;
    for (let i = this.at + width - 1; i >= this.at; i--) {
      const next = (rest / 10) | 0;
      bytes[i] = ZERO + rest - next * 10;
      rest = next;
    }
  }
}
