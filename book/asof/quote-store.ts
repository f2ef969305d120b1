/**
 * The recent quotes of each instrument, as rings in one array of records.
 *
 * A ring begins with two records and doubles while its quotes are still wanted: a quote may go when
 * the one after it stands before the low-water mark, since nobody on time asks for it any more. Where
 * the ring's or the array's bound is reached the oldest goes all the same, and the ring remembers
 * how far it has forgotten. The last quarter of the array is kept for first rings, so that a burst
 * of a few instruments does not shut out the others.
 *
 * Memory: 96 bytes a record, 64 an instrument. A push costs a record; a look-up is a binary search.
 */
import type { AsOfQuote } from "./joined-batch.ts";

/** Doubles of a record, and what each is. */
export const RECORD = 12;
export const Field = {
  Sec: 0,
  Nsec: 1,
  Ordinal: 2,
  Sequence: 3,
  BidPrice: 4,
  BidSize: 5,
  BidOrders: 6,
  AskPrice: 7,
  AskSize: 8,
  AskOrders: 9,
  Flags: 10,
} as const;

const FIRST_BITS = 1;

/** What is known of a key: eight doubles side by side, one line of a cache. */
const STATE = 8;
/** First record of its ring; -1: it has none. */
const START = 0;
const BITS = 1;
const HEAD = 2;
const COUNT = 3;
/** Of the newest quote that is gone; a second of -1: none is. */
const GONE_SEC = 4;
const GONE_NSEC = 5;
const GONE_ORDINAL = 6;

/** The time before which nobody on time asks. */
export interface LowWater {
  sec: number;
  nsec: number;
  /** Works the mark out anew; called where the last one frees nothing. */
  refresh(): void;
}

export class QuoteStore {
  readonly records: Float64Array;
  /** Quotes thrown out although they may still be asked for, or never taken for want of room. */
  evicted = 0;
  private readonly low: LowWater;
  private readonly limit: number;
  private readonly bitsLimit: number;
  private used = 0;
  /** By the size of ring: first records of rings that were outgrown, chained by their first double. */
  private readonly free: number[];
  private keys = 0;
  private state = new Float64Array(64 * STATE);

  /**
   * @param limit records in all
   * @param keyLimit records of one key, rounded down to a power of two
   */
  constructor(limit: number, keyLimit: number, low: LowWater) {
    this.records = new Float64Array(limit * RECORD);
    this.limit = limit;
    this.bitsLimit = Math.max(FIRST_BITS, Math.floor(Math.log2(keyLimit)));
    this.free = new Array<number>(this.bitsLimit + 1).fill(-1);
    this.low = low;
  }

  addKey(): number {
    const at = this.keys * STATE;
    if (at === this.state.length) this.grow();
    this.state[at + START] = -1;
    this.state[at + GONE_SEC] = -1;
    return this.keys++;
  }

  count(key: number): number {
    return this.state[key * STATE + COUNT];
  }

  /** Where the key's quote number `index` (0 is the oldest) begins in `records`. */
  at(key: number, index: number): number {
    const { state } = this;
    const at = key * STATE;
    const mask = (1 << state[at + BITS]) - 1;
    return (state[at + START] + ((state[at + HEAD] + index) & mask)) * RECORD;
  }

  /** A quote of the key was thrown out. */
  hasGone(key: number): boolean {
    return this.state[key * STATE + GONE_SEC] >= 0;
  }

  /** A quote of the key that was thrown out stood after the place. */
  hasGoneAfter(key: number, sec: number, nsec: number, ordinal: number): boolean {
    const { state } = this;
    const at = key * STATE;
    const goneSec = state[at + GONE_SEC];
    if (goneSec !== sec) return goneSec > sec;
    const goneNsec = state[at + GONE_NSEC];
    if (goneNsec !== nsec) return goneNsec > nsec;
    return state[at + GONE_ORDINAL] > ordinal;
  }

  /** Quotes of the key that stand before a place. */
  countBefore(key: number, sec: number, nsec: number, ordinal: number): number {
    let below = 0;
    let above = this.count(key);
    // Most events ask for the newest quote.
    if (above > 0 && this.compare(this.at(key, above - 1), sec, nsec, ordinal) < 0) return above;
    while (below < above) {
      const middle = (below + above) >>> 1;
      if (this.compare(this.at(key, middle), sec, nsec, ordinal) < 0) below = middle + 1;
      else above = middle;
    }
    return below;
  }

  /** Quotes of the key that do not stand after a place. */
  countUpTo(key: number, sec: number, nsec: number, ordinal: number): number {
    let count = this.countBefore(key, sec, nsec, ordinal);
    const all = this.count(key);
    while (count < all && this.compare(this.at(key, count), sec, nsec, ordinal) === 0) count++;
    return count;
  }

  /** Below 0: the record at `at` stands before the place; above 0: after it. */
  compare(at: number, sec: number, nsec: number, ordinal: number): number {
    const { records } = this;
    if (records[at] !== sec) return records[at] < sec ? -1 : 1;
    if (records[at + Field.Nsec] !== nsec) return records[at + Field.Nsec] < nsec ? -1 : 1;
    const own = records[at + Field.Ordinal];
    return own < ordinal ? -1 : own > ordinal ? 1 : 0;
  }

  /** Appends a quote of a key; its place is not before that of the key's last. */
  push(key: number, sec: number, nsec: number, ordinal: number, quote: AsOfQuote): void {
    if (!this.makeRoom(key)) {
      this.evicted++;
      this.forget(key, sec, nsec, ordinal);
      return;
    }
    const at = this.at(key, this.state[key * STATE + COUNT]++);
    const { records } = this;
    records[at] = sec;
    records[at + Field.Nsec] = nsec;
    records[at + Field.Ordinal] = ordinal;
    records[at + Field.Sequence] = quote.sequence;
    records[at + Field.BidPrice] = quote.bidPrice;
    records[at + Field.BidSize] = quote.bidSize;
    records[at + Field.BidOrders] = quote.bidOrders;
    records[at + Field.AskPrice] = quote.askPrice;
    records[at + Field.AskSize] = quote.askSize;
    records[at + Field.AskOrders] = quote.askOrders;
    records[at + Field.Flags] = quote.flags;
  }

  private makeRoom(key: number): boolean {
    const { state } = this;
    const at = key * STATE;
    if (state[at + START] < 0) return this.openRing(at);
    if (state[at + COUNT] < 1 << state[at + BITS]) return true;
    if (this.evictUnwanted(key)) return true;
    this.low.refresh();
    if (this.evictUnwanted(key) || this.widen(at)) return true;
    this.evictOldest(key);
    this.evicted++;
    return true;
  }

  private evictUnwanted(key: number): boolean {
    const { records, low } = this;
    const before = this.count(key);
    while (this.count(key) > 1) {
      const second = this.at(key, 1);
      const sec = records[second];
      if (sec > low.sec || (sec === low.sec && records[second + Field.Nsec] >= low.nsec)) break;
      this.evictOldest(key);
    }
    return this.count(key) < before;
  }

  private evictOldest(key: number): void {
    const { state, records } = this;
    const oldest = this.at(key, 0);
    const { Nsec, Ordinal } = Field;
    this.forget(key, records[oldest], records[oldest + Nsec], records[oldest + Ordinal]);
    const at = key * STATE;
    state[at + HEAD] = (state[at + HEAD] + 1) & ((1 << state[at + BITS]) - 1);
    state[at + COUNT]--;
  }

  private forget(key: number, sec: number, nsec: number, ordinal: number): void {
    const { state } = this;
    const at = key * STATE;
    state[at + GONE_SEC] = sec;
    state[at + GONE_NSEC] = nsec;
    state[at + GONE_ORDINAL] = ordinal;
  }

  /** @param at of the key's state, as in `widen` */
  private openRing(at: number): boolean {
    const start = this.take(FIRST_BITS, this.limit);
    if (start < 0) return false;
    this.state[at + START] = start;
    this.state[at + BITS] = FIRST_BITS;
    return true;
  }

  /** Moves a full ring into one of twice the size. */
  private widen(at: number): boolean {
    const { records, state } = this;
    const bits = state[at + BITS];
    if (bits === this.bitsLimit) return false;
    const start = this.take(bits + 1, this.limit - (this.limit >>> 2));
    if (start < 0) return false;
    const size = 1 << bits;
    const old = state[at + START];
    const head = state[at + HEAD];
    const cut = (old + head) * RECORD;
    records.copyWithin(start * RECORD, cut, (old + size) * RECORD);
    records.copyWithin((start + size - head) * RECORD, old * RECORD, cut);
    records[old * RECORD] = this.free[bits];
    this.free[bits] = old;
    state[at + START] = start;
    state[at + BITS] = bits + 1;
    state[at + HEAD] = 0;
    return true;
  }

  /** First record of a piece of `2^bits`, or -1. */
  private take(bits: number, limit: number): number {
    const reused = this.free[bits];
    if (reused >= 0) {
      this.free[bits] = this.records[reused * RECORD];
      return reused;
    }
    const start = this.used;
    if (start + (1 << bits) > limit) return -1;
    this.used += 1 << bits;
    return start;
  }

  private grow(): void {
    const wider = new Float64Array(this.state.length * 2);
    wider.set(this.state);
    this.state = wider;
  }
}
