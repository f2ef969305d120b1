/**
 * The recent quotes of each instrument, as rings in one array of records.
 *
 * A ring begins with two records and doubles while its quotes are still wanted: a quote may go when
 * the one after it stands before the low-water mark, since nobody on time asks for it any more. Where
 * the ring's or the array's bound is reached the oldest goes all the same, and the ring remembers
 * how far it has forgotten. The last quarter of the array is kept for first rings, so that a burst
 * of a few instruments does not shut out the others.
 *
 * Memory: 96 bytes a record, 45 an instrument. A push costs a record; a look-up is a binary search.
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
  /** Of a key: the newest quote that is gone; a `sec` of -1: none. */
  goneSec = new Float64Array(64).fill(-1);
  goneNsec = new Uint32Array(64);
  goneOrdinal = new Float64Array(64);
  private readonly low: LowWater;
  private readonly limit: number;
  private readonly bitsLimit: number;
  private used = 0;
  /** By the size of ring: first records of rings that were outgrown, chained by their first double. */
  private readonly free: number[];
  private keys = 0;
  /** First record of a key's ring; -1: it has none. */
  private start = new Int32Array(64);
  private bits = new Uint8Array(64);
  private head = new Uint32Array(64);
  private counts = new Uint32Array(64);

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
    if (this.keys === this.start.length) this.grow();
    this.start[this.keys] = -1;
    return this.keys++;
  }

  count(key: number): number {
    return this.counts[key];
  }

  /** Where the key's quote number `index` (0 is the oldest) begins in `records`. */
  at(key: number, index: number): number {
    const mask = (1 << this.bits[key]) - 1;
    return (this.start[key] + ((this.head[key] + index) & mask)) * RECORD;
  }

  /** Quotes of the key that stand before a place. */
  countBefore(key: number, sec: number, nsec: number, ordinal: number): number {
    let below = 0;
    let above = this.counts[key];
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
    const all = this.counts[key];
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
      this.goneSec[key] = sec;
      this.goneNsec[key] = nsec;
      this.goneOrdinal[key] = ordinal;
      return;
    }
    const at = this.at(key, this.counts[key]++);
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
    if (this.start[key] < 0) return this.openRing(key);
    if (this.counts[key] < 1 << this.bits[key]) return true;
    if (this.evictUnwanted(key)) return true;
    this.low.refresh();
    if (this.evictUnwanted(key) || this.widen(key)) return true;
    this.evictOldest(key);
    this.evicted++;
    return true;
  }

  private evictUnwanted(key: number): boolean {
    const { records, low } = this;
    const before = this.counts[key];
    while (this.counts[key] > 1) {
      const second = this.at(key, 1);
      const sec = records[second];
      if (sec > low.sec || (sec === low.sec && records[second + Field.Nsec] >= low.nsec)) break;
      this.evictOldest(key);
    }
    return this.counts[key] < before;
  }

  private evictOldest(key: number): void {
    const at = this.at(key, 0);
    this.goneSec[key] = this.records[at];
    this.goneNsec[key] = this.records[at + Field.Nsec];
    this.goneOrdinal[key] = this.records[at + Field.Ordinal];
    this.head[key] = (this.head[key] + 1) & ((1 << this.bits[key]) - 1);
    this.counts[key]--;
  }

  private openRing(key: number): boolean {
    const start = this.take(FIRST_BITS, this.limit);
    if (start < 0) return false;
    this.start[key] = start;
    this.bits[key] = FIRST_BITS;
    this.head[key] = 0;
    return true;
  }

  /** Moves a full ring into one of twice the size. */
  private widen(key: number): boolean {
    const bits = this.bits[key];
    if (bits === this.bitsLimit) return false;
    const start = this.take(bits + 1, this.limit - (this.limit >>> 2));
    if (start < 0) return false;
    const { records } = this;
    const size = 1 << bits;
    const old = this.start[key];
    const head = this.head[key];
    const cut = (old + head) * RECORD;
    records.copyWithin(start * RECORD, cut, (old + size) * RECORD);
    records.copyWithin((start + size - head) * RECORD, old * RECORD, cut);
    records[old * RECORD] = this.free[bits];
    this.free[bits] = old;
    this.start[key] = start;
    this.bits[key] = bits + 1;
    this.head[key] = 0;
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
    const size = this.start.length * 2;
    this.start = wider(this.start, new Int32Array(size));
    this.bits = wider(this.bits, new Uint8Array(size));
    this.head = wider(this.head, new Uint32Array(size));
    this.counts = wider(this.counts, new Uint32Array(size));
    this.goneSec = wider(this.goneSec, new Float64Array(size).fill(-1));
    this.goneNsec = wider(this.goneNsec, new Uint32Array(size));
    this.goneOrdinal = wider(this.goneOrdinal, new Float64Array(size));
  }
}

function wider<A extends { set(from: A): void }>(from: A, to: A): A {
  to.set(from);
  return to;
}
