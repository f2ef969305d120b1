/**
 * Columns of words to bytes that zstd makes small. A column of zeros alone is left out. From the
 * others the common divisor is taken (ticks, lots, a clock's grain); then each value is a class and
 * bits (`number-class.ts`), or, where that is smaller, a symbol of a dictionary with classes for
 * the rare ones.
 *
 *     directory   of each column: distance to the column before, values, divisor, dictionary's size;
 *                 its values and how many escaped, if it has one; kinds of symbols (`symbols.ts`)
 *     small       the packed symbols of short columns, one after another
 *     large       the same of long ones: each is compressed by itself, so that it has a code of its own
 *     bits        of all columns
 *
 * The sizes of all four stand in front, as varints.
 */
import { BitSink, ByteSink } from "./bit-stream.ts";
import type { ColumnSet } from "./column-set.ts";
import { Dictionary } from "./dictionary.ts";
import { BASE_OF_CLASS, BITS_OF_CLASS, classOf, ESCAPE, ESCAPE_CLASS } from "./number-class.ts";
import { LARGE_BYTES, packSymbols } from "./symbols.ts";

/** So many bits beside classes, on average, call for a look at a dictionary. */
const DICTIONARY_BITS = 0.3;
/** Bytes that a dictionary's value may take in the directory. */
const DICTIONARY_VALUE_BYTES = 3;
const LOG2 = logarithms();

export class ColumnPack {
  private readonly directory = new ByteSink();
  private readonly small = new ByteSink();
  private readonly large = new ByteSink();
  private readonly body = new ByteSink();
  private readonly bits = new BitSink();
  private readonly dictionary = new Dictionary();
  private readonly histogram = new Int32Array(256);
  private readonly symbolHistogram = new Int32Array(256);
  private symbols = new Uint8Array(1 << 14);
  private rare = new Int32Array(1 << 14);
  private readonly head = new ByteSink(64);

  /**
   * Appends the columns to `out`.
   * @param cuts takes the ends of the parts that are best compressed apart
   */
  pack(columns: ColumnSet, out: ByteSink, cuts: number[]): void {
    this.directory.length = 0;
    this.small.length = 0;
    this.large.length = 0;
    this.bits.clear();
    const largeSizes: number[] = [];
    let before = -1;
    for (let column = 0; column < columns.counts.length; column++) {
      if (columns.isUsed[column] === 0) continue;
      const count = columns.counts[column];
      this.directory.varint(column - before);
      before = column;
      this.column(columns.values[column], count, largeSizes);
    }
    this.bits.finish();
    const { directory, small, large, head } = this;
    const bits = this.bits.sink;
    head.length = 0;
    for (const part of [directory, small, large, bits]) head.varint(part.length);
    out.append(head.bytes, 0, head.length);
    out.append(directory.bytes, 0, directory.length);
    out.append(small.bytes, 0, small.length);
    cuts.push(out.length);
    out.append(large.bytes, 0, large.length);
    let end = out.length - large.length;
    for (const size of largeSizes) {
      end += size;
      cuts.push(end);
    }
    out.append(bits.bytes, 0, bits.length);
    cuts.push(out.length);
  }

  private column(values: Int32Array, count: number, largeSizes: number[]): void {
    const { directory } = this;
    if (this.symbols.length < count) {
      this.symbols = new Uint8Array(count * 2);
      this.rare = new Int32Array(count * 2);
    }
    const divisor = commonDivisor(values, count);
    if (divisor > 1) divide(values, count, divisor);
    directory.varint(count);
    directory.varint(divisor);
    const classBits = this.classify(values, count);
    if (classBits > DICTIONARY_BITS * count && this.dictionaryPays(values, count, classBits)) {
      this.withDictionary(values, count, largeSizes);
      return;
    }
    directory.varint(0);
    this.emit(count, this.histogram, largeSizes);
    this.emitBits(values, count);
  }

  /** Fills `symbols` with classes, and counts them; returns the bits beside them. */
  private classify(values: Int32Array, count: number): number {
    const { histogram, symbols } = this;
    histogram.fill(0);
    for (let i = 0; i < count; i++) {
      const code = classOf(values[i]);
      symbols[i] = code;
      histogram[code]++;
    }
    let bits = 0;
    for (let code = 0; code < ESCAPE_CLASS; code++) bits += histogram[code] * BITS_OF_CLASS[code];
    return bits;
  }

  /** Whether symbols with a dictionary are smaller than classes; leaves the dictionary chosen. */
  private dictionaryPays(values: Int32Array, count: number, classBits: number): boolean {
    const { dictionary, symbolHistogram } = this;
    dictionary.choose(values, count);
    if (dictionary.values.length === 0) return false;
    symbolHistogram.fill(0);
    let rareBits = 0;
    for (let i = 0; i < count; i++) {
      const symbol = dictionary.symbolOf(values[i]);
      symbolHistogram[symbol]++;
      if (symbol === 0) rareBits += BITS_OF_CLASS[this.symbols[i]];
    }
    const escaped = symbolHistogram[0];
    const perClass = entropyBits(this.histogram, count) / count;
    const withClasses = perClass * count + classBits;
    const withSymbols = entropyBits(symbolHistogram, count) + rareBits + escaped * perClass;
    return withSymbols + dictionary.values.length * DICTIONARY_VALUE_BYTES * 8 < withClasses;
  }

  private withDictionary(values: Int32Array, count: number, largeSizes: number[]): void {
    const { directory, dictionary, symbolHistogram } = this;
    directory.varint(dictionary.values.length);
    for (const value of dictionary.values) directory.varint((value << 1) ^ (value >> 31));
    let rare = 0;
    for (let i = 0; i < count; i++) {
      const symbol = dictionary.symbolOf(values[i]);
      this.symbols[i] = symbol;
      if (symbol === 0) this.rare[rare++] = values[i];
    }
    directory.varint(rare);
    this.emit(count, symbolHistogram, largeSizes);
    if (rare === 0) return;
    this.classify(this.rare, rare);
    this.emit(rare, this.histogram, largeSizes);
    this.emitBits(this.rare, rare);
  }

  /** The symbols of one run, to where runs of their size go. */
  private emit(count: number, histogram: Int32Array, largeSizes: number[]): void {
    const { body, directory } = this;
    body.length = 0;
    const size = packSymbols(this.symbols, count, histogram, directory, body);
    const isLarge = size >= LARGE_BYTES;
    (isLarge ? this.large : this.small).append(body.bytes, 0, size);
    if (isLarge) largeSizes.push(size);
  }

  private emitBits(values: Int32Array, count: number): void {
    const { bits, symbols } = this;
    bits.reserve(count);
    for (let i = 0; i < count; i++) {
      const code = symbols[i];
      const width = BITS_OF_CLASS[code];
      if (width === 0) continue;
      const value = values[i];
      const rest = (value < 0 ? ~value : value) - BASE_OF_CLASS[code];
      if (width <= 24) {
        bits.put(rest, width);
      } else {
        bits.put(rest & 0xffff, 16);
        bits.put(rest >>> 16, width - 16);
      }
    }
  }
}

/** The largest number that divides every value but escapes. */
function commonDivisor(values: Int32Array, count: number): number {
  let divisor = 0;
  for (let i = 0; i < count && divisor !== 1; i++) {
    const value = values[i];
    if (value === ESCAPE || value === 0) continue;
    if (divisor !== 0 && value % divisor === 0) continue;
    let a = Math.abs(value);
    let b = divisor;
    while (b !== 0) {
      const rest = a % b;
      a = b;
      b = rest;
    }
    divisor = a;
  }
  return Math.max(divisor, 1);
}

function divide(values: Int32Array, count: number, divisor: number): void {
  for (let i = 0; i < count; i++) {
    if (values[i] !== ESCAPE) values[i] = (values[i] / divisor) | 0;
  }
}

/** Bits that an ideal code takes for all symbols together. */
function entropyBits(histogram: Int32Array, count: number): number {
  let bits = 0;
  for (let symbol = 0; symbol < 256; symbol++) {
    const times = histogram[symbol];
    if (times > 0) bits += times * (logarithm(count) - logarithm(times));
  }
  return bits;
}

function logarithm(value: number): number {
  return value < LOG2.length ? LOG2[value] : Math.log2(value);
}

function logarithms(): Float64Array {
  const table = new Float64Array(4096);
  for (let i = 1; i < table.length; i++) table[i] = Math.log2(i);
  return table;
}
