/**
 * Edge: what a collector counts, as samples of the table of metrics. A line that is joined and has
 * brought nothing yet has its samples too: a dead line must not look like none.
 */
import type { Channels } from "../frames/channels.ts";
import { withoutPassword } from "../frames/mqtt-access.ts";
import { Exposition } from "../metrics/exposition.ts";
import { lineName } from "../streams/ledger.ts";
import type { Sequencer } from "../streams/sequencer.ts";
import type { Stream } from "../streams/stream.ts";
import type { Collector } from "./collector.ts";
import type { CollectorCore } from "./core.ts";
import { unsentRatio } from "./spool-state.ts";
import type { WhoAndWhen } from "./status.ts";
import type { LineWatch } from "./watch.ts";

export interface Measured {
  readonly collector: Collector;
  readonly core: CollectorCore;
  readonly watch: LineWatch;
  /** What was joined, as far as it is known beforehand. */
  readonly channels: Channels;
}

/** @returns a page of the Prometheus text format */
export function collectorMetrics(of: Measured, who: WhoAndWhen, version: string): string {
  const page = new Exposition();
  const { collector, core } = of;
  const { clock, clockDoubtNs } = core;
  page.set("collector_info", { collector: who.name, version, clock }, 1);
  page.set("collector_uptime_seconds", {}, who.uptimeSeconds);
  page.set("collector_memory_bytes", {}, who.memoryBytes);
  wireMetrics(page, of);
  page.histogram("collector_capture_to_chunk_seconds", {}, collector.captureToChunk);
  page.set("collector_clock_doubt_seconds", {}, (clockDoubtNs ?? Number.NaN) / 1e9);
  page.set("collector_clock_disciplined", {}, clockDoubtNs === undefined ? 0 : 1);
  for (const [feed, sequencer] of of.watch.sequencers()) streamMetrics(page, feed, sequencer);
  absentLines(page, of);
  spoolMetrics(page, collector);
  sinkMetrics(page, collector);
  return page.text;
}

function wireMetrics(page: Exposition, { collector, core }: Measured): void {
  const { frames, framesForwarded, copies, bytes, chunks, chunkBytes } = core.counters;
  page.set("collector_frames_total", {}, frames);
  page.set("collector_frames_forwarded_total", {}, framesForwarded);
  page.set("collector_copies_total", {}, copies);
  page.set("collector_received_bytes_total", {}, bytes);
  page.set("collector_chunks_total", {}, chunks);
  page.set("collector_chunk_bytes_total", {}, chunkBytes);
  const { causes } = collector;
  page.set("collector_kernel_dropped_total", {}, causes.kernelDatagrams);
  page.set("collector_lost_total", { cause: "wire" }, causes.lostOnWire);
  page.set("collector_lost_total", { cause: "kernel" }, causes.lostInKernel);
  page.set("collector_lost_total", { cause: "process" }, causes.lostInProcess);
  page.set("collector_lost_total", { cause: "transport" }, causes.lostInTransport);
}

function streamMetrics(page: Exposition, feed: string, { streams }: Sequencer): void {
  for (const each of streams) {
    const labels = { feed, stream: each.id };
    page.set("collector_stream_messages_total", labels, each.delivered);
    page.set("collector_stream_lost_total", labels, each.lostNumbers);
    page.set("collector_stream_open_gaps", labels, each.gaps.count);
    page.set("collector_stream_epoch", labels, each.epoch);
    lineMetrics(page, feed, each);
  }
}

function lineMetrics(page: Exposition, feed: string, { id: stream, lines }: Stream): void {
  for (const each of lines) {
    const labels = { feed, stream, line: lineName(each.index) };
    page.set("collector_line_packets_total", labels, each.packets);
    page.set("collector_line_first_arrivals_total", labels, each.firstArrivals);
    page.set("collector_line_missed_numbers", labels, each.loss);
    page.set("collector_line_conflicts_total", labels, each.conflicts);
    page.set("collector_line_late_total", labels, each.late);
    page.set("collector_line_lead_seconds", labels, each.leadMeanNs / 1e9);
    page.set("collector_line_lead_seconds_max", labels, each.leadMaxNs / 1e9);
  }
}

/** Lines that are named beforehand and of which nothing has come. */
function absentLines(page: Exposition, { channels, watch }: Measured): void {
  for (const { feed: named, stream, line } of channels.list) {
    if (stream === 0 || line < 0) continue;
    const feed = named === "" ? [...watch.sequencers()][0]?.[0] : named;
    if (feed === undefined) continue;
    const seen = watch.sequencerOf(feed)?.streams.find(({ id }) => id === stream);
    if (seen?.lines.some(({ index }) => index === line)) continue;
    page.set("collector_line_packets_total", { feed, stream, line: lineName(line) }, 0);
  }
}

function spoolMetrics(page: Exposition, collector: Collector): void {
  const { spool } = collector;
  if (spool === undefined) return;
  const { counters } = spool;
  page.set("collector_spool_bytes", {}, spool.bytes);
  page.set("collector_spool_limit_bytes", {}, spool.bytesLimit);
  page.set("collector_spool_unsent_ratio", {}, unsentRatio(collector));
  page.set("collector_spool_dropped_total", { cause: "size" }, counters.droppedBySize);
  page.set("collector_spool_dropped_total", { cause: "age" }, counters.droppedByAge);
  page.set("collector_spool_dropped_total", { cause: "room" }, counters.droppedForRoom);
  page.set("collector_spool_refused_total", { cause: "full" }, counters.refusedFull);
  page.set("collector_spool_refused_total", { cause: "no_room" }, counters.refusedNoRoom);
  page.set("collector_spool_refused_total", { cause: "error" }, counters.refusedByError);
}

function sinkMetrics(page: Exposition, { forwarders }: Collector): void {
  for (const each of forwarders) {
    const labels = { sink: withoutPassword(each.sink.name) };
    page.set("collector_sink_connected", labels, each.isConnected ? 1 : 0);
    page.set("collector_sink_sent_total", labels, each.sent);
    page.set("collector_sink_sent_bytes_total", labels, each.sentBytes);
    page.set("collector_sink_resent_total", labels, each.window.resent);
    page.set("collector_sink_behind_chunks", labels, each.behind);
    page.set("collector_sink_unconfirmed_chunks", labels, each.unconfirmed);
    page.set("collector_sink_missed_total", labels, each.missed);
  }
}
