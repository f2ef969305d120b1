/** Edge: from `--format`, `--out` and `--force` to a writer of rows. */
import { CsvWriter } from "../book/rows/csv.ts";
import { NdjsonWriter } from "../book/rows/ndjson.ts";
import { ParquetRows } from "../book/rows/parquet.ts";
import type { RowBatch, RowSink } from "../book/rows/row-batch.ts";
import type { FlagValues } from "./flag-values.ts";
import { type Output, openOutput } from "./output.ts";

type RowFormat = "ndjson" | "csv" | "parquet";
const FORMAT_OF_ENDING: Readonly<Record<string, RowFormat>> = {
  csv: "csv",
  parquet: "parquet",
  pq: "parquet",
  ndjson: "ndjson",
  jsonl: "ndjson",
};

/** An output that knows its format; opened before any work, so that a refusal costs nothing. */
export class RowOutput implements RowSink {
  private readonly output: Output;
  private readonly format: RowFormat;
  private writer: (RowSink & { finish(): void }) | undefined;

  constructor(flags: FlagValues) {
    const path = flags.text("out");
    const ending = path?.slice(path.lastIndexOf(".") + 1).toLowerCase() ?? "";
    const asked = flags.text("format") as RowFormat | undefined;
    this.format = asked ?? FORMAT_OF_ENDING[ending] ?? "ndjson";
    this.output = openOutput(path, flags.on("force"));
  }

  /**
   * Says what rows will come, before the first of them.
   * @param mixed rows of several shapes in one file: JSON leaves out what a row does not have
   */
  begin(shape: RowBatch, mixed = false): this {
    const header = shape.columns.map((column) => column.name);
    if (this.format === "csv") this.writer = new CsvWriter(this.output, header);
    else if (this.format === "parquet") this.writer = new ParquetRows(this.output, shape);
    else this.writer = new NdjsonWriter(this.output, header, mixed);
    return this;
  }

  write(batch: RowBatch): void {
    this.writer?.write(batch);
  }

  /** All rows are out and the file has its name. */
  finish(): void {
    this.writer?.finish();
    this.output.close();
  }

  /** The work failed: nothing half-written stays under the file's name. */
  discard(): void {
    this.output.discard();
  }
}
