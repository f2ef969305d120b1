/**
 * One check: a random exchange, its lines impaired, through the pipeline that production runs, and
 * every book held against the auditor's.
 *
 *   Exchange ─► Lines ─► FrameFaults ─► BookPipeline (sequencer, decoder, books)
 *      │                     └─► Arrivals: what must be lost
 *      └─► log ─► Auditor: what every book must be
 *
 * What it holds: numbers are lost exactly where `Arrivals` says so; a stream is flagged if and only
 * if something of its epoch is lost; and the books of a stream that is not flagged equal the
 * auditor's at the number they stand at, at several moments on the way and at the end.
 */

import { type Books, Levels } from "../book/books.ts";
import { BookPipeline, type PipelineStream } from "../book/pipeline.ts";
import { type FrameFaultOptions, FrameFaults } from "../faults/frames.ts";
import type { FaultLog } from "../faults/record.ts";
import type { Feed } from "../feed/feed.ts";
import { RowFlag } from "../feed/message-batch.ts";
import { Side } from "../feed/op-batch.ts";
import { feedById } from "../feed/registry.ts";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { Arrivals } from "./arrivals.ts";
import { Auditor } from "./auditor.ts";
import type { LevelImage } from "./book-image.ts";
import { Exchange } from "./exchange/exchange.ts";
import { Lines } from "./exchange/lines.ts";
import type { ExchangeOptions } from "./exchange/options.ts";
import type { StreamEngine } from "./exchange/stream-engine.ts";

export interface CheckCase {
  readonly exchange: Partial<ExchangeOptions>;
  readonly faults: Partial<FrameFaultOptions>;
  /** Of the faults; the exchange has its own. */
  readonly seed: number;
  /** How long the exchange runs, nanoseconds. */
  readonly untilNs: number;
  /** Line B's delay. */
  readonly delayNs: number;
  readonly windowNs: number;
}

export interface CheckResult {
  /** What did not hold, in words; empty if everything did. */
  readonly problems: readonly string[];
  readonly log: FaultLog;
  readonly messages: number;
  readonly lost: number;
  /** Streams that ended with a lost gap. */
  readonly flaggedStreams: number;
  /** Something came so near its deadline that either verdict is right: losses were not judged. */
  readonly isDoubtful: boolean;
  /** Books held against the auditor's. */
  readonly booksCompared: number;
}

const MOMENTS = 5;
const MOST_PROBLEMS = 10;
/** From the exchange's seconds to seconds since 1970 UTC. */
const TO_UNIX_SEC = 315_513_000;

export function runCheck(check: CheckCase): CheckResult {
  return new Check(check).run();
}

class Check {
  private readonly check: CheckCase;
  private readonly exchange: Exchange;
  private readonly lines: Lines;
  private readonly faults: FrameFaults;
  private readonly pipeline: BookPipeline;
  private readonly arrivals: Arrivals;
  private readonly judges: StreamJudge[];
  private readonly channelOf = new Map<number, number>();
  private readonly frames = new FrameBatch(512);
  private readonly bytes = new Uint8Array(512 * 64);
  private used = 0;
  private readonly problems: string[] = [];
  private booksCompared = 0;
  private isDoubtful = false;

  constructor(check: CheckCase) {
    this.check = check;
    const exchange = new Exchange({ keepMessages: 10_000_000, ...check.exchange });
    this.exchange = exchange;
    const { segment, startSec, restartAtNs } = exchange.options;
    this.lines = new Lines(exchange, [0, check.delayNs]);
    this.arrivals = new Arrivals(startSec, restartAtNs);
    const feed = feedById(segment) as Feed;
    const channels = new Channels();
    for (const { id } of exchange.streams) {
      for (const line of [0, 1]) {
        const group = `239.255.${line}.${id}`;
        const channel = channels.add({ group, port: 10_000 + id, feed: feed.id, stream: id, line });
        this.channelOf.set(id * 2 + line, channel);
      }
    }
    const sequencer = { windowNs: check.windowNs };
    this.pipeline = new BookPipeline(feed, channels, { effects: false, sequencer });
    const lineOf = (channel: number) => channels.list[channel]!.line;
    this.faults = new FrameFaults({ ...check.faults, lineOf }, check.seed, this);
    this.judges = exchange.streams.map((stream) => new StreamJudge(stream, segment === "nse-cm"));
    this.frames.reset(this.bytes);
  }

  run(): CheckResult {
    const { check, pipeline } = this;
    for (let moment = 1; moment <= MOMENTS; moment++) {
      this.lines.step((check.untilNs * moment) / MOMENTS, this);
      this.flush();
      this.compareBooks();
    }
    this.lines.step(check.untilNs + check.delayNs, this);
    this.faults.finish();
    this.flush();
    pipeline.finish();
    this.compareBooks();
    const flaggedStreams = this.compareLosses();
    const stats = pipeline.sequencer.stats();
    return {
      problems: this.problems,
      log: this.faults.log,
      messages: stats.messages,
      lost: stats.lost,
      flaggedStreams,
      isDoubtful: this.isDoubtful,
      booksCompared: this.booksCompared,
    };
  }

  /** From the lines to the faults. */
  datagram(
    line: number,
    stream: number,
    sendNs: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const channel = this.channelOf.get(stream * 2 + line)!;
    this.faults.push(channel, sendNs, bytes, offset, length);
  }

  /** From the faults: what is captured. */
  frame(channel: number, timeNs: number, bytes: Uint8Array, offset: number, length: number): void {
    if (this.frames.count === this.frames.capacity || this.used + length > this.bytes.length) {
      this.flush();
    }
    const at = this.used;
    this.bytes.set(bytes.subarray(offset, offset + length), at);
    this.used += length;
    this.arrivals.add(timeNs, this.bytes.subarray(at, at + length));
    const sec = Math.floor(timeNs / 1e9);
    const nsec = timeNs - sec * 1e9;
    this.frames.add(at, length, this.exchange.options.startSec + TO_UNIX_SEC + sec, nsec, channel);
  }

  private flush(): void {
    if (this.frames.count > 0) this.pipeline.push(this.frames);
    this.frames.reset(this.bytes);
    this.used = 0;
  }

  /** Streams that nothing is said against have the auditor's books, where they stand now. */
  private compareBooks(): void {
    for (const judge of this.judges) {
      const target = this.pipeline.streams.find((stream) => stream?.id === judge.stream.id);
      if (target?.books == null) continue;
      const state = this.pipeline.sequencer.streams[target.index]!;
      const start = judge.firstOf(state.epoch);
      const isWhole = (state.flags & RowFlag.Gap) === 0 && state.first === start;
      if (isWhole && !judge.advanceTo(state.epoch, target.lastSequence)) {
        this.problem(`stream ${target.id}: no message ${target.lastSequence} was ever sent`);
      } else if (isWhole) this.compareStream(judge, target, target.books);
    }
  }

  private compareStream(judge: StreamJudge, target: PipelineStream, books: Books): void {
    const { auditor } = judge;
    const where = `stream ${target.id} at ${target.lastSequence}`;
    if (books.liveOrders !== auditor.liveOrders) {
      const counts = `${books.liveOrders} live orders, ${auditor.liveOrders} expected`;
      this.problem(`${where}: ${counts}`);
    }
    for (const { name } of judge.stream.instruments) {
      const expected = auditor.book(name);
      const index = target.decoder.instruments.indexOf(name);
      const bids = index === undefined ? [] : levelsOf(books, index, Side.Buy);
      const asks = index === undefined ? [] : levelsOf(books, index, Side.Sell);
      this.booksCompared++;
      const found = JSON.stringify([bids, asks]);
      if (found !== JSON.stringify([expected.bids, expected.asks])) {
        this.problem(
          `${where}: book ${name} is ${found}, expected ${JSON.stringify(expected)}`.slice(0, 600),
        );
      }
    }
  }

  private compareLosses(): number {
    let flagged = 0;
    let lost = 0;
    for (const state of this.pipeline.sequencer.streams) {
      for (let epoch = 0; epoch <= state.epoch; epoch++) {
        const verdict = this.arrivals.verdict(state.id, epoch, this.check.windowNs);
        this.isDoubtful ||= verdict.isDoubtful;
        lost += verdict.lost.size;
        if (epoch < state.epoch || verdict.isDoubtful) continue;
        if (state.begun && state.first !== verdict.first) {
          this.problem(`stream ${state.id} begins at ${state.first}, expected ${verdict.first}`);
        }
        const isLate = (state.flags & RowFlag.JoinedLate) !== 0;
        if (state.begun && isLate !== (verdict.first !== 1)) {
          this.problem(`stream ${state.id} begins at ${state.first}, and J is ${isLate}`);
        }
        const isFlagged = (state.flags & RowFlag.Gap) !== 0;
        if (isFlagged) flagged++;
        if (isFlagged !== verdict.lost.size > 0) {
          const numbers = [...verdict.lost].slice(0, 5).join(" ");
          const said = isFlagged ? "flagged" : "not flagged";
          this.problem(`stream ${state.id} is ${said}, lost are ${verdict.lost.size}: ${numbers}`);
        }
      }
    }
    const counted = this.pipeline.sequencer.stats().lost;
    if (!this.isDoubtful && counted !== lost)
      this.problem(`${counted} numbers lost, expected ${lost}`);
    return flagged;
  }

  private problem(text: string): void {
    if (this.problems.length < MOST_PROBLEMS) this.problems.push(text);
  }
}

/** The auditor of one stream, walking along its log. */
class StreamJudge {
  readonly stream: StreamEngine;
  readonly auditor: Auditor;
  private position = 0;
  private epoch = 0;

  constructor(stream: StreamEngine, hasClosingAuction: boolean) {
    this.stream = stream;
    this.auditor = new Auditor(hasClosingAuction);
  }

  /** Number of an epoch's first message. */
  firstOf(epoch: number): number {
    if (epoch > 0) return 1;
    const { log } = this.stream;
    for (let at = 0; at < log.end; at++) {
      if (log.at(at).numbered[log.slot(at)] === 1) return log.at(at).sequence[log.slot(at)]!;
    }
    return Number.NaN;
  }

  /** Applies everything up to a message; false if it is not there. Never goes back. */
  advanceTo(epoch: number, sequence: number): boolean {
    const { log } = this.stream;
    for (; this.position < log.end; this.position++) {
      const slot = log.slot(this.position);
      const block = log.at(this.position);
      if (block.numbered[slot] === 0) continue;
      const number = block.sequence[slot]!;
      if (number < this.auditor.lastSequence) {
        if (this.epoch === epoch) break;
        this.epoch++;
        this.auditor.clear();
      }
      if (this.epoch === epoch && number > sequence) break;
      this.auditor.apply(log.datagram(this.position));
    }
    return this.epoch === epoch && this.auditor.lastSequence === sequence;
  }
}

function levelsOf(books: Books, instrument: number, side: number): LevelImage[] {
  const levels = new Levels(65_536);
  books.topLevels(instrument, side, levels);
  return Array.from({ length: levels.count }, (_, at) => {
    const price = levels.price[at]!;
    const orders = books.queue(instrument, side, price).map(({ orderId, size }) => ({
      id: Number(orderId),
      quantity: size,
    }));
    const sum = orders.reduce((total, { quantity }) => total + quantity, 0);
    // A level that disagrees with its own queue shows as one with no orders.
    const isSound = sum === levels.size[at] && orders.length === levels.orders[at];
    return { price, orders: isSound ? orders : [] };
  });
}
