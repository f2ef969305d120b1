/**
 * Sorted lists of price levels, for sides too small to have a window of ticks and for what lies
 * below the windows (`price-levels.ts`). One pool holds the lists of all books of a stream.
 *
 * A level is 16 bytes: key, orders, and the sum of sizes as a double. A list lies in a segment with
 * room at both ends, best level at the end; a level that comes or goes moves the shorter part. The
 * search walks from the best and becomes a binary one after 16 levels.
 *
 * A list's four words (start, capacity, low, high) lie among the heads of its book; every method
 * takes the heads and where those words begin.
 */
import { type Memory, words } from "./memory.ts";

const START = 0;
const CAPACITY = 1;
const LOW = 2;
const HIGH = 3;

const LEVEL_SHIFT = 2;
const LEVEL_WORDS = 4;
const MIN_CAPACITY = 8;
/** Steps from the best before the search becomes a binary one. */
const NEAR_LEVELS = 16;
/** Longer moves go to memmove. */
const SHORT_MOVE = 24;

export interface FarLevel {
  key: number;
  orders: number;
  size: number;
}

export class FarLevels {
  private readonly memory: Memory;
  /** The pool as words and, over the same bytes, as doubles. */
  private levels: Int32Array;
  private sums: Float64Array;
  private end = 0;
  /** Free segments by the logarithm of their capacity. */
  private readonly vacant: number[][] = Array.from({ length: 32 }, () => []);

  constructor(memory: Memory) {
    this.memory = memory;
    this.levels = words(memory, 256 << LEVEL_SHIFT);
    this.sums = new Float64Array(this.levels.buffer);
  }

  clear(): void {
    for (const segments of this.vacant) segments.length = 0;
    this.end = 0;
  }

  count(heads: Int32Array, list: number): number {
    return heads[list + HIGH] - heads[list + LOW];
  }

  key(level: number): number {
    return this.levels[level << LEVEL_SHIFT];
  }

  orders(level: number): number {
    return this.levels[(level << LEVEL_SHIFT) + 1];
  }

  size(level: number): number {
    return this.sums[(level << 1) + 1];
  }

  /** Lowest index whose key is at least `key`, or the list's end. */
  firstFrom(heads: Int32Array, list: number, key: number): number {
    const [low, high] = [heads[list + LOW], heads[list + HIGH]];
    return binarySearch(this.levels, low, high - 1, key - 1) + 1;
  }

  /** @returns true if the level is the list's best */
  join(heads: Int32Array, list: number, key: number, size: number): boolean {
    const { levels } = this;
    const low = heads[list + LOW];
    const best = heads[list + HIGH] - 1;
    const level = search(levels, low, best, key);
    if (level >= low && levels[level << LEVEL_SHIFT] === key) {
      levels[(level << LEVEL_SHIFT) + 1]++;
      this.sums[(level << 1) + 1] += size;
    } else {
      this.insert(heads, list, level + 1, key, 1, size);
    }
    return level >= best;
  }

  /** The level is there. @returns true if it was the list's best */
  leave(heads: Int32Array, list: number, key: number, size: number): boolean {
    const level = this.levelThere(heads, list, key);
    const isBest = level === heads[list + HIGH] - 1;
    if (--this.levels[(level << LEVEL_SHIFT) + 1] === 0) this.erase(heads, list, level);
    else this.sums[(level << 1) + 1] -= size;
    return isBest;
  }

  /** The level is there. @returns true if it is the list's best */
  resize(heads: Int32Array, list: number, key: number, delta: number): boolean {
    const level = this.levelThere(heads, list, key);
    this.sums[(level << 1) + 1] += delta;
    return level === heads[list + HIGH] - 1;
  }

  /** Adds a level that is better than all of the list. */
  append(heads: Int32Array, list: number, level: FarLevel): void {
    this.insert(heads, list, heads[list + HIGH], level.key, level.orders, level.size);
  }

  private levelThere(heads: Int32Array, list: number, key: number): number {
    const low = heads[list + LOW];
    const level = search(this.levels, low, heads[list + HIGH] - 1, key);
    if (level < low || this.levels[level << LEVEL_SHIFT] !== key) missingLevel();
    return level;
  }

  /** Puts a level before index `at`. */
  private insert(
    heads: Int32Array,
    list: number,
    at: number,
    key: number,
    orders: number,
    size: number,
  ): void {
    const below = at - heads[list + LOW];
    if (heads[list + HIGH] - heads[list + LOW] === heads[list + CAPACITY]) this.regrow(heads, list);
    const low = heads[list + LOW];
    const high = heads[list + HIGH];
    const start = heads[list + START];
    const above = high - low - below;
    let place = low + below;
    if (high < start + heads[list + CAPACITY] && (above <= below || low === start)) {
      moveLevels(this.levels, this.sums, place, place + 1, above);
      heads[list + HIGH] = high + 1;
    } else {
      moveLevels(this.levels, this.sums, low, low - 1, below);
      heads[list + LOW] = low - 1;
      place--;
    }
    this.levels[place << LEVEL_SHIFT] = key;
    this.levels[(place << LEVEL_SHIFT) + 1] = orders;
    this.sums[(place << 1) + 1] = size;
  }

  private erase(heads: Int32Array, list: number, at: number): void {
    const low = heads[list + LOW];
    const high = heads[list + HIGH];
    const above = high - 1 - at;
    if (above <= at - low) {
      moveLevels(this.levels, this.sums, at + 1, at, above);
      heads[list + HIGH] = high - 1;
    } else {
      moveLevels(this.levels, this.sums, low, low + 1, at - low);
      heads[list + LOW] = low + 1;
    }
  }

  /** Doubles a full segment; three quarters of the new room lie behind the best level. */
  private regrow(heads: Int32Array, list: number): void {
    const oldStart = heads[list + START];
    const oldCapacity = heads[list + CAPACITY];
    const low = heads[list + LOW];
    const count = heads[list + HIGH] - low;
    const capacity = Math.max(MIN_CAPACITY, oldCapacity * 2);
    const start = this.newSegment(capacity);
    const to = start + ((capacity - count) >> 2);
    const from = low << LEVEL_SHIFT;
    this.levels.copyWithin(to << LEVEL_SHIFT, from, from + (count << LEVEL_SHIFT));
    heads[list + START] = start;
    heads[list + CAPACITY] = capacity;
    heads[list + LOW] = to;
    heads[list + HIGH] = to + count;
    if (oldCapacity > 0) this.vacant[31 - Math.clz32(oldCapacity)].push(oldStart);
  }

  private newSegment(capacity: number): number {
    const reused = this.vacant[31 - Math.clz32(capacity)].pop();
    if (reused !== undefined) return reused;
    const start = this.end;
    this.end += capacity;
    const needed = this.end * LEVEL_WORDS;
    if (needed > this.levels.length) {
      const levels = words(this.memory, Math.max(needed, this.levels.length * 2));
      levels.set(this.levels);
      this.levels = levels;
      this.sums = new Float64Array(levels.buffer);
    }
    return start;
  }
}

/** Highest index in [low, best] whose key is at most `key`, or `low - 1`; walks from the best. */
function search(levels: Int32Array, low: number, best: number, key: number): number {
  let level = best;
  const near = best - NEAR_LEVELS;
  while (level >= low && level > near && levels[level << LEVEL_SHIFT] > key) level--;
  if (level > near || level < low || levels[level << LEVEL_SHIFT] <= key) return level;
  return binarySearch(levels, low, near, key);
}

/** Highest index in [low, high] whose key is at most `key`, or `low - 1`. */
function binarySearch(levels: Int32Array, low: number, high: number, key: number): number {
  let from = low;
  let to = high + 1;
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (levels[middle << LEVEL_SHIFT] > key) to = middle;
    else from = middle + 1;
  }
  return from - 1;
}

/**
 * Moves levels within the pool, two doubles each. The words of key and count may pass as a double: a
 * count is far too small to make it a NaN, whose bits would not survive.
 */
function moveLevels(
  levels: Int32Array,
  sums: Float64Array,
  from: number,
  to: number,
  count: number,
): void {
  if (count > SHORT_MOVE) {
    levels.copyWithin(to << LEVEL_SHIFT, from << LEVEL_SHIFT, (from + count) << LEVEL_SHIFT);
  } else if (to > from) {
    const shift = (to - from) << 1;
    for (let i = ((from + count) << 1) - 1; i >= from << 1; i--) sums[i + shift] = sums[i];
  } else {
    const shift = (from - to) << 1;
    for (let i = from << 1; i < (from + count) << 1; i++) sums[i - shift] = sums[i];
  }
}

/** The books contradict themselves: whoever owns them starts them anew. */
export function missingLevel(): never {
  throw new Error("an order stands at a price level that is not there");
}
