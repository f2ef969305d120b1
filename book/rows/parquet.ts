/**
 * Rows as Parquet: times are INT64 nanosecond timestamps, prices DECIMAL(18, places), ids unsigned
 * 64 bits, letters and names dictionary-coded strings. A row group is written for every 100,000
 * rows; no more than that is held, as words and never as objects.
 *
 * Worst case: a price beyond 18 digits does not fit its declared precision; no feed has one. A row
 * group of the 71 columns of `mbp-10` holds 64 MB.
 */
import type { SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import { type Cells, StringCells, WordCells } from "./parquet-cells.ts";
import { ColumnPages } from "./parquet-pages.ts";
import type { Column, RowBatch, RowSink } from "./row-batch.ts";
import type { ByteOutput } from "./text-buffer.ts";

const GROUP_ROWS = 100_000;

export class ParquetRows implements RowSink {
  private readonly file: DrainedWriter;
  private readonly writer: ParquetWriter;
  private readonly leaves: readonly SchemaElement[];
  private readonly cells: readonly Cells[];
  private readonly pages: ColumnPages;
  private rows = 0;

  /** @param shape an (empty) batch of the rows that will come */
  constructor(out: ByteOutput, shape: RowBatch) {
    const capacity = GROUP_ROWS + shape.capacity;
    this.leaves = shape.columns.map(schemaElement);
    const root: SchemaElement = { name: "root", num_children: this.leaves.length };
    this.file = new DrainedWriter(out);
    this.writer = new ParquetWriter({
      writer: this.file,
      schema: [root, ...this.leaves],
      createdBy: "edgebook",
    });
    this.cells = this.leaves.map(({ type }) =>
      type === "INT64" ? new WordCells(capacity) : new StringCells(capacity),
    );
    this.pages = new ColumnPages(capacity);
  }

  write(batch: RowBatch): void {
    for (let at = 0; at < this.cells.length; at++) this.cells[at].take(batch, batch.columns[at]);
    this.rows += batch.count;
    if (this.rows >= GROUP_ROWS) this.writeGroup();
  }

  finish(): void {
    this.writeGroup();
    this.writer.finish();
  }

  private writeGroup(): void {
    if (this.rows === 0) return;
    const { file, writer } = this;
    const start = file.offset;
    const columns = this.cells.map((cells, at) => {
      const chunk = this.pages.write(file, this.leaves[at], cells);
      cells.clear();
      return chunk;
    });
    const unpacked = columns.map(({ meta_data }) => meta_data?.total_uncompressed_size ?? 0n);
    writer.row_groups.push({
      columns,
      total_byte_size: unpacked.reduce((total, bytes) => total + bytes, 0n),
      num_rows: BigInt(this.rows),
      total_compressed_size: BigInt(file.offset - start),
    });
    writer.num_rows += BigInt(this.rows);
    file.flush();
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
