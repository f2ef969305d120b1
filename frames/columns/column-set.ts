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

/** Columns that were unpacked, one behind the other in one list, each read from its beginning. */
export class ColumnCursors {
  /** False once a column was read beyond its end. */
  sound = true;
  readonly count: number;
  /** Of all columns; `open` may put another list in its place. */
  values = new Int32Array(FIRST_VALUES);
  /** Where each column is read next, and where it ends; both 0 where it is not there. */
  private readonly cursors: Int32Array;
  private readonly ends: Int32Array;
  private used = 0;

  constructor(columns: number) {
    this.count = columns;
    this.cursors = new Int32Array(columns);
    this.ends = new Int32Array(columns);
  }

  clear(): void {
    this.sound = true;
    this.used = 0;
    this.cursors.fill(0);
    this.ends.fill(0);
  }

  has(column: number): boolean {
    return this.ends[column] > 0;
  }

  /** Makes room for a column of `count` values, more than none; they are to be put in `values` from here. */
  open(column: number, count: number): number {
    const from = this.used;
    const end = from + count;
    if (end > this.values.length) {
      const grown = new Int32Array(end * 2);
      grown.set(this.values);
      this.values = grown;
    }
    this.cursors[column] = from;
    this.ends[column] = end;
    this.used = end;
    return from;
  }

  /** The next value; of a column that is not there every value is 0. */
  next(column: number): number {
    const at = this.cursors[column];
    const end = this.ends[column];
    if (at < end) {
      this.cursors[column] = at + 1;
      return this.values[at];
    }
    if (end > 0) this.sound = false;
    return 0;
  }

  /** Every column was read to its last value, and none beyond. */
  get exact(): boolean {
    if (!this.sound) return false;
    for (let column = 0; column < this.count; column++) {
      if (this.cursors[column] !== this.ends[column]) return false;
    }
    return true;
  }
}
