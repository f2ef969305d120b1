/** What the table says of a metric. */

/** Who serves it: `book` and `collector` under `/metrics`, `lake` in the file of `ingest --metrics`. */
export type MetricRoom = "book" | "collector" | "lake";

export interface MetricSpec {
  readonly type: "counter" | "gauge" | "histogram";
  /** What one is; `1` for what is only there to carry labels, or is true or false. */
  readonly unit: string;
  readonly labels: readonly string[];
  readonly help: string;
  readonly room: MetricRoom;
  /** How the values of several shards become one; the sum unless told. */
  readonly across?: "max";
}
