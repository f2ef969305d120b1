/**
 * Edge: how a collector is doing, as one object: for its HTTP face, for `edgebook stat` and for monitoring.
 * Totals only ever grow within a boot; rates are the reader's to take between two of them.
 */

import type { Spool } from "../frames/spool.ts";
import { lineName } from "../streams/ledger.ts";
import type { Sequencer } from "../streams/sequencer.ts";
import type { Stream } from "../streams/stream.ts";
import type { Collector } from "./collector.ts";
import type { CollectorCore } from "./core.ts";
import type { LineWatch } from "./watch.ts";

export interface WatchedLine {
  readonly line: string;
  /** Numbers that this line brought before any other. */
  readonly first: number;
  readonly share: number;
  readonly conflicts: number;
  readonly late: number;
}

export interface WatchedStream {
  readonly feed: string;
  readonly stream: number;
  readonly epoch: number;
  readonly state: Stream["state"];
  readonly high_water_mark: string | null;
  readonly messages: number;
  readonly lost: number;
  readonly open_gaps: number;
  readonly lines: readonly WatchedLine[];
}

export interface SinkStatus {
  readonly to: string;
  readonly sent: number;
  readonly resent: number;
  /** Chunks that the sink has not taken yet, and those that no centre has confirmed. */
  readonly behind: number;
  readonly unconfirmed: number;
  /** Chunks that had left the spool before the sink took them. */
  readonly missed: number;
  readonly last_error: string;
}

/** Chunks that left the spool, or never came into it, by cause. */
export interface SpoolCauses {
  readonly dropped_by_size: number;
  readonly dropped_by_age: number;
  readonly dropped_for_room: number;
  readonly refused_full: number;
  readonly refused_no_room: number;
  readonly refused_by_error: number;
  readonly damaged: number;
}

export interface CollectorStatus {
  readonly kind: "collector";
  readonly name: string;
  readonly boot: string;
  readonly uptime_seconds: number;
  readonly memory_bytes: number;
  readonly frames: number;
  readonly frames_forwarded: number;
  readonly copies: number;
  readonly bytes: number;
  readonly messages: number;
  readonly lost: number;
  readonly chunks: number;
  readonly chunk_bytes: number;
  /** Captured payload over what the chunks weigh. */
  readonly compression_ratio: number;
  readonly drops: {
    readonly kernel_datagrams: number;
    readonly wire: number;
    readonly kernel: number;
    readonly process: number;
    readonly transport: number;
  };
  readonly spool: {
    readonly bytes: number;
    readonly limit_bytes: number;
    readonly chunks_dropped: number;
    /** Chunks that it did not take, since it or its disk was full, or the disk failed. */
    readonly chunks_refused: number;
    readonly by_cause: SpoolCauses;
  } | null;
  readonly sinks: readonly SinkStatus[];
  readonly streams: readonly WatchedStream[];
}

export interface WhoAndWhen {
  readonly name: string;
  readonly boot: number;
  readonly uptimeSeconds: number;
  readonly memoryBytes: number;
}

export function collectorStatus(
  collector: Collector,
  core: CollectorCore,
  watch: LineWatch,
  who: WhoAndWhen,
): CollectorStatus {
  const { frames, framesForwarded, copies, bytes, chunks, chunkBytes } = core.counters;
  const { messages, lost } = watch.totals();
  const { kernelDatagrams, lostOnWire, lostInKernel, lostInProcess } = collector.causes;
  const { spool } = collector;
  return {
    kind: "collector",
    name: who.name,
    boot: String(who.boot),
    uptime_seconds: who.uptimeSeconds,
    memory_bytes: who.memoryBytes,
    frames,
    frames_forwarded: framesForwarded,
    copies,
    bytes,
    messages,
    lost,
    chunks,
    chunk_bytes: chunkBytes,
    compression_ratio: Math.round((bytes / Math.max(1, chunkBytes)) * 100) / 100,
    drops: {
      kernel_datagrams: kernelDatagrams,
      wire: lostOnWire,
      kernel: lostInKernel,
      process: lostInProcess,
      transport: collector.causes.lostInTransport,
    },
    spool: spool === undefined ? null : spoolStatus(spool),
    sinks: collector.forwarders.map((forwarder) => ({
      to: forwarder.sink.name,
      sent: forwarder.sent,
      resent: forwarder.window.resent,
      behind: forwarder.behind,
      unconfirmed: forwarder.unconfirmed,
      missed: forwarder.missed,
      last_error: forwarder.lastError,
    })),
    streams: [...watch.sequencers()].flatMap(([feed, sequencer]) => streamsOf(feed, sequencer)),
  };
}

function spoolStatus(spool: Spool): NonNullable<CollectorStatus["spool"]> {
  const { counters } = spool;
  return {
    bytes: spool.bytes,
    limit_bytes: spool.bytesLimit,
    chunks_dropped: spool.chunksDropped,
    chunks_refused: spool.appendsFailed,
    by_cause: {
      dropped_by_size: counters.droppedBySize,
      dropped_by_age: counters.droppedByAge,
      dropped_for_room: counters.droppedForRoom,
      refused_full: counters.refusedFull,
      refused_no_room: counters.refusedNoRoom,
      refused_by_error: counters.refusedByError,
      damaged: counters.damaged,
    },
  };
}

function streamsOf(feed: string, { streams }: Sequencer): WatchedStream[] {
  const rows = streams.map((stream) => ({
    feed,
    stream: stream.id,
    epoch: stream.epoch,
    state: stream.state,
    high_water_mark: stream.highWaterMark >= 0 ? String(stream.highWaterMark) : null,
    messages: stream.delivered,
    lost: stream.lostNumbers,
    open_gaps: stream.gaps.count,
    lines: linesOf(stream),
  }));
  return rows.sort((a, b) => a.stream - b.stream);
}

function linesOf(stream: Stream): WatchedLine[] {
  const lines = [...stream.lines].sort((a, b) => a.index - b.index);
  const all = lines.reduce((sum, { firstArrivals }) => sum + firstArrivals, 0);
  return lines.map(({ index, firstArrivals, conflicts, late }) => ({
    line: lineName(index),
    first: firstArrivals,
    share: all === 0 ? 0 : Math.round((firstArrivals / all) * 1000) / 1000,
    conflicts,
    late,
  }));
}
