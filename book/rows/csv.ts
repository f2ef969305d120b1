/** Rows as CSV (RFC 4180, lines ending in LF): a header line; a missing value is empty. */
import { FLAG_LETTERS } from "../../feed/message-batch.ts";
import { putDecimal } from "./digits.ts";
import { csvField } from "./name-table.ts";
import { type NumberRun, NumberRuns } from "./number-runs.ts";
import type { Column, NameColumn, RowBatch, RowSink } from "./row-batch.ts";
import { type ByteOutput, TextBuffer } from "./text-buffer.ts";

const COMMA = 44;
const NEWLINE = 10;
/** Of a number and the comma behind it. */
const CELL_BYTES = 28;
const LETTERS = Array.from(FLAG_LETTERS, (letter) => letter.charCodeAt(0));

export class CsvWriter implements RowSink {
  private readonly text: TextBuffer;
  private readonly header: readonly string[];
  private readonly numbers = new NumberRuns((column) => "decimals" in column);
  private begun = false;

  constructor(out: ByteOutput, header: readonly string[]) {
    this.text = new TextBuffer(out);
    this.header = header;
  }

  write(batch: RowBatch): void {
    this.begin();
    const { columns, names } = batch;
    const { text } = this;
    const runs = this.numbers.of(batch);
    for (let row = 0; row < batch.count; row++) {
      for (let at = 0; at < columns.length; at++) {
        if (at > 0) text.byte(COMMA);
        const run = runs[at];
        if (run !== undefined && text.reserve(run.values.length * CELL_BYTES)) {
          text.at = putNumbers(text.view, text.at, run, row);
          at = run.to - 1;
          continue;
        }
        const column = columns[at];
        if (column.kind === "name") this.name(column, row, names.csv);
        else writeCell(text, column, row);
      }
      text.byte(NEWLINE);
    }
  }

  /** An empty output still has its header. */
  finish(): void {
    this.begin();
    this.text.drain();
  }

  private begin(): void {
    if (this.begun) return;
    this.begun = true;
    this.text.text(`${this.header.map(csvField).join(",")}\n`);
  }

  private name(column: NameColumn, row: number, names: readonly Uint8Array[]): void {
    const name = column.value[row];
    if (name >= 0) this.text.copy(names[name]);
  }
}

/** The cells of a run with commas between them. */
function putNumbers(out: DataView, from: number, run: NumberRun, row: number): number {
  const { values, decimals } = run;
  let at = from;
  for (let i = 0; i < values.length; i++) {
    const value = values[i][row];
    if (!Number.isNaN(value)) at = putDecimal(out, at, value, decimals[i]);
    out.setUint8(at++, COMMA);
  }
  return at - 1;
}

/** The bare text of a cell; nothing where the row has no such value. */
function writeCell(text: TextBuffer, column: Exclude<Column, NameColumn>, row: number): void {
  switch (column.kind) {
    case "price":
    case "integer":
    case "wide": {
      const value = column.value[row];
      if (!Number.isNaN(value)) text.decimal(value, column.decimals);
      break;
    }
    case "time": {
      const sec = column.sec[row];
      if (!Number.isNaN(sec)) text.time(sec, column.nsec[row]);
      break;
    }
    case "id":
      if ((column.lo[row] | column.hi[row]) !== 0) text.unsigned64(column.hi[row], column.lo[row]);
      break;
    case "u64":
      if (column.has[row] !== 0) text.unsigned64(column.hi[row], column.lo[row]);
      break;
    case "i64":
      if (column.has[row] !== 0) text.signed64(column.hi[row], column.lo[row]);
      break;
    case "letter":
      if (column.value[row] !== 0) text.byte(column.value[row]);
      break;
    case "flags":
      writeFlags(text, column.value[row]);
      break;
    case "text":
      if (column.value[row] !== "") text.text(csvField(column.value[row]));
      break;
  }
}

/** The letters of a set of flags, in the order of the public interface. */
export function writeFlags(text: TextBuffer, bits: number): void {
  if (bits === 0) return;
  for (let bit = 0; bit < LETTERS.length; bit++) {
    if (bits & (1 << bit)) text.byte(LETTERS[bit]);
  }
}
