/**
 * Edge: what `ingest` counts, as a file for node_exporter's textfile collector: written whole under
 * another name and renamed, so that nobody reads half of it.
 */
import { renameSync, writeFileSync } from "node:fs";
import type { BookPipeline } from "../book/pipeline.ts";
import type { KafkaLag } from "../frames/kafka-lag.ts";
import { Exposition } from "../metrics/exposition.ts";
import { CliError } from "./errors.ts";

export interface IngestTotals {
  readonly rows: number;
  readonly repeated: number;
  readonly commits: number;
  readonly files?: number;
  readonly bytes?: number;
  readonly deadLetters?: number;
  /** Of the partitions that are this worker's. */
  readonly lags?: readonly KafkaLag[];
}

const AGAIN_MS = 10_000;

export class IngestMetrics {
  private readonly path: string | undefined;
  private readonly startedMs = Date.now();
  private commits = 0;
  private committedMs = Number.NaN;

  /** @param path of `--metrics`; absent: nothing is written */
  constructor(path: string | undefined) {
    this.path = path;
  }

  /**
   * Writes every ten seconds what is known then; returns what ends it, which writes once more.
   * @throws CliError the file cannot be written
   */
  follow(totals: () => IngestTotals): () => void {
    this.write(totals());
    const timer = setInterval(() => this.write(totals()), AGAIN_MS);
    return () => {
      clearInterval(timer);
      this.write(totals());
    };
  }

  /** @param books absent where rows come ready from a topic */
  write(totals: IngestTotals, books?: BookPipeline): void {
    const { path } = this;
    if (path === undefined) return;
    if (totals.commits > this.commits) this.committedMs = Date.now();
    this.commits = totals.commits;
    const page = new Exposition();
    page.set("lake_rows_total", {}, totals.rows);
    page.set("lake_rows_repeated_total", {}, totals.repeated);
    page.set("lake_files_total", {}, totals.files ?? Number.NaN);
    page.set("lake_written_bytes_total", {}, totals.bytes ?? Number.NaN);
    page.set("lake_commits_total", {}, totals.commits);
    page.set("lake_dead_letters_total", {}, totals.deadLetters ?? Number.NaN);
    page.set("lake_run_seconds", {}, (Date.now() - this.startedMs) / 1000);
    page.set("lake_last_commit_timestamp_seconds", {}, this.committedMs / 1000);
    for (const { topic, partition, records, seconds } of totals.lags ?? []) {
      page.set("lake_topic_lag_records", { topic, partition }, records);
      page.set("lake_topic_lag_seconds", { topic, partition }, seconds);
    }
    if (books !== undefined) streamMetrics(page, books);
    try {
      writeFileSync(`${path}.part`, page.text);
      renameSync(`${path}.part`, path);
    } catch (cause) {
      throw new CliError(
        "file_not_writable",
        `'${path}' cannot be written: ${(cause as Error).message}`,
        "--metrics names a file in a folder that may be written.",
        cause,
      );
    }
  }
}

function streamMetrics(page: Exposition, { feed, sequencer }: BookPipeline): void {
  for (const stream of sequencer.streams) {
    if (!stream.begun) continue;
    const labels = { feed: feed.id, stream: stream.id };
    page.set("lake_stream_position", labels, stream.position);
    page.set("lake_stream_lost", labels, stream.lostNumbers);
  }
}
