/**
 * The price levels of many books: for each side a sorted array, best level at its end.
 *
 * Why arrays. Most of the flow lands within a few levels of the touch, so a search that walks from
 * the best level finds its place in a handful of steps on one or two cache lines, and a level that
 * comes or goes moves only the few that are better. Levels exist only where orders stand: a side of
 * 26 levels is 416 bytes, and 100,000 instruments fit where a ladder of ticks would not. There is no
 * tick size to learn and no window to leave.
 *
 * A side lies in a segment with room at both ends, and an insertion moves the shorter part, so a
 * side that is built from the touch outwards costs no more than one built inwards. Worst case: a
 * level that comes or goes in the middle of a side of n levels moves n/2 of them (memmove, about
 * 10 us for 100,000 levels); a search that is not within 16 of the touch is a binary search.
 *
 * Keys are sortable words: the price for bids, its complement for asks, so that the highest key is
 * the best price on both sides. Sums of sizes are doubles: exact below 2^53.
 */
import { type BookHeads, HEAD_WORDS, SIDE_WORDS } from "./book-heads.ts";
import { type Memory, words } from "./memory.ts";

const MIN_CAPACITY = 8;
/** Steps from the touch before the search becomes a binary one. */
const NEAR_LEVELS = 16;
/** Longer moves go to memmove. */
const SHORT_MOVE = 24;

/** Words of a side's part of the head. */
const START = 0;
const CAPACITY = 1;
const LOW = 2;
const HIGH = 3;

/** Words of a level: key, orders, and the sum of sizes as a double. */
const LEVEL_WORDS = 4;
const KEY = 0;
const COUNT = 1;

export class PriceLevels {
  private readonly heads: BookHeads;
  private readonly memory: Memory;
  /** The levels' pool, as words and, over the same bytes, as doubles. */
  private words: Int32Array;
  private doubles: Float64Array;
  private poolEnd = 0;
  /** Free segments by the logarithm of their capacity. */
  private readonly free: number[][] = Array.from({ length: 32 }, () => []);
  /** Set when a change reached the best level of its side; the owner resets it. */
  touchedBest = false;

  constructor(heads: BookHeads, memory: Memory) {
    this.heads = heads;
    this.memory = memory;
    this.words = words(memory, 1024 * LEVEL_WORDS);
    this.doubles = new Float64Array(this.words.buffer);
  }

  /** Forgets every level; the owner of the heads clears them. */
  clear(): void {
    this.poolEnd = 0;
    for (const segments of this.free) segments.length = 0;
  }

  count(side: number): number {
    const head = headOf(side);
    return this.heads.words[head + HIGH] - this.heads.words[head + LOW];
  }

  /** Pool index one behind the best level: the best is at `end - 1`, worse ones before it. */
  end(side: number): number {
    return this.heads.words[headOf(side) + HIGH];
  }

  keyAt(level: number): number {
    return this.words[level * LEVEL_WORDS + KEY];
  }

  sizeAt(level: number): number {
    return this.doubles[level * 2 + 1];
  }

  countAt(level: number): number {
    return this.words[level * LEVEL_WORDS + COUNT];
  }

  /** Loads what an op on this side will need: called for many sides before the first is changed. */
  touch(side: number): number {
    const high = this.heads.words[headOf(side) + HIGH];
    return high === 0 ? 0 : this.words[(high - 1) * LEVEL_WORDS];
  }

  /** An order of `size` comes to stand at `key`. */
  add(side: number, key: number, size: number): void {
    const head = headOf(side);
    const heads = this.heads.words;
    const words = this.words;
    const low = heads[head + LOW];
    const high = heads[head + HIGH];
    let at = high - 1;
    const near = at - NEAR_LEVELS;
    while (at >= low && at > near && words[at * LEVEL_WORDS] > key) at--;
    if (at === near && at >= low && words[at * LEVEL_WORDS] > key) {
      at = this.searchFar(low, near, key);
    }
    if (at >= low && words[at * LEVEL_WORDS] === key) {
      words[at * LEVEL_WORDS + COUNT]++;
      this.doubles[at * 2 + 1] += size;
      if (at === high - 1) this.touchedBest = true;
    } else {
      if (at === high - 1) this.touchedBest = true;
      this.insert(head, at + 1, key, size);
    }
  }

  /** An order of `size` that stood at `key` is gone. */
  remove(side: number, key: number, size: number): void {
    const head = headOf(side);
    const at = this.find(head, key);
    if (at === this.heads.words[head + HIGH] - 1) this.touchedBest = true;
    if (--this.words[at * LEVEL_WORDS + COUNT] === 0) this.erase(head, at);
    else this.doubles[at * 2 + 1] -= size;
  }

  /** The open size at `key` changes by `delta`; the order stays. */
  resize(side: number, key: number, delta: number): void {
    const head = headOf(side);
    const at = this.find(head, key);
    if (at === this.heads.words[head + HIGH] - 1) this.touchedBest = true;
    this.doubles[at * 2 + 1] += delta;
  }

  /** Pool index of the level at `key`, which is there: whoever asks has an order standing at it. */
  private find(head: number, key: number): number {
    const heads = this.heads.words;
    const words = this.words;
    const low = heads[head + LOW];
    let at = heads[head + HIGH] - 1;
    const near = at - NEAR_LEVELS;
    while (at >= low && at > near && words[at * LEVEL_WORDS] > key) at--;
    if (at === near && at >= low && words[at * LEVEL_WORDS] > key) {
      at = this.searchFar(low, near, key);
    }
    if (at < low || words[at * LEVEL_WORDS] !== key) missingLevel();
    return at;
  }

  /** Highest index in [low, high] whose key is at most `key`, or `low - 1`. */
  private searchFar(low: number, high: number, key: number): number {
    const words = this.words;
    let from = low;
    let to = high + 1;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (words[middle * LEVEL_WORDS] > key) to = middle;
      else from = middle + 1;
    }
    return from - 1;
  }

  /** Puts a level of one order before pool index `at`. */
  private insert(head: number, at: number, key: number, size: number): void {
    const heads = this.heads.words;
    const low = heads[head + LOW];
    const high = heads[head + HIGH];
    const start = heads[head + START];
    const end = start + heads[head + CAPACITY];
    const above = high - at;
    const below = at - low;
    let place = at;
    if (high < end && (above <= below || low === start)) {
      this.move(at, at + 1, above);
      heads[head + HIGH] = high + 1;
    } else if (low > start) {
      this.move(low, low - 1, below);
      heads[head + LOW] = low - 1;
      place = at - 1;
    } else {
      this.regrow(head);
      this.insert(head, heads[head + LOW] + below, key, size);
      return;
    }
    this.words[place * LEVEL_WORDS] = key;
    this.words[place * LEVEL_WORDS + COUNT] = 1;
    this.doubles[place * 2 + 1] = size;
  }

  private erase(head: number, at: number): void {
    const heads = this.heads.words;
    const low = heads[head + LOW];
    const high = heads[head + HIGH];
    const above = high - 1 - at;
    if (above <= at - low) {
      this.move(at + 1, at, above);
      heads[head + HIGH] = high - 1;
    } else {
      this.move(low, low + 1, at - low);
      heads[head + LOW] = low + 1;
    }
  }

  /**
   * Moves levels within the pool, two doubles each. The words of key and count may pass as a double:
   * a count is far too small to make it a NaN, whose bits would not survive.
   */
  private move(from: number, to: number, count: number): void {
    const doubles = this.doubles;
    if (count > SHORT_MOVE) {
      this.words.copyWithin(to * LEVEL_WORDS, from * LEVEL_WORDS, (from + count) * LEVEL_WORDS);
    } else if (to > from) {
      const shift = (to - from) * 2;
      for (let i = (from + count) * 2 - 1; i >= from * 2; i--) doubles[i + shift] = doubles[i];
    } else {
      const shift = (from - to) * 2;
      for (let i = from * 2; i < (from + count) * 2; i++) doubles[i - shift] = doubles[i];
    }
  }

  /** Doubles a full segment; three quarters of the new room lie behind the best level. */
  private regrow(head: number): void {
    const heads = this.heads.words;
    const oldStart = heads[head + START];
    const oldCapacity = heads[head + CAPACITY];
    const low = heads[head + LOW];
    const count = heads[head + HIGH] - low;
    const capacity = Math.max(MIN_CAPACITY, oldCapacity * 2);
    const start = this.allocate(capacity);
    const to = start + ((capacity - count) >> 2);
    this.words.copyWithin(to * LEVEL_WORDS, low * LEVEL_WORDS, (low + count) * LEVEL_WORDS);
    heads[head + START] = start;
    heads[head + CAPACITY] = capacity;
    heads[head + LOW] = to;
    heads[head + HIGH] = to + count;
    if (oldCapacity > 0) this.free[31 - Math.clz32(oldCapacity)].push(oldStart);
  }

  private allocate(capacity: number): number {
    const reused = this.free[31 - Math.clz32(capacity)].pop();
    if (reused !== undefined) return reused;
    const start = this.poolEnd;
    this.poolEnd += capacity;
    if (this.poolEnd * LEVEL_WORDS > this.words.length) {
      const size = Math.max(this.poolEnd * LEVEL_WORDS, this.words.length * 2);
      const grown = words(this.memory, size);
      grown.set(this.words);
      this.words = grown;
      this.doubles = new Float64Array(grown.buffer);
    }
    return start;
  }
}

/** Where a side's words stand among the heads; side is `2 * book + (0 bid, 1 ask)`. */
function headOf(side: number): number {
  return (side >> 1) * HEAD_WORDS + (side & 1) * SIDE_WORDS;
}

function missingLevel(): never {
  throw new Error("price-levels: an order stands at a level that is not there");
}
