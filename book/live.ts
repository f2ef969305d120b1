/**
 * The book service without its sockets: chunks in, books that can be asked at any moment.
 *
 *   chunk ─► Intake (order, missing ones) ─► unpack ─► BookPipeline of its feed ─► LiveStream
 *
 * Owns one pipeline for each feed that its chunks name. Time comes from outside (`nowNs`); between
 * chunks the capture time of a feed is assumed to go on as the clock does, less `idleGraceNs` for
 * the chunks on their way, so that a gap at the end of a quiet stream is decided too.
 */
import type { DecoderOptions, Feed } from "../feed/feed.ts";
import { feedById } from "../feed/registry.ts";
import { Channels } from "../frames/channels.ts";
import { ChunkFault, type ChunkHeader, ChunkUnpacker, readChunkHeader } from "../frames/chunk.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import type { ControlRequest, RepairRequest } from "../frames/transport.ts";
import type { Zstd } from "../frames/zstd-port.ts";
import type { Tell } from "../metrics/events.ts";
import { type Certificate, certificatesOf } from "../streams/certificate.ts";
import { Tallies } from "../streams/certificate-tally.ts";
import { StreamNews } from "../streams/news.ts";
import type { SequencerOptions } from "../streams/sequencer.ts";
import { type AsOfDeclaration, LiveAsOf } from "./asof/live-asof.ts";
import { DayGate } from "./calendar/day-gate.ts";
import type { Calendar } from "./calendar/declaration.ts";
import { DayNotices } from "./calendar/notices.ts";
import { type Cleared, Clears } from "./clears.ts";
import { Intake, type IntakeOptions, type Taken } from "./intake.ts";
import type { EventRows } from "./kafka/event-rows.ts";
import { Latencies } from "./latencies.ts";
import { LineCounts } from "./line-counts.ts";
import { LiveStream } from "./live-stream.ts";
import { BookPipeline, type PipelineOptions } from "./pipeline.ts";
import { RepairChunks } from "./repair-chunks.ts";
import { type RepairOptions, Repairs } from "./repairs.ts";
import { Both } from "./rows/observers.ts";

export interface LiveOptions {
  readonly zstd: Zstd;
  readonly decoderFor?: (feed: Feed) => DecoderOptions;
  readonly sequencer?: Partial<SequencerOptions>;
  readonly intake?: Partial<IntakeOptions>;
  /**
   * Midnight of the trading day at the exchange, as seconds since 1970 UTC, for feeds that give time
   * since midnight; from the capture time of a message.
   */
  readonly midnightSec?: (captureSec: number) => number;
  readonly ask: (collector: string, request: ControlRequest | RepairRequest) => void;
  readonly repairs?: Partial<RepairOptions>;
  /** Every message is hashed, so that certificates can be asked for; true unless told. */
  readonly certify?: boolean;
  /** Rows of everything that happens to the books; absent: nobody wants any. */
  readonly rows?: EventRows;
  /** Trades are joined with the quotes in force; absent: they are not. */
  readonly asOf?: AsOfDeclaration;
  /** When exchanges trade: frames of another day are refused. Absent: all are taken as they come. */
  readonly calendar?: Calendar;
  /** With a calendar: the only trading day that is taken, days since 1970. */
  readonly onlyDay?: number;
  /** ns since 1970, to tell how long frames took from their capture to their book. */
  readonly clockNs?: () => number;
  /** Told of gaps that open and close; absent: nobody listens. */
  readonly tell?: Tell;
  /** Sees every run of messages and events as it is applied: the simulator's checks do. */
  readonly onRun?: NonNullable<PipelineOptions["onRun"]>;
}

/** Capture time runs behind the clock by what collecting, packing and sending take. */
const IDLE_GRACE_NS = 500e6;
/** Feeds are few; a hostile header may name many. */
const FEEDS_LIMIT = 32;
const MISSING_LIMIT = 100;

/** One feed: its channels as the chunks name them, its pipeline, its streams. */
export class LiveFeed {
  readonly feed: Feed;
  readonly channels = new Channels();
  readonly pipeline: BookPipeline;
  readonly unpacker: ChunkUnpacker;
  /** By the pipeline's index. */
  readonly streams: LiveStream[] = [];
  readonly lines = new LineCounts();
  /** By the clock of `LiveOptions`. */
  readonly latencies = new Latencies();
  readonly repairs: Repairs;
  readonly repairChunks: RepairChunks;
  /** Keeps frames of another day out; null where no calendar names the feed. */
  readonly gate: DayGate | null;
  /** What certificates are made from; undefined where nobody wants any. */
  readonly tallies: Tallies | undefined;
  /** Frames that collectors left out because they only repeated what had been forwarded. */
  copies = 0;
  frames = 0;
  /** Latest capture time of a chunk, ns since 1970, and the clock when it came. */
  captureNs = 0;
  arrivalNs = 0;
  /** A saved state was put in, and not everything behind it has come yet: the books are old. */
  isCatchingUp = false;

  constructor(feed: Feed, options: LiveOptions, asOf: LiveAsOf | null) {
    this.feed = feed;
    this.unpacker = new ChunkUnpacker(this.channels, options.zstd);
    const midnightOf = options.midnightSec ?? (() => Number.NaN);
    const tallies = options.certify === false ? undefined : new Tallies(feed, midnightOf);
    this.tallies = tallies;
    const onRun = runsTo(tallies, options.onRun);
    this.pipeline = new BookPipeline(feed, this.channels, {
      ...options.decoderFor?.(feed),
      effects: true,
      ...(options.sequencer === undefined ? {} : { sequencer: options.sequencer }),
      ...(onRun === undefined ? {} : { onRun }),
      observerFor: (stream) => {
        const live = new LiveStream(stream);
        this.streams[stream.index] = live;
        const midnightSec = () => midnightOf(this.captureNs / 1e9);
        const rows = options.rows?.observe(feed, stream, midnightSec) ?? null;
        const all = asOf === null ? live : new Both(live, asOf.observe(feed, stream));
        return rows === null ? all : new Both(all, rows);
      },
    });
    const { sequencer } = this.pipeline;
    options.rows?.follow(feed, sequencer);
    this.repairs = new Repairs(feed.id, sequencer, options.ask, options.repairs);
    this.repairChunks = new RepairChunks(feed, sequencer);
    const sessions = options.calendar?.get(feed.id);
    this.gate =
      sessions === undefined ? null : new DayGate(feed, this.channels, sessions, options.onlyDay);
  }
}

type OnRun = NonNullable<PipelineOptions["onRun"]>;

/** Certificates see every run, and so does whoever watches besides. */
function runsTo(tallies: Tallies | undefined, watcher: OnRun | undefined): OnRun | undefined {
  if (tallies === undefined) return watcher;
  return (stream, from, to, ops) => {
    tallies.take(stream.index, stream.messages, from, to);
    watcher?.(stream, from, to, ops);
  };
}

/** Where an instrument stands. */
export interface Place {
  readonly feed: LiveFeed;
  readonly stream: LiveStream;
  readonly instrument: number;
}

export class Live {
  readonly intake: Intake;
  readonly feeds = new Map<string, LiveFeed>();
  readonly options: LiveOptions;
  /** The join of trades with quotes, where one was declared. */
  readonly asOf: LiveAsOf | null;
  /** Chunks that could not be read at all, by the fault's code. */
  readonly faults = new Map<string, number>();
  /** What calendars refused, for whoever runs this to say. */
  readonly dayNotices = new DayNotices();
  /** Dictionaries that chunks needed and nobody had, as far as they were told. */
  private readonly missing = new Set<string>();
  private readonly clears: Clears;
  /** What a saved state lacks comes from its owner's log, and has not come to its end yet. */
  private isReplayed = false;
  private nowNs = 0;
  private readonly news: StreamNews | undefined;

  constructor(options: LiveOptions) {
    this.options = options;
    this.news = options.tell && new StreamNews(options.tell);
    const { asOf, midnightSec } = options;
    this.asOf = asOf === undefined ? null : new LiveAsOf(asOf, midnightSec ?? (() => Number.NaN));
    const take = (header: ChunkHeader, bytes: Uint8Array) => this.take(header, bytes);
    const gaveUpDictionary = (header: ChunkHeader) => this.tellGivenUp(header);
    this.intake = new Intake({ take, gaveUpDictionary, ask: options.ask }, options.intake);
    const clearHere = (feed: string, stream: number) => this.clearHere(feed, stream);
    this.clears = new Clears({ ask: options.ask, clearHere });
  }

  /** A chunk as it came from a transport. */
  push(bytes: Uint8Array, nowNs: number): void {
    const read = readChunkHeader(bytes);
    if (read instanceof ChunkFault) {
      this.countFault(read.code);
      return;
    }
    this.nowNs = nowNs;
    const { repeated } = this.intake;
    this.intake.push(read.header, bytes, nowNs);
    if (this.intake.repeated === repeated) this.noteArrival(read.header);
  }

  /** Time goes on: missing chunks are asked for again or given up, windows close. */
  advance(nowNs: number): void {
    this.nowNs = nowNs;
    this.intake.advance(nowNs);
    for (const [id, feed] of this.feeds) {
      this.awaitChunks(feed, true);
      feed.repairs.advance(nowNs);
      if (!feed.isCatchingUp) this.news?.look(id, feed.pipeline.sequencer, nowNs);
      if (!this.isReplayed) feed.isCatchingUp &&= this.intake.isCatchingUp(id);
      if (feed.captureNs === 0 || this.intake.isWaiting(id)) continue;
      const idleNs = nowNs - feed.arrivalNs - IDLE_GRACE_NS;
      if (idleNs > 0) feed.pipeline.advance(feed.captureNs + idleNs);
    }
    this.clears.advance(nowNs);
    this.asOf?.advance(nowNs);
  }

  /**
   * A saved state was put in: whatever came since is asked for, and until then the books are old.
   * @param ask false: it comes by itself, up to `caughtUp`
   */
  resume(nowNs: number, ask = true): void {
    this.nowNs = nowNs;
    this.intake.resume(nowNs, ask);
    this.isReplayed = !ask;
    for (const feed of this.feeds.values()) {
      feed.arrivalNs = nowNs;
      feed.isCatchingUp = !ask || this.intake.isCatchingUp(feed.feed.id);
    }
  }

  /** All has come that was to come by itself. */
  caughtUp(): void {
    this.isReplayed = false;
    for (const [id, feed] of this.feeds) feed.isCatchingUp &&= this.intake.isCatchingUp(id);
  }

  /** The input is over (a directory was read): what is held is decided. */
  finish(nowNs: number): void {
    this.nowNs = nowNs;
    this.intake.finish(nowNs);
    for (const feed of this.feeds.values()) {
      feed.pipeline.finish();
      // Nothing more is to come that the books could wait for.
      feed.isCatchingUp = false;
    }
    this.asOf?.finish();
  }

  /** Before a saved state is put in: what it is about. */
  reopen(id: string, streams: readonly (number | null)[]): void {
    const feed = this.open(id);
    streams.forEach((stream, index) => {
      if (stream !== null) feed?.pipeline.open(index, stream);
    });
  }

  /** The stream and index of an instrument by its feed's name for it. */
  find(feedId: string, token: string): Place | undefined {
    const feed = this.feeds.get(feedId);
    if (feed === undefined) return undefined;
    for (const stream of feed.streams) {
      const instrument = stream?.stream.decoder.instruments.indexOf(token);
      if (instrument !== undefined) return { feed, stream, instrument };
    }
    return undefined;
  }

  /** The operator's command; undefined if nothing of the stream has come. */
  clear(feedId: string, stream: number): Promise<Cleared> | undefined {
    const index = this.feeds.get(feedId)?.pipeline.sequencer.indexOf(stream) ?? -1;
    if (index < 0) return undefined;
    const { nowNs } = this;
    return this.clears.give(feedId, stream, this.intake.collectorOf(feedId, stream, nowNs), nowNs);
  }

  /** Of every epoch so far, as it stands; by feed, stream and epoch. */
  certificates(tool: string): Certificate[] {
    const found: Certificate[] = [];
    for (const { feed, pipeline, tallies, copies, lines } of this.feeds.values()) {
      if (tallies === undefined) continue;
      const brought = (stream: number, line: number) => lines.brought(stream, line);
      const options = copies > 0 ? { tool, brought } : { tool };
      found.push(...certificatesOf(feed, pipeline.sequencer, tallies, options));
    }
    return found;
  }

  private take(header: ChunkHeader, bytes: Uint8Array): Taken {
    const feed = this.feeds.get(header.feed) ?? this.open(header.feed);
    // Chunks of a feed that this version does not know are not damage: nothing mends them.
    if (feed === undefined) return "taken";
    const unpacked = feed.unpacker.unpack(bytes);
    if (unpacked instanceof ChunkFault) {
      this.countFault(unpacked.code);
      if (unpacked.code !== "missing_dictionary") return "damaged";
      this.tellMissing(header);
      return "no_dictionary";
    }
    feed.copies += header.copies;
    feed.lines.add(header);
    feed.frames += unpacked.frames.count;
    const captureNs = header.lastSec * 1e9 + header.lastNsec;
    if (captureNs > feed.captureNs) feed.captureNs = captureNs;
    feed.arrivalNs = this.nowNs;
    feed.repairs.heard(header, this.nowNs);
    // A chunk that is here is applied before it is no longer waited for.
    this.awaitChunks(feed, false);
    this.apply(feed, header, unpacked.frames);
    if (header.kind === "clear") this.clears.came(header.collector, header.command);
    this.awaitChunks(feed, true);
    // What was missed and comes again says nothing of how fast things go.
    const { clockNs } = this.options;
    if (clockNs === undefined || feed.isCatchingUp || header.kind !== "live") return "taken";
    const { latencies, pipeline, streams } = feed;
    latencies.book.add(clockNs() - captureNs);
    const stream = streams[pipeline.sequencer.indexOf(header.stream)];
    const midnightOf = this.options.midnightSec ?? (() => Number.NaN);
    if (stream !== undefined) latencies.addExchange(feed.feed, stream, midnightOf);
    return "taken";
  }

  /** What is of another day is left out; images are held against their stream's epoch anyway. */
  private apply(feed: LiveFeed, header: ChunkHeader, frames: FrameBatch): void {
    const { gate, pipeline, repairChunks } = feed;
    const isLive = header.kind === "live";
    const take = (taken: FrameBatch) => {
      if (isLive) pipeline.push(taken);
      else repairChunks.take(header, taken);
    };
    if (gate === null || !(isLive || header.kind === "recovered")) {
      take(frames);
      return;
    }
    gate.push(frames, isLive, { take, dayBegan: (before) => this.dayBegan(feed, before) });
    this.dayNotices.look(feed.feed.id, gate);
  }

  /** Numbers, books, trades and contracts are the new day's from here on. */
  private dayBegan({ feed, gate, pipeline, streams }: LiveFeed, before: number): void {
    if (gate !== null) this.dayNotices.began(feed.id, gate.day, before);
    if (Number.isNaN(before)) return;
    pipeline.sequencer.beginDay();
    const masters = this.options.decoderFor?.(feed).masters;
    for (const live of streams) {
      live?.beginDay();
      live?.stream.decoder.instruments.readAgain((name) => masters?.get(name));
    }
  }

  /** A client was sent the newest state of a book. */
  noteSent({ feed, stream, instrument }: Place): void {
    const { clockNs } = this.options;
    if (clockNs !== undefined) feed.latencies.addSent(stream, instrument, clockNs());
  }

  private noteArrival({ feed: id, kind, lastSec, lastNsec }: ChunkHeader): void {
    const feed = this.feeds.get(id);
    if (feed === undefined || feed.isCatchingUp || kind !== "live") return;
    feed.latencies.arrival.add(this.nowNs - (lastSec * 1e9 + lastNsec));
  }

  /**
   * What a stream misses may be in a chunk on its way while other streams, and other collectors, move
   * the feed's capture time on.
   */
  private awaitChunks({ feed, pipeline: { sequencer } }: LiveFeed, mayLower: boolean): void {
    for (const { index, id, awaitedNs } of sequencer.streams) {
      const ns = this.intake.patienceNs(feed.id, id);
      if (mayLower || ns > awaitedNs) sequencer.awaitChunks(index, ns);
    }
  }

  private clearHere(feedId: string, stream: number): void {
    const sequencer = this.feeds.get(feedId)?.pipeline.sequencer;
    sequencer?.clear(sequencer.indexOf(stream));
  }

  private open(id: string): LiveFeed | undefined {
    const feed = feedById(id);
    if (feed === undefined || this.feeds.size >= FEEDS_LIMIT) {
      this.countFault("unknown_feed");
      return undefined;
    }
    const live = new LiveFeed(feed, this.options, this.asOf);
    this.feeds.set(id, live);
    return live;
  }

  /** Once for each dictionary. */
  private tellMissing({ collector, dictionary, feed }: ChunkHeader): void {
    if (this.missing.has(dictionary) || this.missing.size >= MISSING_LIMIT) return;
    this.missing.add(dictionary);
    const text = `chunks of ${collector} need the dictionary ${dictionary}, which nobody has brought`;
    this.options.tell?.(text, "dictionary_missing", { dictionary, feed });
  }

  private tellGivenUp({ collector, dictionary, feed }: ChunkHeader): void {
    const text = `the dictionary ${dictionary} did not come: chunks of ${collector} that need it are lost`;
    this.options.tell?.(text, "dictionary_missing", { dictionary, feed });
  }

  private countFault(code: string): void {
    this.faults.set(code, (this.faults.get(code) ?? 0) + 1);
  }
}
