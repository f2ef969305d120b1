/**
 * Rows as one JSON object a line. 64-bit numbers and exact decimals are strings, since readers keep
 * numbers as doubles: times, sequences, ids, prices. Sizes, counts and streams are numbers. A missing
 * value is null, or not there at all where rows of several shapes stand in one file.
 */
import { writeFlags } from "./csv.ts";
import { putDecimal } from "./digits.ts";
import { JsonKey } from "./json-key.ts";
import { type NumberRun, NumberRuns } from "./number-runs.ts";
import { type Column, isMissing, type RowBatch, type RowSink } from "./row-batch.ts";
import { type ByteOutput, TextBuffer } from "./text-buffer.ts";

const QUOTE = 34;
const encoder = new TextEncoder();
const OPEN = encoder.encode("{");
const CLOSE = encoder.encode("}\n");
const NULL = encoder.encode("null");
/** Of a number, its quotes, and what a key writes too much. */
const VALUE_BYTES = 36;

export class NdjsonWriter implements RowSink {
  private readonly text: TextBuffer;
  /** `"name":` of each column, without and with a comma before it. */
  private readonly firstKeys: readonly Uint8Array[];
  private readonly laterKeys: readonly Uint8Array[];
  private readonly omitMissing: boolean;
  private readonly numbers = new NumberRuns((column) => "decimals" in column);
  /** Of columns of numbers: `,"name":`, with what follows it. */
  private readonly valueKeys: JsonKey[] = [];
  private readonly nullKeys: JsonKey[] = [];

  constructor(out: ByteOutput, header: readonly string[], omitMissing = false) {
    this.text = new TextBuffer(out);
    this.firstKeys = header.map((name) => encoder.encode(`${JSON.stringify(name)}:`));
    this.laterKeys = header.map((name) => encoder.encode(`,${JSON.stringify(name)}:`));
    this.omitMissing = omitMissing;
  }

  write(batch: RowBatch): void {
    const { columns } = batch;
    const runs = this.numbers.of(batch);
    for (let row = 0; row < batch.count; row++) {
      this.text.copy(OPEN);
      let keys = this.firstKeys;
      for (let at = 0; at < columns.length; at++) {
        const run = runs[at];
        if (run !== undefined && !this.omitMissing && at > 0) {
          this.putRun(run, columns, row);
          at = run.to - 1;
          continue;
        }
        const missing = isMissing(columns[at], row);
        if (missing && this.omitMissing) continue;
        this.text.copy(keys[at]);
        keys = this.laterKeys;
        if (missing) this.text.copy(NULL);
        else this.value(batch, columns[at], row);
      }
      this.text.copy(CLOSE);
    }
  }

  finish(): void {
    this.text.drain();
  }

  /** Numbers side by side; each with a comma before it. */
  private putRun(run: NumberRun, columns: readonly Column[], row: number): void {
    const { text, valueKeys, nullKeys } = this;
    const { values, decimals } = run;
    const { view } = text;
    for (let i = 0; i < values.length; i++) {
      const column = run.from + i;
      if (valueKeys[column] === undefined) this.learnKeys(columns[column], column);
      const key = valueKeys[column];
      text.reserve(key.length + VALUE_BYTES);
      const value = values[i][row];
      if (Number.isNaN(value)) {
        text.at = nullKeys[column].put(view, text.at);
        continue;
      }
      let at = putDecimal(view, key.put(view, text.at), value, decimals[i]);
      if (key.isQuoted) view.setUint8(at++, QUOTE);
      text.at = at;
    }
  }

  private learnKeys({ kind, name }: Column, at: number): void {
    const isQuoted = kind !== "integer";
    const key = `,${JSON.stringify(name)}:`;
    this.valueKeys[at] = new JsonKey(isQuoted ? `${key}"` : key, isQuoted);
    this.nullKeys[at] = new JsonKey(`${key}null`, false);
  }

  private value(batch: RowBatch, column: Column, row: number): void {
    const { text } = this;
    switch (column.kind) {
      case "integer":
        text.integer(column.value[row]);
        return;
      case "name":
        text.copy(batch.names.json[column.value[row]]);
        return;
      case "text":
        text.text(JSON.stringify(column.value[row]));
        return;
    }
    text.byte(QUOTE);
    switch (column.kind) {
      case "price":
      case "wide":
        text.decimal(column.value[row], column.decimals);
        break;
      case "time":
        text.time(column.sec[row], column.nsec[row]);
        break;
      case "id":
      case "u64":
        text.unsigned64(column.hi[row], column.lo[row]);
        break;
      case "i64":
        text.signed64(column.hi[row], column.lo[row]);
        break;
      case "letter":
        text.byte(column.value[row]);
        break;
      case "flags":
        writeFlags(text, column.value[row]);
        break;
    }
    text.byte(QUOTE);
  }
}
