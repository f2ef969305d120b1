/**
 * What the book service counts, as samples of the table of metrics: of the process, and of the books
 * of one `Live`. With shards each has its own `Live`, and their pages are put together.
 */
import type { KafkaLag } from "../frames/kafka-lag.ts";
import { Exposition } from "../metrics/exposition.ts";
import type { AsOfStats } from "./asof/asof-join.ts";
import type { Live } from "./live.ts";
import { type Rates, type StreamJson, streamsJson } from "./live-status.ts";

export interface ServiceMetrics {
  readonly version?: string;
  readonly uptimeSeconds: number;
  readonly memoryBytes: number;
  readonly clients: number;
  /** Brokers that chunks come from; directories are always there. */
  readonly sources?: readonly {
    readonly source: string;
    readonly isThere: boolean;
    readonly lags?: readonly KafkaLag[] | undefined;
  }[];
  /** Rows on their way to Kafka. */
  readonly events?: { readonly sent: number; readonly bytes: number } | undefined;
}

/** @returns a page of the Prometheus text format */
export function metricsText(live: Live, rates: Rates, service: ServiceMetrics): string {
  const page = new Exposition();
  serviceMetrics(page, service);
  liveMetrics(page, live, rates);
  return page.text;
}

/** What one shard says: all but the process that it lives in. */
export function liveText(live: Live, rates: Rates): string {
  const page = new Exposition();
  liveMetrics(page, live, rates);
  return page.text;
}

export function serviceMetrics(page: Exposition, service: ServiceMetrics): void {
  const { version, sources = [], events } = service;
  if (version !== undefined) page.set("build_info", { version }, 1);
  page.set("uptime_seconds", {}, service.uptimeSeconds);
  page.set("memory_bytes", {}, service.memoryBytes);
  page.set("live_clients", {}, service.clients);
  for (const { source, isThere, lags = [] } of sources) {
    page.set("source_connected", { source }, isThere ? 1 : 0);
    for (const { topic, partition, records, seconds } of lags) {
      page.set("source_lag_records", { topic, partition }, records);
      page.set("source_lag_seconds", { topic, partition }, seconds);
    }
  }
  if (events === undefined) return;
  page.set("events_sent_total", {}, events.sent);
  page.set("events_waiting_bytes", {}, events.bytes);
}

function liveMetrics(page: Exposition, live: Live, rates: Rates): void {
  const { intake } = live;
  page.set("chunks_total", {}, intake.chunks);
  page.set("chunks_repeated_total", {}, intake.repeated);
  page.set("chunks_damaged_total", {}, intake.damaged);
  page.set("chunks_lost_total", {}, intake.lost);
  page.set("chunk_requests_total", {}, intake.asked);
  page.set("intake_held_bytes", {}, intake.heldBytes);
  page.set("intake_held_bytes_max", {}, intake.heldBytesMax);
  for (const [fault, count] of live.faults) page.set("chunk_faults_total", { fault }, count);
  for (const [feed, { latencies, arrivalNs, gate }] of live.feeds) {
    page.set("last_chunk_timestamp_seconds", { feed }, arrivalNs / 1e9);
    for (const [why, count] of Object.entries(gate?.refused ?? {})) {
      page.set("frames_refused_total", { feed, why }, count);
    }
    page.histogram("exchange_to_capture_seconds", { feed }, latencies.exchange);
    page.histogram("capture_to_arrival_seconds", { feed }, latencies.arrival);
    page.histogram("capture_to_book_seconds", { feed }, latencies.book);
    page.histogram("capture_to_page_seconds", { feed }, latencies.page);
  }
  repairMetrics(page, live);
  if (live.asOf !== null) asOfMetrics(page, live.asOf.stats);
  for (const stream of streamsJson(live, rates)) streamMetrics(page, stream);
}

/** What was asked of the exchange through collectors, and what came of it. */
function repairMetrics(page: Exposition, live: Live): void {
  for (const [feed, { pipeline, repairs, repairChunks }] of live.feeds) {
    const { splices, snapshots } = repairChunks;
    page.set("recovered_total", { feed }, pipeline.sequencer.ledger.recoveredNumbers);
    for (const [verdict, count] of splices) page.set("snapshots_total", { feed, verdict }, count);
    page.set("snapshots_total", { feed, verdict: "incomplete" }, snapshots.incomplete);
    page.set("repair_requests_total", { feed, what: "range" }, repairs.rangesAsked);
    page.set("repair_requests_total", { feed, what: "snapshot" }, repairs.snapshotsAsked);
    page.set("valid_after_seconds", { feed }, repairs.validAfterNs / 1e9);
  }
}

/** The join of trades with quotes: how many rows, and how many of them are doubtful and why. */
function asOfMetrics(page: Exposition, stats: AsOfStats): void {
  page.set("asof_rows_total", {}, stats.events);
  page.set("asof_matched_total", {}, stats.matched);
  for (const why of ["late", "early", "evicted", "inGap"] as const) {
    page.set("asof_doubtful_total", { why: why === "inGap" ? "in_gap" : why }, stats[why]);
  }
  page.set("asof_late_quotes_total", {}, stats.lateQuotes);
  page.set("asof_waiting", {}, stats.waiting);
  page.set("asof_waiting_max", {}, stats.waitingMost);
  page.set("asof_quotes_evicted_total", {}, stats.quotesEvicted);
}

function streamMetrics(page: Exposition, row: StreamJson): void {
  const { feed, stream } = row;
  const labels = { feed, stream };
  page.set("stream_messages_total", labels, row.messages);
  page.set("stream_lost_total", labels, row.lost);
  page.set("stream_high_water_mark", labels, Number(row.high_water_mark ?? 0));
  page.set("stream_position", labels, Number(row.position ?? 0));
  page.set("stream_open_gaps", labels, row.open_gaps);
  page.set("stream_held_messages", labels, row.held_messages);
  page.set("stream_live_orders", labels, row.live_orders);
  page.set("stream_instruments", labels, row.instruments);
  page.set("stream_doubtful", labels, row.doubtful ? 1 : 0);
  for (const { line, first, missed, conflicts } of row.lines) {
    page.set("line_first_arrivals_total", { feed, stream, line }, first);
    page.set("line_missed_numbers", { feed, stream, line }, missed);
    page.set("line_conflicts_total", { feed, stream, line }, conflicts);
  }
}
