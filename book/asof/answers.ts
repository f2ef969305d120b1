/**
 * The rows of a join: looks an event's quote up, says what is to be doubted about it, hands full
 * batches to the sink.
 */
import type { Asking } from "./asking.ts";
import type { GapMarks } from "./gap-marks.ts";
import { AsOfFlag, JoinedBatch } from "./joined-batch.ts";
import { fillQuote } from "./joined-fill.ts";
import type { Matcher } from "./matcher.ts";
import { Field, type QuoteStore } from "./quote-store.ts";
import type { StreamClock } from "./stream-clock.ts";

/** Where rows go; the batch is only valid during the call. */
export interface JoinedSink {
  write(batch: JoinedBatch): void;
}

const FIRST = Number.NEGATIVE_INFINITY;
const LAST = Number.POSITIVE_INFINITY;

export class Answers {
  readonly out: JoinedBatch;
  readonly counts = { matched: 0, late: 0, inGap: 0, evicted: 0, early: 0 };
  private readonly sink: JoinedSink;
  private readonly store: QuoteStore;
  private readonly matcher: Matcher;

  constructor(sink: JoinedSink, store: QuoteStore, matcher: Matcher, batchRows: number) {
    this.sink = sink;
    this.store = store;
    this.matcher = matcher;
    this.out = new JoinedBatch(batchRows);
  }

  /** A row for an event, whose columns the caller fills before it asks for anything else. */
  open(): number {
    if (this.out.count === this.out.capacity) this.flush();
    return this.out.count++;
  }

  flush(): void {
    if (this.out.count > 0) this.sink.write(this.out);
    this.out.count = 0;
  }

  /**
   * Fills what the row says of the quote.
   * @param gaps of the quote's stream; undefined: it has none
   * @param isEarly nothing says yet that no other quote will have been the right one
   */
  answer(
    row: number,
    asking: Asking,
    quoted: StreamClock,
    gaps: GapMarks | undefined,
    isEarly: boolean,
  ): void {
    const { matcher } = this;
    let { verdict } = asking;
    matcher.look(asking, quoted);
    if (matcher.isGone) verdict |= AsOfFlag.Evicted;
    if (matcher.found >= 0) {
      verdict |= AsOfFlag.Matched;
      fillQuote(this.out, row, this.store.records, matcher.found);
    }
    if (gaps !== undefined && this.isInGap(asking, quoted, gaps)) verdict |= AsOfFlag.InGap;
    if (isEarly) verdict |= AsOfFlag.Early;
    this.judge(row, verdict);
  }

  /** The same where no quote of the key ever came: its stream is not known, so any gap counts. */
  answerNone(
    row: number,
    asking: Asking,
    clocks: readonly StreamClock[],
    gaps: readonly (GapMarks | undefined)[],
    isEarly: boolean,
  ): void {
    let { verdict } = asking;
    this.matcher.lookNowhere();
    for (let stream = 0; stream < clocks.length; stream++) {
      const marks = gaps[stream];
      if (marks === undefined || !this.isInGap(asking, clocks[stream], marks)) continue;
      verdict |= AsOfFlag.InGap;
    }
    if (isEarly) verdict |= AsOfFlag.Early;
    this.judge(row, verdict);
  }

  private judge(row: number, verdict: number): void {
    const { counts } = this;
    this.out.verdict[row] = verdict;
    if (verdict & AsOfFlag.Matched) counts.matched++;
    if (verdict & AsOfFlag.Late) counts.late++;
    if (verdict & AsOfFlag.InGap) counts.inGap++;
    if (verdict & AsOfFlag.Evicted) counts.evicted++;
    if (verdict & AsOfFlag.Early) counts.early++;
  }

  /** Between the quote and the event; where none was found, as far from it as the tolerance goes. */
  private isInGap(asking: Asking, quoted: StreamClock, gaps: GapMarks): boolean {
    const { matcher } = this;
    const { records } = this.store;
    const { sec, nsec } = asking;
    const at = matcher.found;
    if (matcher.isForth || (at < 0 && !matcher.looksBack)) {
      const place = matcher.forthPlace(asking, quoted);
      if (at < 0) {
        const endSec = sec + matcher.toleranceSec;
        return gaps.isBetween(sec, nsec, place, endSec, nsec + matcher.toleranceNsec, LAST);
      }
      const ordinal = records[at + Field.Ordinal];
      return gaps.isBetween(sec, nsec, place, records[at], records[at + Field.Nsec], ordinal);
    }
    const place = matcher.backPlace(asking, quoted);
    if (at < 0) {
      const fromSec = sec - matcher.toleranceSec;
      return gaps.isBetween(fromSec, nsec - matcher.toleranceNsec, FIRST, sec, nsec, place);
    }
    const ordinal = records[at + Field.Ordinal];
    return gaps.isBetween(records[at], records[at + Field.Nsec], ordinal, sec, nsec, place);
  }
}
