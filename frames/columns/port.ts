/**
 * The two ends of the model. The model says from what a value is told, once for both directions;
 * the port of packing reads the value there and puts the difference in a column, that of unpacking
 * takes the difference from the column and writes the value. So the two cannot disagree.
 */
import type { ColumnCursors, ColumnSet } from "./column-set.ts";
import { ESCAPE } from "./number-class.ts";
import { Column, type Step } from "./plan.ts";
import { readWord, Words, writeWord } from "./words.ts";
import type { WordsTable } from "./words-table.ts";

/** Symbols of a step for orders, beside the distance to one that the chunk has named. */
export const OrderSymbol = { New: 0, None: -1, Last: -2 } as const;

export interface Port {
  /** The datagram's bytes: to be read, or to be filled. */
  view: DataView;
  readonly little: boolean;
  /** False once a column does not hold what it must. */
  sound: boolean;
  /** The number that `wide` or `order` met last. */
  readonly words: Words;
  /** A symbol that packing knows and unpacking learns. */
  symbol(column: number, known: number): number;
  /** Whether all the steps' words of the message at `at` are the last ones; then they are told. */
  unchanged(column: number, at: number, steps: readonly Step[], last: Int32Array): boolean;
  /** The word at `at`, told as the difference to `expected`. */
  word(column: number, at: number, width: number, expected: number): number;
  /** The word at `at`, told as 0 if it is `expected`. */
  code(column: number, at: number, width: number, expected: number): number;
  /** The number of 6 or 8 bytes at `at`, told as the difference to an expected one. */
  wide(column: number, at: number, width: number, lo: number, hi: number): void;
  /** The order at `at`: an `OrderSymbol`, or how many orders ago it was first named. */
  order(column: number, at: number, orders: WordsTable, last: number): number;
  /** Index of the name at `at` among the instruments; their count if it is new. */
  instrument(
    column: number,
    at: number,
    width: number,
    instruments: WordsTable,
    expected: number,
  ): number;
  addOrder(orders: WordsTable): number;
}

/** An instrument's name as two words: a number, or eight letters. */
function readName(words: Words, view: DataView, at: number, width: number, little: boolean): void {
  if (width === 8) {
    words.read(view, at, 8, true);
  } else {
    words.lo = readWord(view, at, width, little);
    words.hi = 0;
  }
}

export class PackPort implements Port {
  view: DataView = new DataView(new ArrayBuffer(0));
  readonly little: boolean;
  readonly sound = true;
  readonly words = new Words();
  private readonly columns: ColumnSet;
  private readonly difference = new Words();
  private beforeLo = 0;

  constructor(columns: ColumnSet, little: boolean) {
    this.columns = columns;
    this.little = little;
  }

  clear(): void {
    this.beforeLo = 0;
  }

  symbol(column: number, known: number): number {
    this.columns.push(column, known);
    return known;
  }

  unchanged(column: number, at: number, steps: readonly Step[], last: Int32Array): boolean {
    const { view, little } = this;
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i];
      if (readWord(view, at + step.at, step.width, little) === last[step.slot]) continue;
      this.columns.push(column, 1);
      return false;
    }
    this.columns.push(column, 0);
    return true;
  }

  word(column: number, at: number, width: number, expected: number): number {
    const value = readWord(this.view, at, width, this.little);
    this.columns.push(column, value - expected);
    return value;
  }

  code(column: number, at: number, width: number, expected: number): number {
    const value = readWord(this.view, at, width, this.little);
    this.columns.push(column, value === expected ? 0 : value === 0 ? expected : value);
    return value;
  }

  wide(column: number, at: number, width: number, lo: number, hi: number): void {
    const { words, difference, columns } = this;
    words.read(this.view, at, width, this.little);
    difference.subtract(words.lo, words.hi, lo, hi);
    if (difference.hi === difference.lo >> 31 && difference.lo !== ESCAPE) {
      columns.push(column, difference.lo);
    } else {
      columns.push(column, ESCAPE);
      columns.push(Column.Wide, words.lo);
      columns.push(Column.Wide, words.hi);
    }
  }

  order(column: number, at: number, orders: WordsTable, last: number): number {
    const { words } = this;
    words.read(this.view, at, 8, this.little);
    let symbol: number = OrderSymbol.None;
    if (words.lo !== 0 || words.hi !== 0) {
      const index = orders.find(words.lo, words.hi);
      symbol = OrderSymbol.New;
      if (index >= 0) symbol = index === last ? OrderSymbol.Last : orders.count - index;
    }
    this.columns.push(column, symbol);
    return symbol;
  }

  instrument(
    column: number,
    at: number,
    width: number,
    instruments: WordsTable,
    expected: number,
  ): number {
    const { words, columns } = this;
    readName(words, this.view, at, width, this.little);
    let index = instruments.find(words.lo, words.hi);
    if (index < 0) {
      index = instruments.add(words.lo, words.hi);
      columns.push(column, index + 1);
      this.newName(width);
    } else {
      columns.push(column, index === expected ? 0 : index + 1);
    }
    return index;
  }

  private newName(width: number): void {
    const { words, columns } = this;
    if (width < 8) {
      columns.push(Column.Names, words.lo - this.beforeLo);
      this.beforeLo = words.lo;
      return;
    }
    for (let i = 0; i < 4; i++) {
      columns.push(Column.Names + i, (words.lo >>> (i * 8)) & 255);
      columns.push(Column.Names + 4 + i, (words.hi >>> (i * 8)) & 255);
    }
  }

  addOrder(orders: WordsTable): number {
    return orders.add(this.words.lo, this.words.hi);
  }
}

export class UnpackPort implements Port {
  view: DataView = new DataView(new ArrayBuffer(0));
  readonly little: boolean;
  sound = true;
  readonly words = new Words();
  private readonly columns: ColumnCursors;
  private beforeLo = 0;

  constructor(columns: ColumnCursors, little: boolean) {
    this.columns = columns;
    this.little = little;
  }

  clear(): void {
    this.beforeLo = 0;
    this.sound = true;
  }

  symbol(column: number, _known: number): number {
    return this.columns.next(column);
  }

  unchanged(column: number, at: number, steps: readonly Step[], last: Int32Array): boolean {
    if (this.columns.next(column) !== 0) return false;
    const { view, little } = this;
    for (const step of steps) writeWord(view, at + step.at, step.width, little, last[step.slot]);
    return true;
  }

  word(column: number, at: number, width: number, expected: number): number {
    const value = (expected + this.columns.next(column)) | 0;
    return this.put(at, width, value);
  }

  code(column: number, at: number, width: number, expected: number): number {
    const code = this.columns.next(column);
    return this.put(at, width, code === 0 ? expected : code === expected ? 0 : code);
  }

  wide(column: number, at: number, width: number, lo: number, hi: number): void {
    const { words, columns } = this;
    const difference = columns.next(column);
    if (difference === ESCAPE) {
      words.lo = columns.next(Column.Wide);
      words.hi = columns.next(Column.Wide);
    } else {
      words.add(lo, hi, difference, difference >> 31);
    }
    words.write(this.view, at, width, this.little);
  }

  order(column: number, at: number, orders: WordsTable, last: number): number {
    const symbol = this.columns.next(column);
    if (symbol === OrderSymbol.New) return symbol;
    const { words } = this;
    words.lo = 0;
    words.hi = 0;
    if (symbol !== OrderSymbol.None) {
      const index = symbol === OrderSymbol.Last ? last : orders.count - symbol;
      if (!(index >= 0 && index < orders.count)) {
        this.sound = false;
        return OrderSymbol.None;
      }
      words.lo = orders.lo[index];
      words.hi = orders.hi[index];
    }
    words.write(this.view, at, 8, this.little);
    return symbol;
  }

  instrument(
    column: number,
    at: number,
    width: number,
    instruments: WordsTable,
    expected: number,
  ): number {
    const symbol = this.columns.next(column);
    let index = symbol === 0 ? expected : symbol - 1;
    if (index === instruments.count) {
      this.newName(width);
      index = instruments.append(this.words.lo, this.words.hi);
    }
    if (!(index >= 0 && index < instruments.count)) {
      this.sound = false;
      return 0;
    }
    if (width === 8) {
      this.view.setInt32(at, instruments.lo[index], true);
      this.view.setInt32(at + 4, instruments.hi[index], true);
    } else {
      this.put(at, width, instruments.lo[index]);
    }
    return index;
  }

  private newName(width: number): void {
    const { words, columns } = this;
    words.lo = 0;
    words.hi = 0;
    if (width < 8) {
      words.lo = (this.beforeLo + columns.next(Column.Names)) | 0;
      this.beforeLo = words.lo;
      return;
    }
    for (let i = 0; i < 4; i++) {
      words.lo |= (columns.next(Column.Names + i) & 255) << (i * 8);
      words.hi |= (columns.next(Column.Names + 4 + i) & 255) << (i * 8);
    }
  }

  addOrder(orders: WordsTable): number {
    return orders.append(this.words.lo, this.words.hi);
  }

  /** Writes the value; gives it back as a reader of the bytes would read it. */
  private put(at: number, width: number, value: number): number {
    writeWord(this.view, at, width, this.little, value);
    if (width === 4) return value;
    return width === 2 ? value & 0xffff : value & 0xff;
  }
}
