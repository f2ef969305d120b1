/**
 * The cells of one Parquet column of one row group, gathered from batches: 64-bit numbers as pairs
 * of words, which are Parquet's own bytes of them, and strings as places in a dictionary. A missing
 * cell takes no value, only a level of 0. Reused row group after row group.
 */
import { FLAG_LETTERS } from "../../feed/message-batch.ts";
import type {
  ByteColumn,
  Column,
  NameColumn,
  NumberColumn,
  RowBatch,
  TextColumn,
  TimeColumn,
  WordsColumn,
} from "./row-batch.ts";

const BILLION = 1_000_000_000;
const TWO_16 = 65_536;
const TWO_32 = 4_294_967_296;
const encoder = new TextEncoder();

export interface Cells {
  /** 1 where the row has a value, else 0; `rows` of them. */
  readonly levels: Uint8Array;
  rows: number;
  /** Values, without those that are missing. */
  count: number;
  /** Takes all rows of a batch, of the column that the cells were made for. */
  take(batch: RowBatch, column: Column): void;
  clear(): void;
}

export class WordCells implements Cells {
  readonly levels: Uint8Array;
  /** Low and high word of each value. */
  readonly words: Int32Array;
  rows = 0;
  count = 0;
  private readonly timeUnit: "nanos" | "micros";

  /** @param timeUnit what a time is counted in; microseconds are rounded down */
  constructor(capacity: number, timeUnit: "nanos" | "micros" = "nanos") {
    this.levels = new Uint8Array(capacity);
    this.words = new Int32Array(capacity * 2);
    this.timeUnit = timeUnit;
  }

  take(batch: RowBatch, column: Column): void {
    if (column.kind === "time") {
      if (this.timeUnit === "nanos") this.takeTimes(column, batch.count);
      else this.takeMicros(column, batch.count);
    } else if ("hi" in column) this.takeWords(column, batch.count);
    else this.takeNumbers(column as NumberColumn, batch.count);
  }

  clear(): void {
    this.rows = 0;
    this.count = 0;
  }

  private takeNumbers({ value }: NumberColumn, count: number): void {
    const { levels, words } = this;
    let at = this.count * 2;
    for (let row = 0; row < count; row++) {
      const number = value[row];
      const small = number | 0;
      if (small === number) {
        words[at] = small;
        words[at + 1] = small >> 31;
        at += 2;
        levels[this.rows++] = 1;
      } else if (Number.isNaN(number)) levels[this.rows++] = 0;
      else {
        words[at] = small;
        words[at + 1] = Math.floor(number / TWO_32);
        at += 2;
        levels[this.rows++] = 1;
      }
    }
    this.count = at / 2;
  }

  /** sec × 10^9 + nsec, in steps that stay exact. */
  private takeTimes({ sec, nsec }: TimeColumn, count: number): void {
    const { levels, words } = this;
    let at = this.count * 2;
    for (let row = 0; row < count; row++) {
      const seconds = sec[row];
      const has = !Number.isNaN(seconds);
      levels[this.rows++] = has ? 1 : 0;
      if (!has) continue;
      const upper = Math.floor(seconds / TWO_16);
      const high = upper * BILLION;
      const carried = Math.floor(high / TWO_16);
      const low =
        (seconds - upper * TWO_16) * BILLION + nsec[row] + (high - carried * TWO_16) * TWO_16;
      words[at] = low;
      words[at + 1] = carried + Math.floor(low / TWO_32);
      at += 2;
    }
    this.count = at / 2;
  }

  private takeMicros({ sec, nsec }: TimeColumn, count: number): void {
    const { levels, words } = this;
    let at = this.count * 2;
    for (let row = 0; row < count; row++) {
      const micros = sec[row] * 1e6 + Math.floor(nsec[row] / 1000);
      const has = !Number.isNaN(micros);
      levels[this.rows++] = has ? 1 : 0;
      if (!has) continue;
      words[at] = micros;
      words[at + 1] = Math.floor(micros / TWO_32);
      at += 2;
    }
    this.count = at / 2;
  }

  private takeWords({ kind, lo, hi, has }: WordsColumn, count: number): void {
    const { levels, words } = this;
    let at = this.count * 2;
    for (let row = 0; row < count; row++) {
      const there = kind === "id" ? (lo[row] | hi[row]) !== 0 : has[row] !== 0;
      levels[this.rows++] = there ? 1 : 0;
      if (!there) continue;
      words[at] = lo[row];
      words[at + 1] = hi[row];
      at += 2;
    }
    this.count = at / 2;
  }
}

export class StringCells implements Cells {
  readonly levels: Uint8Array;
  /** Place of each value in `dictionary`. */
  readonly places: Int32Array;
  /** The strings of this row group, each once, in order of appearance. */
  readonly dictionary: Uint8Array[] = [];
  rows = 0;
  count = 0;
  /** Of a letter's or flag set's code, or of a name's index: its place + 1. */
  private placeOf = new Int32Array(256);
  private readonly placeOfText = new Map<string, number>();

  constructor(capacity: number) {
    this.levels = new Uint8Array(capacity);
    this.places = new Int32Array(capacity);
  }

  take(batch: RowBatch, column: Column): void {
    if (column.kind === "name") this.takeNames(batch, column);
    else if (column.kind === "text") this.takeTexts(column, batch.count);
    else this.takeBytes(column as ByteColumn, batch.count);
  }

  clear(): void {
    this.rows = 0;
    this.count = 0;
    this.dictionary.length = 0;
    this.placeOf.fill(0);
    this.placeOfText.clear();
  }

  private takeBytes({ kind, value }: ByteColumn, count: number): void {
    for (let row = 0; row < count; row++) {
      const code = value[row];
      const has = kind === "flags" || code !== 0;
      this.levels[this.rows++] = has ? 1 : 0;
      if (!has) continue;
      if (this.placeOf[code] === 0) {
        const text = kind === "flags" ? flagText(code) : String.fromCharCode(code);
        this.learn(code, encoder.encode(text));
      }
      this.places[this.count++] = this.placeOf[code] - 1;
    }
  }

  private takeNames(batch: RowBatch, { value }: NameColumn): void {
    const { names, plain } = batch.names;
    if (this.placeOf.length < names.length) {
      const wider = new Int32Array(Math.max(names.length, this.placeOf.length * 2));
      wider.set(this.placeOf);
      this.placeOf = wider;
    }
    for (let row = 0; row < batch.count; row++) {
      const name = value[row];
      this.levels[this.rows++] = name < 0 ? 0 : 1;
      if (name < 0) continue;
      if (this.placeOf[name] === 0) this.learn(name, plain[name]);
      this.places[this.count++] = this.placeOf[name] - 1;
    }
  }

  private takeTexts({ value }: TextColumn, count: number): void {
    for (let row = 0; row < count; row++) {
      const text = value[row];
      this.levels[this.rows++] = text === "" ? 0 : 1;
      if (text === "") continue;
      let place = this.placeOfText.get(text);
      if (place === undefined) {
        place = this.dictionary.push(encoder.encode(text)) - 1;
        this.placeOfText.set(text, place);
      }
      this.places[this.count++] = place;
    }
  }

  private learn(code: number, text: Uint8Array): void {
    this.placeOf[code] = this.dictionary.push(text);
  }
}

function flagText(bits: number): string {
  let text = "";
  for (let bit = 0; bit < FLAG_LETTERS.length; bit++) {
    if (bits & (1 << bit)) text += FLAG_LETTERS[bit];
  }
  return text;
}
