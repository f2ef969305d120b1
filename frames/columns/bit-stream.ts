/** Bytes and bits that grow, and their reader: the low bits of each byte come first. */
export class ByteSink {
  bytes: Uint8Array;
  length = 0;

  constructor(capacity = 1 << 12) {
    this.bytes = new Uint8Array(capacity);
  }

  /** Makes room for `more` bytes. */
  reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const grown = new Uint8Array((this.length + more) * 2);
    grown.set(this.bytes.subarray(0, this.length));
    this.bytes = grown;
  }

  byte(value: number): void {
    this.reserve(1);
    this.bytes[this.length++] = value;
  }

  /** The low 32 bits of `value`, seven a byte, the lowest first. */
  varint(value: number): void {
    this.reserve(5);
    let rest = value >>> 0;
    while (rest > 127) {
      this.bytes[this.length++] = (rest & 127) | 128;
      rest >>>= 7;
    }
    this.bytes[this.length++] = rest;
  }

  append(from: Uint8Array, start: number, end: number): void {
    this.reserve(end - start);
    this.bytes.set(from.subarray(start, end), this.length);
    this.length += end - start;
  }
}

export class BitSink {
  readonly sink = new ByteSink();
  private pending = 0;
  private filled = 0;

  clear(): void {
    this.sink.length = 0;
    this.pending = 0;
    this.filled = 0;
  }

  /** Makes room for so many values of at most 32 bits. */
  reserve(values: number): void {
    this.sink.reserve(values * 4 + 8);
  }

  /** The low `width` bits of `value`, at most 24; room was reserved. */
  put(value: number, width: number): void {
    this.pending |= value << this.filled;
    this.filled += width;
    while (this.filled >= 8) {
      this.sink.bytes[this.sink.length++] = this.pending;
      this.pending >>>= 8;
      this.filled -= 8;
    }
  }

  /** Fills the last byte up with zeros. */
  finish(): void {
    this.reserve(1);
    if (this.filled > 0) this.put(0, 8 - this.filled);
  }
}

/** Reads bits and never beyond the end: what lies there is 0, and `sound` is false. */
export class BitSource {
  sound = true;
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private end = 0;
  private pending = 0;
  private filled = 0;

  enter(bytes: Uint8Array, at: number, end: number): void {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
    this.pending = 0;
    this.filled = 0;
    this.sound = true;
  }

  /** Less than a byte is left. */
  get atEnd(): boolean {
    return this.at === this.end;
  }

  /** @param width at most 24 bits */
  take(width: number): number {
    while (this.filled < width) {
      if (this.at < this.end) this.pending |= this.bytes[this.at++] << this.filled;
      else this.sound = false;
      this.filled += 8;
    }
    const value = this.pending & ((1 << width) - 1);
    this.pending >>>= width;
    this.filled -= width;
    return value;
  }
}
