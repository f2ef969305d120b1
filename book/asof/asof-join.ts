/**
 * The streaming as-of join: each event with the quote in force, from streams that lag.
 *
 *   quote ─► QuoteStore (a ring for each key) ◄─ look-up ─ Matcher
 *   event ─► answered at once, or Waiting until the quote's stream has come as far ─► Answers ─► sink
 *   watermark, advance, epoch, gap ─► StreamClock, GapMarks of each stream
 *
 * A key is an instrument whose quotes are asked for; all its quotes come from one stream. Items are
 * ordered by (exchange time, stream, sequence); within a stream that is the order of delivery, and a
 * quote is before an event of its stream only if its message is. So an event joined with a quote of
 * its own stream never waits, and one joined across streams waits for that one stream. The answer
 * depends on what each stream delivered, not on how the streams interleave, unless a row says `Late`,
 * `Early` or `Evicted`.
 *
 * Nothing is dropped: every event gives one row. Memory is bounded by the options. Worst case: a
 * stream that stands still while others run holds every event that waits for it, and all quotes
 * since, until a bound or the time-out is met.
 */
import { Answers, type JoinedSink } from "./answers.ts";
import { Asking } from "./asking.ts";
import { GapMarks } from "./gap-marks.ts";
import { type AsOfEvent, AsOfFlag, type AsOfQuote } from "./joined-batch.ts";
import { copyEvent, fillEvent } from "./joined-fill.ts";
import { Matcher } from "./matcher.ts";
import { AsOfError, type AsOfOptions, asOfOptions } from "./options.ts";
import { type LowWater, QuoteStore } from "./quote-store.ts";
import { isBefore, StreamClock } from "./stream-clock.ts";
import { Waiting } from "./waiting.ts";

export interface AsOfStats {
  readonly quotes: number;
  readonly events: number;
  readonly matched: number;
  readonly late: number;
  readonly inGap: number;
  /** Rows whose quote may have been thrown out. */
  readonly evicted: number;
  readonly early: number;
  /** Quotes that came behind their stream's watermark: rows may have gone out without them. */
  readonly lateQuotes: number;
  /** Items whose exchange time was before that of an earlier item of their stream. */
  readonly stepsBack: number;
  /** Quotes thrown out by a bound. */
  readonly quotesEvicted: number;
  readonly waiting: number;
  readonly waitingMost: number;
}

const NOWHERE = -1;

export class AsOfJoin {
  readonly options: AsOfOptions;
  private readonly clocks: StreamClock[] = [];
  /** Of a stream that never had a gap: undefined. */
  private readonly gaps: (GapMarks | undefined)[] = [];
  private readonly heapOf: number[] = [];
  /** Stream of a key's quotes; -1 while it is not known. */
  private readonly streamOf: number[] = [];
  private readonly low: LowWater = { sec: -1, nsec: 0, refresh: () => this.findLow() };
  private readonly store: QuoteStore;
  private readonly matcher: Matcher;
  private readonly answers: Answers;
  private readonly waiting: Waiting;
  /** Events whose key has not shown in any stream yet wait for all of them. */
  private readonly unplaced: number;
  private readonly asking = new Asking(new StreamClock(0));
  private readonly counts = { quotes: 0, events: 0, lateQuotes: 0 };

  /**
   * @param sink is given rows whenever `batchRows` of them are there, and by `drain`
   * @throws AsOfError an option is out of its range
   */
  constructor(sink: JoinedSink, options: Partial<AsOfOptions> = {}) {
    this.options = asOfOptions(options);
    const { quotesLimit, quotesPerKeyLimit, waitingLimit, batchRows } = this.options;
    this.store = new QuoteStore(quotesLimit, quotesPerKeyLimit, this.low);
    this.matcher = new Matcher(this.store, this.options);
    this.answers = new Answers(sink, this.store, this.matcher, batchRows);
    this.waiting = new Waiting(waitingLimit + 1);
    this.unplaced = this.waiting.addHeap();
  }

  /**
   * @param order place of the stream among streams at equal times; its own
   * @returns the number by which items name the stream
   */
  addStream(order: number): number {
    if (this.clocks.some((clock) => clock.order === order)) {
      throw new AsOfError("order_taken", `two streams have the order ${order}: give each its own`);
    }
    this.clocks.push(new StreamClock(order));
    this.gaps.push(undefined);
    this.heapOf.push(this.waiting.addHeap());
    return this.clocks.length - 1;
  }

  /**
   * An instrument that quotes and events can name.
   * @param stream that its quotes come from; where it is not known yet, `place` or the first quote
   *   tells
   */
  addKey(stream = NOWHERE): number {
    this.streamOf.push(stream);
    return this.store.addKey();
  }

  /** The key's quotes come from this stream. @returns false if they come from another */
  place(key: number, stream: number): boolean {
    if (this.streamOf[key] === NOWHERE) this.streamOf[key] = stream;
    return this.streamOf[key] === stream;
  }

  /** Stream that the key's quotes come from; -1 while it is not known. */
  quotedBy(key: number): number {
    return this.streamOf[key];
  }

  /**
   * A quote begins to be in force. `quote` is read before this returns.
   * @throws AsOfError the key's quotes came from another stream so far
   */
  quote(quote: AsOfQuote): void {
    const { stream, key } = quote;
    if (!this.place(key, stream)) {
      const message = `key ${key} is of stream ${this.streamOf[key]}, not of ${stream}`;
      throw new AsOfError("key_of_two_streams", `${message}: give each stream its own keys`);
    }
    const clock = this.clocks[stream];
    clock.enter(quote.sec, quote.nsec, quote.sequence);
    this.gaps[stream]?.close(clock.sec, clock.nsec, clock.ordinal);
    this.counts.quotes++;
    if (clock.isLate) this.counts.lateQuotes++;
    this.store.push(key, clock.sec, clock.nsec, clock.ordinal, quote);
    if (this.matcher.looksForth) this.answerKey(key, clock);
    this.release(stream);
  }

  /** An event asks for its quote. `event` is read before this returns. */
  event(event: AsOfEvent): void {
    const { stream } = event;
    const clock = this.clocks[stream];
    clock.enter(event.sec, event.nsec, event.sequence);
    this.gaps[stream]?.close(clock.sec, clock.nsec, clock.ordinal);
    this.counts.events++;
    const { asking } = this;
    asking.key = event.key;
    asking.own = clock;
    asking.sec = clock.sec;
    asking.nsec = clock.nsec;
    asking.ordinal = clock.ordinal;
    asking.verdict = clock.isLate ? AsOfFlag.Late : 0;
    if (this.isAnswerable(asking)) {
      const row = this.answers.open();
      fillEvent(this.answers.out, row, event);
      this.answer(row, false);
    } else this.wait(event);
    this.release(stream);
  }

  /** Messages of the stream are lost for good, between its last item and its next. */
  gap(stream: number): void {
    const { sec, nsec, ordinal } = this.clocks[stream];
    let gaps = this.gaps[stream];
    if (gaps === undefined) {
      gaps = new GapMarks();
      this.gaps[stream] = gaps;
    }
    gaps.open(sec, nsec, ordinal);
  }

  /** A new epoch: sequence numbers begin again. The old quotes are in force until new ones come. */
  epoch(stream: number): void {
    this.clocks[stream].restart();
  }

  /** A heartbeat: nothing of the stream will have an exchange time before this one. */
  watermark(stream: number, sec: number, nsec: number): void {
    this.clocks[stream].touch();
    this.clocks[stream].promise(sec, nsec);
    this.release(stream);
  }

  /** A sign of life that gives no time: the stream is not idle. */
  alive(stream: number): void {
    this.clocks[stream].touch();
  }

  /** The clock goes on: a stream that was silent for `idleNs` counts as far as the furthest is. */
  advance(nowNs: number): void {
    let sec = -1;
    let nsec = 0;
    for (const { solidSec, solidNsec } of this.clocks) {
      if (!isBefore(sec, nsec, solidSec, solidNsec)) continue;
      sec = solidSec;
      nsec = solidNsec;
    }
    for (let stream = 0; stream < this.clocks.length; stream++) {
      if (!this.clocks[stream].isIdle(nowNs, this.options.idleNs)) continue;
      // One nanosecond on: what the others have of that very time need not wait for more of it.
      this.clocks[stream].lift(sec, nsec + 1);
      this.release(stream);
    }
    this.releaseUnplaced();
  }

  /** Hands over the rows that are ready. */
  drain(): void {
    this.releaseUnplaced();
    this.answers.flush();
  }

  /** The input is over: every event that waits is answered with what is there. */
  finish(): void {
    for (let heap = 0; heap <= this.clocks.length; heap++) {
      while (this.waiting.size(heap) > 0) this.answerWaiting(this.waiting.top(heap), true);
    }
    this.answers.flush();
  }

  get stats(): AsOfStats {
    return {
      ...this.counts,
      ...this.answers.counts,
      stepsBack: this.clocks.reduce((sum, clock) => sum + clock.steps, 0),
      quotesEvicted: this.store.evicted,
      waiting: this.waiting.count,
      waitingMost: this.waiting.countMost,
    };
  }

  private isAnswerable(asking: Asking): boolean {
    const stream = this.streamOf[asking.key];
    if (stream < 0) return false;
    const quoted = this.clocks[stream];
    if (this.isCertain(asking, quoted)) return true;
    return this.matcher.isPassed(asking, quoted, quoted.markSec, quoted.markNsec);
  }

  /** Whatever the marks say: the answer is among the quotes that are there. */
  private isCertain(asking: Asking, quoted: StreamClock): boolean {
    const { matcher } = this;
    return matcher.looksForth ? matcher.hasQuoteAfter(asking, quoted) : quoted === asking.own;
  }

  private wait(event: AsOfEvent): void {
    const { waiting, asking } = this;
    const stream = this.streamOf[event.key];
    const heap = stream < 0 ? this.unplaced : this.heapOf[stream];
    const slot = waiting.add(heap, event.key, asking.sec, asking.nsec, asking.ordinal);
    fillEvent(waiting.events, slot, event);
    waiting.events.verdict[slot] = asking.verdict;
    if (waiting.count === waiting.limit) this.answerWaiting(waiting.top(heap), false);
  }

  /** A quote came: whoever waited for one of its key looks whether it is this. */
  private answerKey(key: number, quoted: StreamClock): void {
    const { waiting } = this;
    let slot = waiting.firstOf(key);
    while (slot >= 0) {
      const next = waiting.nextOf(slot);
      this.ask(slot);
      if (this.matcher.hasQuoteAfter(this.asking, quoted)) this.answerWaiting(slot, false);
      slot = next;
    }
  }

  /** Answers what waited for the stream and need not any more. */
  private release(stream: number): void {
    const { waiting } = this;
    const heap = this.heapOf[stream];
    const quoted = this.clocks[stream];
    while (waiting.size(heap) > 0) {
      const slot = waiting.top(heap);
      this.ask(slot);
      const { markSec, markNsec } = quoted;
      if (!this.matcher.isPassed(this.asking, quoted, markSec, markNsec)) break;
      this.answerWaiting(slot, false);
    }
  }

  private releaseUnplaced(): void {
    const { waiting, unplaced, matcher } = this;
    if (waiting.size(unplaced) === 0) return;
    const { markSec, markNsec } = this.lowestMark();
    while (waiting.size(unplaced) > 0) {
      const slot = waiting.top(unplaced);
      this.ask(slot);
      if (!matcher.isPassedByAll(this.asking, markSec, markNsec)) break;
      this.answerWaiting(slot, false);
    }
  }

  /** Fills `asking` from an event that waits. */
  private ask(slot: number): void {
    const { waiting, asking } = this;
    asking.key = waiting.events.key[slot];
    asking.own = this.clocks[waiting.events.stream[slot]];
    asking.sec = waiting.sec[slot];
    asking.nsec = waiting.nsec[slot];
    asking.ordinal = waiting.ordinal[slot];
    asking.verdict = waiting.events.verdict[slot];
  }

  private answerWaiting(slot: number, isOver: boolean): void {
    const row = this.answers.open();
    copyEvent(this.waiting.events, slot, this.answers.out, row);
    this.ask(slot);
    this.waiting.remove(slot);
    this.answer(row, isOver);
  }

  private answer(row: number, isOver: boolean): void {
    const { asking, answers, matcher } = this;
    const stream = this.streamOf[asking.key];
    if (stream < 0) {
      const isSolid = this.clocks.every(({ solidSec, solidNsec }) =>
        matcher.isPassedByAll(asking, solidSec, solidNsec),
      );
      answers.answerNone(row, asking, this.clocks, this.gaps, !isOver && !isSolid);
      return;
    }
    const quoted = this.clocks[stream];
    const isSure =
      isOver ||
      this.isCertain(asking, quoted) ||
      matcher.isPassed(asking, quoted, quoted.solidSec, quoted.solidNsec);
    answers.answer(row, asking, quoted, this.gaps[stream], !isSure);
  }

  private lowestMark(): StreamClock {
    let lowest = this.clocks[0];
    for (const clock of this.clocks) {
      if (isBefore(clock.markSec, clock.markNsec, lowest.markSec, lowest.markNsec)) lowest = clock;
    }
    return lowest;
  }

  /** What may still be asked for: by what is to come on time, and by what waits. */
  private findLow(): void {
    const { waiting, low } = this;
    const { markSec, markNsec } = this.lowestMark();
    low.sec = markSec;
    low.nsec = markNsec;
    for (let heap = 0; heap <= this.clocks.length; heap++) {
      if (waiting.size(heap) === 0) continue;
      const slot = waiting.top(heap);
      if (!isBefore(waiting.sec[slot], waiting.nsec[slot], low.sec, low.nsec)) continue;
      low.sec = waiting.sec[slot];
      low.nsec = waiting.nsec[slot];
    }
  }
}
