/**
 * Edge: one client's replay of history: captures and chunks through the one pipeline, as rows at
 * the speed asked for. Books are built from the input's beginning, whatever moment rows begin at;
 * going back builds them again. What chunks hold of repairs mends them as it did live.
 */

import { NdjsonWriter } from "../book/rows/ndjson.ts";
import type { RowBatch, RowSink } from "../book/rows/row-batch.ts";
import type { Feed } from "../feed/feed.ts";
import type { InstrumentMaster } from "../feed/instruments.ts";
import type { Channels } from "../frames/channels.ts";
import type { ChunkHeader } from "../frames/chunk-header.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { ReplayControl } from "../replayer/control.ts";
import { type Instant, Selection } from "../replayer/filter.ts";
import { type ReplayTarget, replay } from "../replayer/replayer.ts";
import type { GapRow } from "../streams/ledger.ts";
import { feedNeeded, guessFeed, namedFeed } from "./feed-choice.ts";
import type { HistoryQuery } from "./history-query.ts";
import { Rebuilding } from "./rebuilding.ts";
import { ReplayInput } from "./replay-input.ts";
import { dayInNewYork, midnightInNewYork, parseDay } from "./trading-day.ts";

/** Where a session's records go, one JSON object a line; waits where the client is slow. */
export type HistoryOut = (lines: Uint8Array) => Promise<void>;

export interface HistorySource {
  readonly paths: readonly string[];
  /** A channel table of its own for each session: captures add to it. */
  readonly channels: () => Channels;
  readonly feed: string | undefined;
  readonly spec: string | undefined;
  readonly date: string | undefined;
  readonly mastersFor: (feed: Feed) => Promise<ReadonlyMap<string, InstrumentMaster> | undefined>;
}

/** Frames so much later than `until` end a session: what is only out of order is nearer. */
const BEYOND_SEC = 10;

export class HistorySession implements ReplayTarget {
  readonly control: ReplayControl;
  /** Kept when the feed is known and rows may come; broken if there can be none. */
  readonly opened: Promise<void>;
  private settle: (error?: unknown) => void = () => {};
  private readonly source: HistorySource;
  private readonly query: HistoryQuery;
  private readonly out: HistoryOut;
  private readonly channels: Channels;
  private readonly input: ReplayInput;
  private judge: Selection | undefined;
  private rebuilding: Rebuilding | undefined;
  private writer: NdjsonWriter | undefined;
  private readonly time = { sec: 0, nsec: 0 };
  private lines: Uint8Array[] = [];
  private gapsTold = 0;
  /** What the books take, and what the replay is given to pace. */
  private readonly taken = new Part();
  private readonly paced = new Part();

  constructor(source: HistorySource, query: HistoryQuery, out: HistoryOut) {
    this.source = source;
    this.query = query;
    this.out = out;
    this.control = new ReplayControl(query.pace);
    this.channels = source.channels();
    this.input = new ReplayInput(source.paths, this.channels, {
      selection: undefined,
      clockName: "",
    });
    this.opened = new Promise((resolve, reject) => {
      this.settle = (error) => (error === undefined ? resolve() : reject(error));
    });
    this.opened.catch(() => {});
  }

  /** Until all is said, or the signal ends it. @throws what makes rows impossible */
  async run(signal: AbortSignal): Promise<void> {
    try {
      const { control } = this;
      await replay((place) => this.pass(place), this, { pace: control.pace, control }, signal);
      if (signal.aborted) return;
      this.rebuilding?.finish();
      await this.handOver();
      if (this.rebuilding === undefined) throw feedNeeded(false);
    } catch (error) {
      this.settle(error);
      throw error;
    }
  }

  async send(frames: FrameBatch, from: number, to: number): Promise<void> {
    this.take(frames, from, to);
    await this.handOver();
  }

  /**
   * All frames of the input; those before the moment that rows begin at go to the books at once.
   */
  private async *pass(place: Instant | undefined): AsyncGenerator<FrameBatch> {
    const from = place ?? this.query.from;
    this.rebuilding = undefined;
    this.gapsTold = 0;
    let reached = from === undefined;
    const unheard: ChunkHeader[] = [];
    for await (const source of this.input.batches((header) => void unheard.push(header))) {
      const { frames: batch, requested } = source;
      const books = this.rebuilding ?? (await this.begin(batch, from));
      for (const header of unheard.splice(0)) books.heard(header);
      if (requested !== undefined) {
        books.requested(requested, batch);
        continue;
      }
      if (batch.count > 0 && this.isBeyond(batch)) return;
      const first = reached || !from ? 0 : this.indexFrom(batch, from);
      this.take(batch, 0, first);
      if (first === batch.count) continue;
      reached = true;
      const end = this.lastBefore(batch, this.query.until) + 1;
      if (end > first) yield this.paced.of(batch, first, end);
      this.take(batch, Math.max(first, end), batch.count);
    }
  }

  private async begin(first: FrameBatch, from: Instant | undefined): Promise<Rebuilding> {
    const { query, channels } = this;
    const { spec, date } = this.source;
    const feed = namedFeed(query.feed ?? this.source.feed, channels, spec) ?? guessFeed(first);
    if (feed === undefined) throw feedNeeded();
    const midnightOf = (sec: number) =>
      midnightInNewYork(date === undefined ? dayInNewYork(sec) : parseDay(date));
    const clock = query.clock === "recv" ? "recv" : "exchange";
    const times = { from: undefined, until: undefined };
    this.judge = new Selection(channels, { terms: [], ...times, clock, feed, midnightOf });
    const masters = await this.source.mastersFor(feed);
    const { schema, settled, until, names } = query;
    const rebuilding = new Rebuilding({
      ...(schema && { schema }),
      settled,
      digest: false,
      ...(names.length > 0 && { tokens: tokensOf(names, masters) }),
      span: { ...(from && { from }), ...(until && { until }), clock: query.clock },
      sequencer: {},
      ...(spec !== undefined && { spec }),
      mastersFor: () => Promise.resolve(masters),
      rowsTo: (shape) => this.rowsTo(shape),
    });
    const midnightSec = first.count > 0 ? midnightOf(first.sec[0]) : Number.NaN;
    await rebuilding.open({ feed, channels, captured: true, midnightSec });
    this.rebuilding = rebuilding;
    this.settle();
    return rebuilding;
  }

  private rowsTo(shape: RowBatch): RowSink {
    const header = shape.columns.map((column) => column.name);
    const out = { write: (bytes: Uint8Array) => void this.lines.push(bytes.slice()) };
    this.writer = new NdjsonWriter(out, header);
    return this.writer;
  }

  private take(frames: FrameBatch, from: number, to: number): void {
    if (to > from) this.rebuilding?.frames(this.taken.of(frames, from, to));
  }

  /** The first frame of that moment or later; the count if there is none. */
  private indexFrom(batch: FrameBatch, from: Instant): number {
    let at = 0;
    while (at < batch.count && this.isBefore(batch, at, from)) at++;
    return at;
  }

  /** The last frame before that moment; -1 if there is none. */
  private lastBefore(batch: FrameBatch, until: Instant | undefined): number {
    let at = batch.count - 1;
    while (until !== undefined && at >= 0 && !this.isBefore(batch, at, until)) at--;
    return at;
  }

  private isBefore(batch: FrameBatch, at: number, moment: Instant): boolean {
    const { time } = this;
    this.judge?.timeOf(batch, at, time);
    return time.sec < moment.sec || (time.sec === moment.sec && time.nsec < moment.nsec);
  }

  /** Whether nothing before `until` can be expected any more. */
  private isBeyond(batch: FrameBatch): boolean {
    const { until } = this.query;
    if (until === undefined) return false;
    return !this.isBefore(batch, 0, { sec: until.sec + BEYOND_SEC, nsec: until.nsec });
  }

  /** Rows, then the gaps that were found with them. */
  private async handOver(): Promise<void> {
    this.rebuilding?.flush();
    this.writer?.finish();
    this.tellGaps();
    const { lines } = this;
    this.lines = [];
    for (const bytes of lines) await this.out(bytes);
  }

  private tellGaps(): void {
    const lost = this.rebuilding?.pipeline.sequencer.ledger.lost;
    if (lost === undefined || lost.total === this.gapsTold) return;
    const fresh = lost.list().slice(-(lost.total - this.gapsTold));
    this.gapsTold = lost.total;
    for (const gap of fresh) this.lines.push(new TextEncoder().encode(`${gapLine(gap)}\n`));
  }
}

/** Some frames of a batch as one of their own, over the same bytes; valid until the next. */
class Part {
  private frames = new FrameBatch(1024);

  of(batch: FrameBatch, from: number, to: number): FrameBatch {
    if (this.frames.capacity < to - from) this.frames = new FrameBatch(to - from);
    this.frames.reset(batch.bytes);
    const { offset, length, sec, nsec, channel } = batch;
    for (let i = from; i < to; i++) {
      this.frames.add(offset[i], length[i], sec[i], nsec[i], channel[i]);
    }
    return this.frames;
  }
}

/** A lost gap as a record among the rows. */
function gapLine({ stream, epoch, from, to, detectedNs, cause, end }: GapRow): string {
  const gap = { stream, epoch, from: `${from}`, to: `${to}`, cause, end };
  return JSON.stringify({
    gap: { ...gap, ts_detected: BigInt(Math.round(detectedNs)).toString() },
  });
}

/** Names that the feed knows as they are, and the instruments of contract files' symbols. */
function tokensOf(
  names: readonly string[],
  masters: ReadonlyMap<string, InstrumentMaster> | undefined,
): Set<string> {
  const tokens = new Set(names);
  for (const [token, { symbol }] of masters ?? []) if (tokens.has(symbol)) tokens.add(token);
  return tokens;
}
