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
import { ColumnPages, type PagePacker } from "./parquet-pages.ts";
import type { Column, RowBatch, RowSink } from "./row-batch.ts";
import type { ByteOutput } from "./text-buffer.ts";

const GROUP_ROWS = 100_000;

/** A column of the file, and which of the batch's columns it is made of. */
interface Leaf {
  readonly element: SchemaElement;
  readonly column: number;
  readonly cells: Cells;
}

export interface ParquetOptions {
  /** Rows of a row group; memory holds one. */
  readonly groupRows?: number;
  /**
   * For tables of Delta, whose types have no nanoseconds and nothing unsigned: each time is a
   * timestamp of microseconds and beside it, as `NAME_ns`, the exact number; ids are signed; the
   * stream is in the path and not in the file.
   */
  readonly forDelta?: boolean;
  /** Packs pages instead of Snappy. */
  readonly packer?: PagePacker;
}

export class ParquetRows implements RowSink {
  private readonly file: DrainedWriter;
  private readonly writer: ParquetWriter;
  private readonly leaves: readonly Leaf[];
  private readonly pages: ColumnPages;
  private readonly groupRows: number;
  private rows = 0;

  /** @param shape an (empty) batch of the rows that will come */
  constructor(out: ByteOutput, shape: RowBatch, options: ParquetOptions = {}) {
    this.groupRows = options.groupRows ?? GROUP_ROWS;
    const capacity = this.groupRows + shape.capacity;
    this.leaves = options.forDelta
      ? shape.columns.flatMap((column, at) => deltaLeaves(column, at, capacity))
      : shape.columns.map((column, at) => leaf(schemaElement(column), at, capacity));
    const root: SchemaElement = { name: "root", num_children: this.leaves.length };
    this.file = new DrainedWriter(out);
    this.writer = new ParquetWriter({
      writer: this.file,
      schema: [root, ...this.leaves.map(({ element }) => element)],
      createdBy: "edgebook",
    });
    this.pages = new ColumnPages(capacity, options.packer);
  }

  write(batch: RowBatch): void {
    for (const { cells, column } of this.leaves) cells.take(batch, batch.columns[column]);
    this.rows += batch.count;
    if (this.rows >= this.groupRows) this.writeGroup();
  }

  finish(): void {
    this.writeGroup();
    this.writer.finish();
  }

  private writeGroup(): void {
    if (this.rows === 0) return;
    const { file, writer } = this;
    const start = file.offset;
    const columns = this.leaves.map(({ element, cells }) => {
      const chunk = this.pages.write(file, element, cells);
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

function leaf(element: SchemaElement, column: number, capacity: number): Leaf {
  const isWords = element.type === "INT64";
  return { element, column, cells: isWords ? new WordCells(capacity) : new StringCells(capacity) };
}

function deltaLeaves(column: Column, at: number, capacity: number): Leaf[] {
  const base = { name: column.name, repetition_type: "OPTIONAL", type: "INT64" } as const;
  if (column.name === "stream") return [];
  if (column.kind === "id" || column.kind === "u64") return [leaf(base, at, capacity)];
  if (column.kind !== "time") return [leaf(schemaElement(column), at, capacity)];
  const micros: SchemaElement = {
    ...base,
    logical_type: { type: "TIMESTAMP", isAdjustedToUTC: true, unit: "MICROS" },
  };
  return [
    { element: micros, column: at, cells: new WordCells(capacity, "micros") },
    leaf({ ...base, name: `${column.name}_ns` }, at, capacity),
  ];
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
