/** Metrics of `ingest`: a job that ends, so they are in a file for node_exporter's textfile collector. */
import type { MetricSpec } from "./metric-spec.ts";

const room = "lake";
const counter = { type: "counter", room, labels: [] } as const;
const gauge = { type: "gauge", room } as const;

export const LAKE_METRICS = {
  lake_rows_total: { ...counter, unit: "rows", help: "Rows written by the run." },
  lake_rows_repeated_total: {
    ...counter,
    unit: "rows",
    help: "Rows left out since the lake had them.",
  },
  lake_files_total: { ...counter, unit: "files", help: "Parquet files written by the run." },
  lake_written_bytes_total: {
    ...counter,
    unit: "bytes",
    help: "Size of the Parquet files written by the run.",
  },
  lake_commits_total: { ...counter, unit: "commits", help: "Commits of all tables." },
  lake_dead_letters_total: {
    ...counter,
    unit: "batches",
    help: "Batches of a topic that could not be read and were set aside.",
  },
  lake_run_seconds: {
    ...gauge,
    labels: [],
    unit: "seconds",
    help: "How long the run has taken.",
  },
  lake_last_commit_timestamp_seconds: {
    ...gauge,
    labels: [],
    unit: "seconds",
    help: "When the run committed last, since 1970.",
  },
  lake_topic_lag_records: {
    ...gauge,
    labels: ["topic", "partition"],
    unit: "records",
    help: "Records of a partition of Kafka that stand behind the last one taken.",
  },
  lake_topic_lag_seconds: {
    ...gauge,
    labels: ["topic", "partition"],
    unit: "seconds",
    help: "Age of the last record taken of a partition of Kafka; 0 where none waits.",
  },
  lake_stream_position: {
    ...gauge,
    labels: ["feed", "stream"],
    unit: "sequence number",
    help: "Sequence number that the lake has a stream up to.",
  },
  lake_stream_lost: {
    ...gauge,
    labels: ["feed", "stream"],
    unit: "sequence numbers",
    help: "Numbers that the run's input lacks.",
  },
} as const satisfies Readonly<Record<string, MetricSpec>>;
