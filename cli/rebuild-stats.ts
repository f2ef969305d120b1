/** The account that `rebuild` gives at its end: the line of `--stats`, and what was incomplete. */
import type { BookPipeline } from "../book/pipeline.ts";
import { peakMemoryBytes } from "./memory-peak.ts";
import type { ReadingReport } from "./offline.ts";
import type { Rebuilding } from "./rebuilding.ts";

/** The fields of `--stats`, in the order of the public interface. */
export interface RebuildStats {
  readonly packets: number;
  readonly frames: number;
  readonly messages: number;
  readonly bytes: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly late: number;
  readonly gaps: number;
  readonly lost: number;
  readonly recovered: number;
  readonly anomalies: Readonly<Record<string, number>>;
  readonly live_orders: number;
  readonly instruments: number;
  readonly seconds: number;
  readonly ns_per_message: number;
  readonly peak_memory_bytes: number;
  readonly bbo_changes?: number;
  readonly bbo_digest?: string;
}

/** @param seconds wall time from before the files were opened to after the last message */
export function rebuildStats(
  work: Rebuilding,
  report: ReadingReport,
  seconds: number,
  digest: boolean,
): RebuildStats {
  const { pipeline } = work;
  const sequenced = pipeline.sequencer.stats();
  const streams = pipeline.streams.filter((stream) => stream !== undefined);
  const ownFile = report.counters.length === 0;
  const applied = sum(streams.map((stream) => stream.applied));
  const messages = ownFile ? applied : sequenced.messages;
  return {
    packets: sum(report.counters.map((counters) => counters.packets)),
    frames: sequenced.frames,
    messages,
    bytes: ownFile ? report.fileBytes : sequenced.bytes,
    duplicates: sequenced.duplicates,
    conflicts: sequenced.conflicts,
    late: sequenced.late,
    gaps: sequenced.gaps,
    lost: sequenced.lost,
    recovered: sequenced.recovered,
    anomalies: anomaliesOf(pipeline, report),
    live_orders: sum(streams.map((stream) => stream.books?.liveOrders ?? 0)),
    instruments: sum(streams.map((stream) => stream.decoder.instruments.count)),
    seconds: rounded(seconds, 6),
    ns_per_message: messages === 0 ? 0 : rounded((seconds * 1e9) / messages, 1),
    peak_memory_bytes: peakMemoryBytes(),
    ...(digest && { bbo_changes: work.digestChanges, bbo_digest: work.digestText }),
  };
}

/** What made the result incomplete, beside damage of the file itself. */
export function rebuildComplaints(pipeline: BookPipeline): string[] {
  const { lost, gaps, quarantined } = pipeline.sequencer.stats();
  const complaints: string[] = [];
  for (const [reason, count] of Object.entries(quarantined)) {
    complaints.push(`${count} datagrams or packets set aside: ${reason}`);
  }
  if (lost > 0) complaints.push(`${lost} numbers are lost, in ${gaps} gaps that no line filled`);
  return complaints;
}

function anomaliesOf(pipeline: BookPipeline, report: ReadingReport): Record<string, number> {
  const counts: Record<string, number> = {};
  const add = (kind: string, count: number) => {
    if (count > 0) counts[kind] = (counts[kind] ?? 0) + count;
  };
  for (const stream of pipeline.streams) {
    for (const [kind, count] of stream?.decoder.anomalies ?? []) add(kind, count);
    for (const [kind, count] of stream?.books?.anomalies ?? []) add(kind, count);
  }
  const { quarantined, staleHeartbeats, doubtfulTimes } = pipeline.sequencer.stats();
  for (const [reason, count] of Object.entries(quarantined)) add(reason, count);
  add("stale_heartbeat", staleHeartbeats);
  add("doubtful_time", doubtfulTimes);
  add("mended_length", pipeline.mendedLengths);
  for (const counters of report.counters) {
    add("fragment", counters.fragments);
    add("damaged_packet", counters.damaged);
    add("bad_checksum", counters.badChecksums);
  }
  return counts;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

function rounded(value: number, places: number): number {
  return Number(value.toFixed(places));
}
