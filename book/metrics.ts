/** The Prometheus page of the book service: counters and gauges by feed, stream and line. */
import type { AsOfStats } from "./asof/asof-join.ts";
import type { Live } from "./live.ts";
import { type Rates, streamsJson } from "./live-status.ts";

export interface ServiceMetrics {
  readonly uptimeSeconds: number;
  readonly memoryBytes: number;
  readonly clients: number;
}

type Labels = Readonly<Record<string, string | number>>;

/** Text in the Prometheus exposition format 0.0.4. */
export function metricsText(live: Live, rates: Rates, service: ServiceMetrics): string {
  const page = new MetricsPage();
  const { intake } = live;
  page.one("uptime_seconds", "gauge", "Since the service began.", service.uptimeSeconds);
  page.one("memory_bytes", "gauge", "Resident memory of this service.", service.memoryBytes);
  page.one("live_clients", "gauge", "Open WebSockets of /v1/live.", service.clients);
  page.one("chunks_total", "counter", "Chunks that came.", intake.chunks);
  page.one("chunks_repeated_total", "counter", "Chunks that had come before.", intake.repeated);
  page.one("chunks_damaged_total", "counter", "Chunks whose body was damaged.", intake.damaged);
  page.one("chunks_lost_total", "counter", "Chunk numbers given up as lost.", intake.lost);
  page.one("chunk_requests_total", "counter", "Questions for missing chunks.", intake.asked);
  page.one("intake_held_bytes", "gauge", "Chunks that wait for an earlier one.", intake.heldBytes);
  page.one(
    "intake_held_bytes_max",
    "gauge",
    "The most that ever waited (high-water mark of the queue).",
    intake.heldBytesMax,
  );
  page.head("chunk_faults_total", "counter", "Chunks that could not be read, by fault.");
  for (const [fault, count] of live.faults) page.row("chunk_faults_total", { fault }, count);
  delayMetrics(page, live);
  repairMetrics(page, live);
  if (live.asOf !== null) asOfMetrics(page, live.asOf.stats);
  streamMetrics(page, live, rates);
  return page.text;
}

/** From capture to book, since the service began. */
function delayMetrics(page: MetricsPage, live: Live): void {
  const name = "capture_to_book_seconds";
  page.head(name, "gauge", "From a chunk's last capture until its books were done, by quantile.");
  for (const [feed, { delays }] of live.feeds) {
    if (delays.count === 0) continue;
    for (const quantile of [0.5, 0.99, 1]) {
      page.row(name, { feed, quantile }, delays.quantileNs(quantile) / 1e9);
    }
  }
}

/** What was asked of the exchange through collectors, and what came of it. */
function repairMetrics(page: MetricsPage, live: Live): void {
  page.head("recovered_total", "counter", "Numbers that a request or a snapshot brought.");
  for (const [feed, { pipeline }] of live.feeds) {
    page.row("recovered_total", { feed }, pipeline.sequencer.ledger.recoveredNumbers);
  }
  page.head("snapshots_total", "counter", "Snapshots that came whole, by what became of them.");
  for (const [feed, { repairChunks }] of live.feeds) {
    const { splices, snapshots } = repairChunks;
    for (const [verdict, count] of splices) page.row("snapshots_total", { feed, verdict }, count);
    page.row("snapshots_total", { feed, verdict: "incomplete" }, snapshots.incomplete);
  }
  page.head("repair_requests_total", "counter", "Questions for the exchange, by what for.");
  for (const [feed, { repairs }] of live.feeds) {
    page.row("repair_requests_total", { feed, what: "range" }, repairs.rangesAsked);
    page.row("repair_requests_total", { feed, what: "snapshot" }, repairs.snapshotsAsked);
  }
  page.head(
    "valid_after_seconds",
    "gauge",
    "From a feed's first chunk until all books were valid.",
  );
  for (const [feed, { repairs }] of live.feeds) {
    if (!Number.isNaN(repairs.validAfterNs)) {
      page.row("valid_after_seconds", { feed }, repairs.validAfterNs / 1e9);
    }
  }
}

/** The join of trades with quotes: how many rows, and how many of them are doubtful and why. */
function asOfMetrics(page: MetricsPage, stats: AsOfStats): void {
  page.one("asof_rows_total", "counter", "Events that asked for a quote.", stats.events);
  page.one("asof_matched_total", "counter", "Rows with a quote.", stats.matched);
  page.head("asof_doubtful_total", "counter", "Rows that say why they may be wrong.");
  for (const why of ["late", "early", "evicted", "inGap"] as const) {
    page.row("asof_doubtful_total", { why: why === "inGap" ? "in_gap" : why }, stats[why]);
  }
  page.one("asof_late_quotes_total", "counter", "Quotes behind a watermark.", stats.lateQuotes);
  page.one("asof_waiting", "gauge", "Events that wait for a stream.", stats.waiting);
  page.one("asof_waiting_max", "gauge", "The most that ever waited.", stats.waitingMost);
  const { quotesEvicted } = stats;
  page.one("asof_quotes_evicted_total", "counter", "Quotes a bound threw out.", quotesEvicted);
}

function streamMetrics(page: MetricsPage, live: Live, rates: Rates): void {
  const streams = streamsJson(live, rates);
  const families = [
    ["stream_messages_total", "counter", "Messages applied."],
    ["stream_lost_total", "counter", "Sequence numbers lost."],
    ["stream_high_water_mark", "gauge", "Highest sequence number seen."],
    ["stream_position", "gauge", "Sequence number that the books stand at."],
    ["stream_open_gaps", "gauge", "Gaps that are waited for."],
    ["stream_held_messages", "gauge", "Messages that wait behind a gap."],
    ["stream_live_orders", "gauge", "Orders in all books of the stream."],
    ["stream_doubtful", "gauge", "1: the stream's books cannot be trusted."],
  ] as const;
  for (const [name, type, help] of families) {
    page.head(name, type, help);
    for (const row of streams) {
      const values: Record<(typeof families)[number][0], number> = {
        stream_messages_total: row.messages,
        stream_lost_total: row.lost,
        stream_high_water_mark: Number(row.high_water_mark ?? 0),
        stream_position: Number(row.position ?? 0),
        stream_open_gaps: row.open_gaps,
        stream_held_messages: row.held_messages,
        stream_live_orders: row.live_orders,
        stream_doubtful: row.doubtful ? 1 : 0,
      };
      page.row(name, { feed: row.feed, stream: row.stream }, values[name]);
    }
  }
  page.head("line_first_arrivals_total", "counter", "Numbers that a line brought first.");
  for (const { feed, stream, lines } of streams) {
    for (const { line, first } of lines) {
      page.row("line_first_arrivals_total", { feed, stream, line }, first);
    }
  }
}

class MetricsPage {
  text = "";

  head(name: string, type: "counter" | "gauge", help: string): void {
    this.text += `# HELP edgebook_${name} ${help}\n# TYPE edgebook_${name} ${type}\n`;
  }

  row(name: string, labels: Labels, value: number): void {
    const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(String(text))}"`);
    const set = pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
    this.text += `edgebook_${name}${set} ${value}\n`;
  }

  one(name: string, type: "counter" | "gauge", help: string, value: number): void {
    this.head(name, type, help);
    this.row(name, {}, value);
  }
}

function escaped(text: string): string {
  return text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
