/**
 * Rows as Parquet: times are INT64 nanosecond timestamps, prices DECIMAL(18, places), ids unsigned
 * 64 bits, letters and names dictionary-coded strings. A row group is written for every 100,000
 * rows; no more than that is held.
 *
 * Worst case: a price beyond 18 digits does not fit its declared precision; no feed has one.
 */
import type { SchemaElement } from "hyparquet";
import { ByteWriter, type ColumnSource, ParquetWriter } from "hyparquet-writer";
import { FLAG_LETTERS } from "../../feed/message-batch.ts";
import { type Column, isMissing, type RowBatch, type RowSink } from "./row-batch.ts";
import type { ByteOutput } from "./text-buffer.ts";

const GROUP_ROWS = 100_000;

export class ParquetRows implements RowSink {
  private readonly writer: ParquetWriter;
  private readonly columns: ColumnSource[];
  private rows = 0;

  /** @param shape an (empty) batch of the rows that will come */
  constructor(out: ByteOutput, shape: RowBatch) {
    const leaves = shape.columns.map(schemaElement);
    const root: SchemaElement = { name: "root", num_children: leaves.length };
    this.writer = new ParquetWriter({
      writer: new DrainedWriter(out),
      schema: [root, ...leaves],
      createdBy: "edgebook",
    });
    this.columns = leaves.map(({ name }) => ({ name, data: [] }));
  }

  write(batch: RowBatch): void {
    for (let row = 0; row < batch.count; row++) {
      for (let at = 0; at < this.columns.length; at++) {
        (this.columns[at].data as unknown[]).push(parquetValue(batch, batch.columns[at], row));
      }
      if (++this.rows === GROUP_ROWS) this.writeGroup();
    }
  }

  finish(): void {
    this.writeGroup();
    this.writer.finish();
  }

  private writeGroup(): void {
    if (this.rows === 0) return;
    this.writer.write({ columnData: this.columns, rowGroupSize: GROUP_ROWS });
    for (const column of this.columns) column.data = [];
    this.rows = 0;
  }
}

/** Hands on what is finished after each row group, so that memory holds one group at most. */
class DrainedWriter extends ByteWriter {
  private readonly out: ByteOutput;

  constructor(out: ByteOutput) {
    super(1 << 20);
    this.out = out;
  }

  flush(): void {
    if (this.index > 0) this.out.write(this.getBytes());
    this.index = 0;
  }

  override finish(): void {
    this.flush();
  }
}

function schemaElement(column: Column): SchemaElement {
  const { name } = column;
  const base = { name, repetition_type: "OPTIONAL" } as const;
  switch (column.kind) {
    case "time":
      return {
        ...base,
        type: "INT64",
        logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "NANOS" },
      };
    case "integer":
    case "wide":
    case "i64":
      return { ...base, type: "INT64" };
    case "price":
      return {
        ...base,
        type: "INT64",
        converted_type: "DECIMAL",
        precision: 18,
        scale: column.decimals,
      };
    case "id":
    case "u64":
      return { ...base, type: "INT64", converted_type: "UINT_64" };
    default:
      return { ...base, type: "BYTE_ARRAY", converted_type: "UTF8" };
  }
}

function parquetValue(batch: RowBatch, column: Column, row: number): bigint | string | null {
  if (isMissing(column, row)) return null;
  switch (column.kind) {
    case "time":
      return BigInt(column.sec[row]) * 1_000_000_000n + BigInt(column.nsec[row]);
    case "integer":
    case "wide":
    case "price":
      return BigInt(column.value[row]);
    case "id":
    case "u64":
      return (BigInt(column.hi[row] >>> 0) << 32n) | BigInt(column.lo[row] >>> 0);
    case "i64":
      return (BigInt(column.hi[row]) << 32n) | BigInt(column.lo[row] >>> 0);
    case "letter":
      return String.fromCharCode(column.value[row]);
    case "name":
      return batch.names.names[column.value[row]];
    case "text":
      return column.value[row];
    case "flags":
      return flagText(column.value[row]);
  }
}

function flagText(bits: number): string {
  let text = "";
  for (let bit = 0; bit < FLAG_LETTERS.length; bit++) {
    if (bits & (1 << bit)) text += FLAG_LETTERS[bit];
  }
  return text;
}
