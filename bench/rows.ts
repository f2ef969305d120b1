/**
 * Edge: the whole of `rebuild` for every schema and format: rows and megabytes a second, from the first
 * byte of the file to the last row on a pipe.
 */
import { SCHEMAS, type Schema } from "../book/rows/schema.ts";
import { runRebuild } from "./rebuild-process.ts";

export const FORMATS = ["csv", "ndjson", "parquet"] as const;
export type Format = (typeof FORMATS)[number];

export interface RowsResult {
  readonly schema: Schema;
  readonly format: Format;
  readonly messages: number;
  readonly rows: number;
  readonly bytes: number;
  /** Wall time of the process, its start included. */
  readonly seconds: number;
  readonly cpuSeconds: number;
}

/** Those that come with every message or trade; definitions and states are a handful of rows. */
export const ROW_SCHEMAS = SCHEMAS.filter((schema) => !["definition", "status"].includes(schema));

/** One result for each schema and format, in that order; told as they come. */
export async function* measureRows(
  file: string,
  feed: string,
  words: readonly string[] = [],
  schemas: readonly Schema[] = ROW_SCHEMAS,
): AsyncGenerator<RowsResult> {
  for (const schema of schemas) {
    let rows = 0;
    for (const format of FORMATS) {
      const asked = ["--schema", schema, "--format", format, ...words];
      const run = await runRebuild(file, feed, asked, format === "csv");
      if (format === "csv") rows = run.lines - 1;
      const { bytes, seconds, cpuSeconds } = run;
      const { messages } = run.stats;
      yield { schema, format, messages, rows, bytes, seconds, cpuSeconds };
    }
  }
}

/** Rates of the wall, and of CPU: on a machine that does other things too only the latter say much. */
export function rowsLine(result: RowsResult): string {
  const { schema, format, rows, bytes, seconds, cpuSeconds } = result;
  const rates = (each: number) =>
    `${(rows / each / 1e6).toFixed(2)} M rows/s ${(bytes / each / 1e6).toFixed(0).padStart(4)} MB/s`;
  return (
    `${schema.padEnd(7)} ${format.padEnd(8)} ${String(rows).padStart(9)} rows ` +
    `${(bytes / Math.max(1, rows)).toFixed(1).padStart(7)} B each  ` +
    `wall ${seconds.toFixed(2)} s ${rates(seconds)}  CPU ${cpuSeconds.toFixed(2)} s ${rates(cpuSeconds)}`
  );
}
