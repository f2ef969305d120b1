/**
 * The columns of a chunk while they are filled: lists of 32-bit words that are reused from chunk
 * to chunk. Most columns of a feed stay zero in most chunks, so zeros are only counted until
 * something else comes. Memory: what the fullest chunk so far needed.
 */
const FIRST_VALUES = 256;

export class ColumnSet {
  readonly counts: Int32Array;
  /** Those of columns that are not all zeros; of the others old ones. */
  readonly values: Int32Array[];
  /** 1: the column has something else than zeros. */
  readonly isUsed: Uint8Array;

  constructor(columns: number) {
    this.counts = new Int32Array(columns);
    this.isUsed = new Uint8Array(columns);
    this.values = Array.from({ length: columns }, () => new Int32Array(FIRST_VALUES));
  }

  clear(): void {
    this.counts.fill(0);
    this.isUsed.fill(0);
  }

  /** Appends the low 32 bits of `value`. */
  push(column: number, value: number): void {
    const at = this.counts[column];
    this.counts[column] = at + 1;
    if (this.isUsed[column] === 0) {
      if (value === 0) return;
      this.open(column, at);
    }
    const values = this.values[column];
    if (at < values.length) values[at] = value;
    else this.grow(column, at + 1)[at] = value;
  }

  /** Writes the zeros that were only counted. */
  private open(column: number, zeros: number): void {
    this.isUsed[column] = 1;
    if (zeros > this.values[column].length) this.grow(column, zeros);
    this.values[column].fill(0, 0, zeros);
  }

  private grow(column: number, needed: number): Int32Array {
    const grown = new Int32Array(needed * 4);
    grown.set(this.values[column]);
    this.values[column] = grown;
    return grown;
  }
}

/** Columns that were unpacked, read from their beginning. */
export class ColumnCursors {
  /** False once a column was read beyond its end. */
  sound = true;
  readonly counts: Int32Array;
  readonly values: Int32Array[];
  private readonly cursors: Int32Array;

  constructor(columns: number) {
    this.counts = new Int32Array(columns);
    this.cursors = new Int32Array(columns);
    this.values = Array.from({ length: columns }, () => new Int32Array(0));
  }

  clear(): void {
    this.sound = true;
    this.counts.fill(0);
    this.cursors.fill(0);
  }

  /** Makes room for a column of `count` values, and gives it to be filled. */
  open(column: number, count: number): Int32Array {
    if (this.values[column].length < count) this.values[column] = new Int32Array(count * 2);
    this.counts[column] = count;
    return this.values[column];
  }

  /** The next value; of a column that is not there every value is 0. */
  next(column: number): number {
    const at = this.cursors[column];
    if (at < this.counts[column]) {
      this.cursors[column] = at + 1;
      return this.values[column][at];
    }
    if (this.counts[column] > 0) this.sound = false;
    return 0;
  }

  /** Every column was read to its last value, and none beyond. */
  get exact(): boolean {
    if (!this.sound) return false;
    for (let column = 0; column < this.counts.length; column++) {
      if (this.cursors[column] !== this.counts[column]) return false;
    }
    return true;
  }
}
