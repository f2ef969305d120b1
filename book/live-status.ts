/**
 * How a stream is doing, in the words of the glossary: what its books can be trusted for, how far it
 * is, what each line brought. Rates are taken between two samples.
 */
import { RowFlag } from "../feed/message-batch.ts";
import { lineName } from "../streams/ledger.ts";
import type { Stream } from "../streams/stream.ts";
import { flagText } from "./flag-text.ts";
import type { Live, LiveFeed, Place } from "./live.ts";

/**
 * `live`: in order and whole. `held`: a gap is open, the books stand before it. `lost`: a gap was
 * lost and the books may be wrong. `joined_late`: orders from before the start are missing.
 */
export type StreamState = "silent" | "live" | "held" | "lost" | "joined_late";

export interface LineJson {
  readonly line: string;
  /** Numbers that this line brought first, and their share of all lines' first arrivals. */
  readonly first: number;
  readonly share: number;
  /** Numbers that it brought at all, copies that the collector kept back included. */
  readonly brought: number;
  /** Numbers of the stream that it did not bring (yet: a line may lag). */
  readonly missed: number;
  readonly conflicts: number;
  readonly late: number;
}

export interface StreamJson {
  readonly feed: string;
  readonly stream: number;
  readonly epoch: number;
  readonly state: StreamState;
  readonly doubtful: boolean;
  readonly flags: string;
  /** Highest number seen, and the number that the books stand at; null before the first. */
  readonly high_water_mark: string | null;
  readonly position: string | null;
  readonly messages: number;
  readonly messages_per_second: number;
  readonly lost: number;
  readonly open_gaps: number;
  readonly held_messages: number;
  readonly live_orders: number;
  readonly instruments: number;
  readonly lines: readonly LineJson[];
}

/** Flags and state of the stream that a book belongs to. */
export function bookState({ feed, stream }: Place) {
  return standing(feed, feed.pipeline.sequencer.streams[stream.stream.index]);
}

function standing(
  feed: LiveFeed,
  stream: Stream,
): { state: StreamState; flags: number; doubtful: boolean } {
  const { flags } = stream;
  const doubtful = (flags & (RowFlag.Gap | RowFlag.JoinedLate)) !== 0;
  // Books of a service that has begun again stand where it was saved.
  const state = feed.isCatchingUp && stream.begun ? "held" : stateOf(stream);
  return { state, flags, doubtful };
}

function stateOf(stream: Stream): StreamState {
  if (stream.state === "silent") return "silent";
  // An open gap says most about what is on the screen now; a lost one stays until a new epoch. While
  // the start is not settled the books stand empty before it, which is no less a wait.
  if (stream.state === "held" || stream.state === "starting") return "held";
  if (stream.flags & RowFlag.Gap) return "lost";
  return stream.flags & RowFlag.JoinedLate ? "joined_late" : "live";
}

/** Rates of every stream over the time between samples; the core has no clock of its own. */
export class Rates {
  private readonly perSecond = new Map<Stream, { delivered: number; rate: number }>();
  private atNs = Number.NaN;

  sample(live: Live, nowNs: number): void {
    const seconds = (nowNs - this.atNs) / 1e9;
    this.atNs = nowNs;
    for (const feed of live.feeds.values()) {
      for (const stream of feed.pipeline.sequencer.streams) {
        const before = this.perSecond.get(stream);
        const { delivered } = stream;
        const rate = before && seconds > 0 ? (delivered - before.delivered) / seconds : 0;
        this.perSecond.set(stream, { delivered, rate });
      }
    }
  }

  of(stream: Stream): number {
    return this.perSecond.get(stream)?.rate ?? 0;
  }
}

export function streamsJson(live: Live, rates: Rates): StreamJson[] {
  const rows: StreamJson[] = [];
  for (const feed of live.feeds.values()) {
    for (const stream of feed.pipeline.sequencer.streams) {
      rows.push(streamJson(feed, stream, rates.of(stream)));
    }
  }
  return rows.sort((a, b) => a.feed.localeCompare(b.feed) || a.stream - b.stream);
}

function streamJson(feed: LiveFeed, stream: Stream, rate: number): StreamJson {
  const { state, flags, doubtful } = standing(feed, stream);
  const opened = feed.pipeline.streams[stream.index];
  return {
    feed: feed.feed.id,
    stream: stream.id,
    epoch: stream.epoch,
    state,
    doubtful,
    flags: flagText(flags),
    high_water_mark: stream.highWaterMark >= 0 ? String(stream.highWaterMark) : null,
    position: stream.begun ? String(stream.position) : null,
    messages: stream.delivered,
    messages_per_second: Math.round(rate * 10) / 10,
    lost: stream.lostNumbers,
    open_gaps: stream.gaps.count,
    held_messages: stream.held.count,
    live_orders: opened?.books?.liveOrders ?? 0,
    instruments: opened?.decoder.instruments.count ?? 0,
    lines: linesJson(feed, stream),
  };
}

function linesJson(feed: LiveFeed, stream: Stream): LineJson[] {
  const lines = [...stream.lines].sort((a, b) => a.index - b.index);
  const all = lines.reduce((sum, line) => sum + line.firstArrivals, 0);
  const sent = stream.delivered + stream.lostNumbers;
  return lines.map((line) => {
    const brought = feed.lines.brought(stream.id, line.index);
    return {
      line: lineName(line.index),
      first: line.firstArrivals,
      share: all === 0 ? 0 : Math.round((line.firstArrivals / all) * 1000) / 1000,
      brought,
      missed: Math.max(0, sent - brought),
      conflicts: line.conflicts,
      late: line.late,
    };
  });
}
