/**
 * Reads what `column-pack.ts` wrote. The bytes may be anything: each size is checked before
 * something is allocated for it, and what does not add up is `false`, never an exception.
 */
import { BitSource } from "./bit-stream.ts";
import type { ColumnCursors } from "./column-set.ts";
import { DICTIONARY_LIMIT } from "./dictionary.ts";
import {
  BASE_OF_CLASS,
  BITS_OF_CLASS,
  ESCAPE,
  ESCAPE_CLASS,
  NEGATIVE_CLASSES,
} from "./number-class.ts";
import { LARGE_BYTES, symbolBytes, unpackSymbols } from "./symbols.ts";

/** Values of one column, and of all: no chunk under its limits has more. */
export const COLUMN_VALUES_LIMIT = 1 << 20;
export const CHUNK_VALUES_LIMIT = 1 << 23;

export class ColumnUnpack {
  /** Where the columns ended in the bytes, after a `true` of `unpack`. */
  end = 0;
  private bytes: Uint8Array = new Uint8Array(0);
  private at = 0;
  private limit = 0;
  private smallAt = 0;
  private smallEnd = 0;
  private largeAt = 0;
  private largeEnd = 0;
  private readonly bits = new BitSource();
  private readonly kinds = new Uint8Array(256);
  private readonly dictionary = new Int32Array(DICTIONARY_LIMIT + 1);
  private symbols = new Uint8Array(1 << 14);
  private rareSymbols = new Uint8Array(1 << 14);
  private sound = true;

  /** Fills `columns` from `bytes[at..)`. */
  unpack(bytes: Uint8Array, at: number, columns: ColumnCursors): boolean {
    this.bytes = bytes;
    this.at = at;
    this.limit = bytes.length;
    this.sound = true;
    columns.clear();
    const directoryBytes = this.varint();
    const smallBytes = this.varint();
    const largeBytes = this.varint();
    const bitBytes = this.varint();
    if (!this.sound) return false;
    this.limit = this.at + directoryBytes;
    this.smallAt = this.limit;
    this.smallEnd = this.smallAt + smallBytes;
    this.largeAt = this.smallEnd;
    this.largeEnd = this.largeAt + largeBytes;
    this.end = this.largeEnd + bitBytes;
    if (this.end > bytes.length) return false;
    this.bits.enter(bytes, this.largeEnd, this.end);
    let column = -1;
    let total = 0;
    while (this.at < this.limit) {
      column += this.varint();
      const count = this.varint();
      total += count;
      if (!this.sound || column < 0 || column >= columns.count) return false;
      if (columns.has(column) || count === 0) return false;
      if (count > COLUMN_VALUES_LIMIT || total > CHUNK_VALUES_LIMIT) return false;
      if (!this.column(columns, column, count)) return false;
    }
    const isWhole = this.smallAt === this.smallEnd && this.largeAt === this.largeEnd;
    return isWhole && this.bits.sound && this.bits.atEnd;
  }

  private column(columns: ColumnCursors, column: number, count: number): boolean {
    const divisor = this.varint() | 0;
    const size = this.varint();
    if (!this.sound || size > DICTIONARY_LIMIT) return false;
    for (let i = 1; i <= size; i++) {
      const zigzag = this.varint();
      this.dictionary[i] = (zigzag >>> 1) ^ -(zigzag & 1);
    }
    const rare = size === 0 ? 0 : this.varint();
    if (!this.sound || rare > count) return false;
    if (this.symbols.length < count) {
      this.symbols = new Uint8Array(count * 2);
      this.rareSymbols = new Uint8Array(count * 2);
    }
    if (!this.run(this.symbols, count)) return false;
    if (rare > 0 && !this.run(this.rareSymbols, rare)) return false;
    const from = columns.open(column, count);
    const { values } = columns;
    if (size === 0) this.fromClasses(values, from, count);
    else if (!this.fromDictionary(values, from, count, size, rare)) return false;
    if (divisor !== 1) multiply(values, from, count, divisor);
    return true;
  }

  /** The next run of symbols; its bytes are checked to be there. */
  private run(symbols: Uint8Array, count: number): boolean {
    const kinds = this.byte();
    if (kinds > 16) return false;
    for (let i = 0; i < kinds; i++) this.kinds[i] = this.byte();
    this.kinds.fill(0, kinds, 16);
    const size = symbolBytes(kinds, count);
    const isLarge = size >= LARGE_BYTES;
    const at = isLarge ? this.largeAt : this.smallAt;
    if (!this.sound || at + size > (isLarge ? this.largeEnd : this.smallEnd)) return false;
    unpackSymbols(this.bytes, at, this.kinds, kinds, count, symbols);
    if (isLarge) this.largeAt += size;
    else this.smallAt += size;
    return true;
  }

  private fromClasses(values: Int32Array, from: number, count: number): void {
    const { symbols } = this;
    for (let i = 0; i < count; i++) values[from + i] = this.value(symbols[i]);
  }

  private fromDictionary(
    values: Int32Array,
    from: number,
    count: number,
    size: number,
    rare: number,
  ): boolean {
    const { symbols, rareSymbols, dictionary } = this;
    let next = 0;
    for (let i = 0; i < count; i++) {
      const symbol = symbols[i];
      if (symbol > size) return false;
      if (symbol > 0) {
        values[from + i] = dictionary[symbol];
      } else {
        if (next === rare) return false;
        values[from + i] = this.value(rareSymbols[next++]);
      }
    }
    return next === rare;
  }

  /** The value of a class and the bits that follow. */
  private value(code: number): number {
    if (code >= ESCAPE_CLASS) return ESCAPE;
    const width = BITS_OF_CLASS[code];
    let size = BASE_OF_CLASS[code];
    if (width > 24) {
      size += this.bits.take(16);
      size += this.bits.take(width - 16) << 16;
    } else if (width > 0) {
      size += this.bits.take(width);
    }
    return code >= NEGATIVE_CLASSES ? ~size : size;
  }

  private byte(): number {
    if (this.at < this.limit) return this.bytes[this.at++];
    this.sound = false;
    return 0;
  }

  private varint(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value |= (byte & 127) << shift;
      if (byte < 128) return value >>> 0;
    }
    this.sound = false;
    return 0;
  }
}

function multiply(values: Int32Array, from: number, count: number, divisor: number): void {
  for (let i = from; i < from + count; i++) {
    if (values[i] !== ESCAPE) values[i] = Math.imul(values[i], divisor);
  }
}
