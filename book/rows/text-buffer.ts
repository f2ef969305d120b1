/**
 * Bytes of a text format, written into one buffer that is reused: numbers become digits without a
 * string between (`digits.ts`). Drains into `out` when the buffer is nearly full and when asked.
 *
 * Assumes that no single piece is longer than the slack kept free (texts are checked, numbers are
 * at most 27 bytes).
 */
import { putDecimal, putInteger, putSigned64, putTime, putUnsigned64 } from "./digits.ts";

export interface ByteOutput {
  /** Takes the bytes before it returns; they are overwritten afterwards. */
  write(bytes: Uint8Array): void;
}

/** Kept free, so that numbers and separators need no check. */
const SLACK = 64;

export class TextBuffer {
  /** For writers of whole rows: they write from `at` on after `reserve`, and set `at`. */
  readonly view: DataView;
  at = 0;
  private readonly bytes: Uint8Array;
  private readonly out: ByteOutput;
  private readonly encoder = new TextEncoder();

  constructor(out: ByteOutput, size = 1 << 18) {
    this.out = out;
    this.bytes = new Uint8Array(size);
    this.view = new DataView(this.bytes.buffer);
  }

  drain(): void {
    if (this.at === 0) return;
    const full = this.bytes.subarray(0, this.at);
    this.at = 0;
    this.out.write(full);
  }

  /** True if `size` bytes are free behind `at`, and the slack; drains first where they are not. */
  reserve(size: number): boolean {
    if (this.at + size > this.bytes.length - SLACK) this.drain();
    return size <= this.bytes.length - SLACK;
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
    this.at = putInteger(this.view, this.at, value);
  }

  /** An integer of the price unit with its point, exactly: (7020, 2) is `70.20`. */
  decimal(value: number, decimals: number): void {
    if (this.at >= this.bytes.length - SLACK) this.drain();
    this.at = putDecimal(this.view, this.at, value, decimals);
  }

  /** Nanoseconds since 1970. */
  time(sec: number, nsec: number): void {
    if (this.at >= this.bytes.length - SLACK) this.drain();
    this.at = putTime(this.view, this.at, sec, nsec);
  }

  /** Unsigned 64 bits in two words. */
  unsigned64(hi: number, lo: number): void {
    if (this.at >= this.bytes.length - SLACK) this.drain();
    this.at = putUnsigned64(this.view, this.at, hi, lo);
  }

  /** Signed 64 bits in two words. */
  signed64(hi: number, lo: number): void {
    if (this.at >= this.bytes.length - SLACK) this.drain();
    this.at = putSigned64(this.view, this.at, hi, lo);
  }
}
