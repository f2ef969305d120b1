/**
 * Which quote belongs to an event: pure look-up in the store, by the order (time, stream, ordinal).
 *
 * All quotes of a key are of one stream, so an event is given a place among the items of that
 * stream: its own ordinal if it is of it; otherwise, at equal times, behind all or before all of
 * them, as the order of the two streams has it. Three numbers are compared from then on.
 */
import type { Asking } from "./asking.ts";
import type { AsOfOptions } from "./options.ts";
import { Field, type QuoteStore } from "./quote-store.ts";
import { isBefore, type StreamClock } from "./stream-clock.ts";

const FIRST = Number.NEGATIVE_INFINITY;
const LAST = Number.POSITIVE_INFINITY;
const NONE = -1;

export class Matcher {
  /** Of the last look-up: where the quote's record begins, or -1. */
  found = NONE;
  /** Of the last look-up: the quote is after the event. */
  isForth = false;
  /** Of the last look-up: the answer may have been among quotes that are gone. */
  isGone = false;
  readonly looksBack: boolean;
  readonly looksForth: boolean;
  /** Infinity: none. */
  readonly toleranceSec: number;
  readonly toleranceNsec: number;
  private readonly store: QuoteStore;
  private readonly isExact: boolean;

  constructor(store: QuoteStore, options: AsOfOptions) {
    this.store = store;
    this.looksBack = options.strategy !== "forward";
    this.looksForth = options.strategy !== "backward";
    this.isExact = options.allowExactMatches;
    const { toleranceNs } = options;
    this.toleranceSec = Math.floor(toleranceNs / 1e9);
    this.toleranceNsec = toleranceNs === LAST ? 0 : toleranceNs - this.toleranceSec * 1e9;
  }

  /** The event's ordinal among the quote stream's items, for a look back. */
  backPlace(asking: Asking, quoted: StreamClock): number {
    if (!this.isExact) return FIRST;
    if (quoted === asking.own) return asking.ordinal;
    return quoted.order < asking.own.order ? LAST : FIRST;
  }

  /** The same for a look forward. */
  forthPlace(asking: Asking, quoted: StreamClock): number {
    return this.isExact ? this.backPlace(asking, quoted) : LAST;
  }

  /** Looks among the quotes that are there; the answer is in `found`, `isForth` and `isGone`. */
  look(asking: Asking, quoted: StreamClock): void {
    this.isGone = false;
    const back = this.looksBack ? this.lookBack(asking, quoted) : NONE;
    const forth = this.looksForth ? this.lookForth(asking, quoted) : NONE;
    this.isForth = forth >= 0 && (back < 0 || !this.isNearer(back, forth, asking));
    this.found = this.isForth ? forth : back;
  }

  /** No key has quotes that could be looked at. */
  lookNowhere(): void {
    this.found = NONE;
    this.isForth = false;
    this.isGone = false;
  }

  /** The key has a quote after the event already. */
  hasQuoteAfter(asking: Asking, quoted: StreamClock): boolean {
    const { store } = this;
    const { key, sec, nsec } = asking;
    const count = store.count(key);
    if (count === 0) return false;
    return store.compare(store.at(key, count - 1), sec, nsec, this.forthPlace(asking, quoted)) > 0;
  }

  /** With its stream at a mark, no quote that would change the answer is still to come. */
  isPassed(asking: Asking, quoted: StreamClock, markSec: number, markNsec: number): boolean {
    const { sec, nsec } = asking;
    if (this.looksForth) return this.exceeds(markSec - sec, markNsec - nsec);
    if (markSec !== sec || markNsec !== nsec) return isBefore(sec, nsec, markSec, markNsec);
    // At the same time: only if quotes of that time would not be before the event anyway.
    return this.backPlace(asking, quoted) === FIRST;
  }

  /** The same whatever stream the quotes will be of. */
  isPassedByAll({ sec, nsec }: Asking, markSec: number, markNsec: number): boolean {
    if (this.looksForth) return this.exceeds(markSec - sec, markNsec - nsec);
    return isBefore(sec, nsec, markSec, markNsec);
  }

  private lookBack(asking: Asking, quoted: StreamClock): number {
    const { store } = this;
    const { key, sec, nsec } = asking;
    const count = store.countBefore(key, sec, nsec, this.backPlace(asking, quoted));
    if (count === 0) {
      this.isGone = store.hasGone(key);
      return NONE;
    }
    const at = store.at(key, count - 1);
    const { records } = store;
    return this.exceeds(sec - records[at], nsec - records[at + Field.Nsec]) ? NONE : at;
  }

  private lookForth(asking: Asking, quoted: StreamClock): number {
    const { store } = this;
    const { key, sec, nsec } = asking;
    const place = this.forthPlace(asking, quoted);
    const count = store.countUpTo(key, sec, nsec, place);
    if (count === 0 && store.hasGoneAfter(key, sec, nsec, place)) this.isGone = true;
    if (count === store.count(key)) return NONE;
    const at = store.at(key, count);
    const { records } = store;
    return this.exceeds(records[at] - sec, records[at + Field.Nsec] - nsec) ? NONE : at;
  }

  /** A difference, whose nanoseconds may be negative, is more than the tolerance. */
  private exceeds(seconds: number, nanos: number): boolean {
    const whole = nanos < 0 ? seconds - 1 : seconds;
    if (whole !== this.toleranceSec) return whole > this.toleranceSec;
    return (nanos < 0 ? nanos + 1e9 : nanos) > this.toleranceNsec;
  }

  /** The quote before is at most as far away as the one after. */
  private isNearer(back: number, forth: number, { sec, nsec }: Asking): boolean {
    const { records } = this.store;
    // Twice the event's time against the sum of both, second by second: exact in doubles.
    const seconds = 2 * sec - records[back] - records[forth];
    const nanos = 2 * nsec - records[back + Field.Nsec] - records[forth + Field.Nsec];
    return seconds * 1e9 + nanos <= 0;
  }
}
