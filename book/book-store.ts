/**
 * The orders and price levels of all books of one stream, in four typed arrays.
 *
 *   chains     order id ──hash──► first slot of its chain             4 bytes an order
 *   records    slot ──► id, price key, open size, book, arrival      32 bytes an order
 *   heads      book ──► where its levels and its vacant slots lie    64 bytes a book
 *   levels     sorted arrays of price levels, best at the end        16 bytes a level
 *
 * ORDERS. A record is half a cache line, found by its whole 64-bit id:
 *
 *   word  0 id low   1 id high   2 next in the chain, or next vacant slot   3 price key
 *         4 open size   5 book << 2 | market order << 1 | side   6 7 stamp of arrival (low, high)
 *
 * An exchange's ids come nearly in order, and what comes together leaves together. The hash keeps
 * sixteen neighbouring ids on one cache line and scatters only such blocks; a chain is almost always
 * one long. Records never move, so a slot that was found stays found. Each book draws its records
 * from slabs of its own.
 *
 * QUEUES need no links: the stamp of arrival says who stands before whom, and a level's queue is
 * gathered from the book's slabs when somebody asks. Links would be written to two neighbours, each a
 * likely miss, on every message.
 *
 * LEVELS. Most of the flow lands within a few levels of the touch, so a search that walks from the
 * best level is a handful of steps on one or two cache lines, and a level that comes or goes moves
 * only the few that are better. Levels exist only where orders stand: no tick size to learn, no
 * window to leave, and 100,000 instruments fit where a ladder of ticks would not. A side lies in a
 * segment with room at both ends and moves its shorter part. Keys are sortable words: the price for
 * bids, its complement for asks, so that the highest key is the best price on both sides.
 *
 * WORST CASES. Ids whose blocks collide make long chains (the hash is not keyed). A slab never goes
 * back: memory is the sum over books of their busiest moment, rounded up to 16 orders. A level that
 * comes or goes in the middle of a side of n levels moves n/2 of them (memmove); a search that does
 * not end within 16 levels of the touch is a binary one. Sums of sizes are exact below 2^53.
 *
 * The methods a message takes keep their arrays in locals: a load of a field on every access, or an
 * object for each of the four arrays, was measured to double the time of a message.
 */
import type { Best, BooksImage } from "./books.ts";
import { type Memory, words } from "./memory.ts";

/** Words of a record. */
const RECORD_SHIFT = 3;
const ID_LOW = 0;
const ID_HIGH = 1;
const NEXT = 2;
const KEY = 3;
const SIZE = 4;
const PLACE = 5;
const STAMP_LOW = 6;
const STAMP_HIGH = 7;
/** The place of a vacant record. */
const VACANT = -1;

/** Records in a slab; slot 0 is never used, since 0 says "no order". */
const SLAB = 16;

/** Words of a book's head, one cache line; a side's four come first, bids before asks. */
const HEAD_SHIFT = 4;
const SIDE_SHIFT = 2;
const START = 0;
const CAPACITY = 1;
const LOW = 2;
const HIGH = 3;
const VACANT_SLOT = 8;
const FRESH_SLOT = 9;
const NEWEST_SLAB = 10;
const CROSSER_LOW = 11;
const CROSSER_HIGH = 12;

/** Words of a level: key, orders, and the sum of sizes as a double. */
const LEVEL_SHIFT = 2;
const LEVEL_WORDS = 4;

const MIN_CAPACITY = 8;
/** Steps from the touch before the search becomes a binary one. */
const NEAR_LEVELS = 16;
/** Longer moves go to memmove. */
const SHORT_MOVE = 24;

export class BookStore {
  /** Books that have been used: indices below it have a head. */
  books = 0;
  /** Live orders. */
  live = 0;
  /** Set when a change reached the best level of its side; the owner resets it. */
  touchedBest = false;
  private readonly memory: Memory;
  private records: Int32Array;
  private chains: Int32Array;
  /** 32 minus the logarithm of the number of blocks of sixteen chains. */
  private shift: number;
  private heads: Int32Array = new Int32Array(64 << HEAD_SHIFT);
  /** The levels' pool, as words and, over the same bytes, as doubles. */
  private levels: Int32Array;
  private sums: Float64Array;
  private slots = SLAB;
  private levelsEnd = 0;
  private stampLow = 0;
  private stampHigh = 0;
  /** For each slab the slab that its book had before it. */
  private olderSlab: Int32Array;
  /** Free segments of levels by the logarithm of their capacity. */
  private readonly freeSegments: number[][] = Array.from({ length: 32 }, () => []);

  constructor(memory: Memory, capacity = 4096) {
    this.memory = memory;
    this.records = words(memory, capacity << RECORD_SHIFT);
    this.olderSlab = new Int32Array(capacity / SLAB);
    this.chains = words(memory, capacity);
    this.shift = 32 - (31 - Math.clz32(capacity) - 4);
    this.levels = words(memory, 1024 << LEVEL_SHIFT);
    this.sums = new Float64Array(this.levels.buffer);
  }

  /** Makes `book` a book; new ones are empty. */
  reserve(book: number): void {
    this.books = Math.max(this.books, book + 1);
    if (this.books << HEAD_SHIFT <= this.heads.length) return;
    const grown = words(this.memory, Math.max(this.books << HEAD_SHIFT, this.heads.length * 2));
    grown.set(this.heads);
    this.heads = grown;
  }

  /** Drops every order; arrival stamps go on. */
  clear(): void {
    this.chains.fill(0);
    // Every word, the place above all: a slot found before this moment holds no order any more.
    this.records.fill(VACANT, 0, this.slots << RECORD_SHIFT);
    this.heads.fill(0);
    for (const segments of this.freeSegments) segments.length = 0;
    this.slots = SLAB;
    this.levelsEnd = 0;
    this.live = 0;
    this.touchedBest = true;
  }

  // Loading ahead: each is called for many ops before the first of them is applied.

  /** Slot that an id's chain begins with, 0 if it is empty: nearly always the order itself. */
  touchChains(
    idLow: Int32Array,
    idHigh: Int32Array,
    from: number,
    to: number,
    out: Int32Array,
  ): void {
    const { chains, shift } = this;
    for (let at = from; at < to; at++)
      out[at - from] = chains[chainOf(idLow[at], idHigh[at], shift)];
  }

  /** Loads records of `slots`, and of `books` the best levels and the next vacant record. */
  touchBooks(slots: Int32Array, books: Int32Array, from: number, to: number): number {
    const { records, heads, levels } = this;
    const known = this.books;
    let touched = 0;
    for (let i = 0; i < to - from; i++) touched ^= records[slots[i] << RECORD_SHIFT];
    for (let at = from; at < to; at++) {
      const book = books[at];
      const head = book >= 0 && book < known ? book << HEAD_SHIFT : 0;
      touched ^= levels[heads[head + HIGH] << LEVEL_SHIFT];
      touched ^= levels[heads[head + (1 << SIDE_SHIFT) + HIGH] << LEVEL_SHIFT];
      touched ^= records[heads[head + VACANT_SLOT] << RECORD_SHIFT];
    }
    return touched;
  }

  // Orders.

  /** Slot of the order, 0 if it is not there. */
  find(idLow: number, idHigh: number): number {
    const { records } = this;
    let slot = this.chains[chainOf(idLow, idHigh, this.shift)];
    while (slot !== 0) {
      const at = slot << RECORD_SHIFT;
      if (records[at + ID_LOW] === idLow && records[at + ID_HIGH] === idHigh) break;
      slot = records[at + NEXT];
    }
    return slot;
  }

  /** As `find`, where `hint` is the slot that the chain began with a moment ago. */
  findFrom(hint: number, idLow: number, idHigh: number): number {
    const { records } = this;
    const at = hint << RECORD_SHIFT;
    if (
      hint !== 0 &&
      records[at + ID_LOW] === idLow &&
      records[at + ID_HIGH] === idHigh &&
      records[at + PLACE] !== VACANT
    ) {
      return hint;
    }
    return this.find(idLow, idHigh);
  }

  /** True if `slot` holds this order. */
  holds(slot: number, idLow: number, idHigh: number): boolean {
    const { records } = this;
    const at = slot << RECORD_SHIFT;
    return (
      records[at + ID_LOW] === idLow &&
      records[at + ID_HIGH] === idHigh &&
      records[at + PLACE] !== VACANT
    );
  }

  /** `book << 2 | market order << 1 | side`. */
  place(slot: number): number {
    return this.records[(slot << RECORD_SHIFT) + PLACE];
  }

  key(slot: number): number {
    return this.records[(slot << RECORD_SHIFT) + KEY];
  }

  /** Unsigned 32 bits. */
  openSize(slot: number): number {
    return this.records[(slot << RECORD_SHIFT) + SIZE] >>> 0;
  }

  idLow(slot: number): number {
    return this.records[(slot << RECORD_SHIFT) + ID_LOW];
  }

  idHigh(slot: number): number {
    return this.records[(slot << RECORD_SHIFT) + ID_HIGH];
  }

  /** Arrival order as a double: a smaller stamp stands before a larger one. */
  stamp(slot: number): number {
    const at = slot << RECORD_SHIFT;
    return this.records[at + STAMP_HIGH] * 4294967296 + (this.records[at + STAMP_LOW] >>> 0);
  }

  /** A new order at the end of its queue. Its id must not be there, its book must be reserved. */
  put(idLow: number, idHigh: number, place: number, key: number, size: number): void {
    const slot = this.takeSlot(place >>> 2);
    if (this.live * 2 >= this.chains.length) this.growChains();
    const { records, chains } = this;
    const chain = chainOf(idLow, idHigh, this.shift);
    const at = slot << RECORD_SHIFT;
    const stamp = (this.stampLow + 1) | 0;
    this.stampLow = stamp;
    if (stamp === 0) this.stampHigh++;
    records[at + ID_LOW] = idLow;
    records[at + ID_HIGH] = idHigh;
    records[at + NEXT] = chains[chain];
    records[at + KEY] = key;
    records[at + SIZE] = size;
    records[at + PLACE] = place;
    records[at + STAMP_LOW] = stamp;
    records[at + STAMP_HIGH] = this.stampHigh;
    chains[chain] = slot;
    this.live++;
    if ((place & 2) === 0) this.joinLevel(this.heads, sideHead(place), key, size >>> 0);
  }

  /** The order leaves. */
  take(slot: number): void {
    const { records, chains, heads } = this;
    const at = slot << RECORD_SHIFT;
    const place = records[at + PLACE];
    if ((place & 2) === 0) {
      this.leaveLevel(heads, sideHead(place), records[at + KEY], records[at + SIZE] >>> 0);
    }
    const chain = chainOf(records[at + ID_LOW], records[at + ID_HIGH], this.shift);
    let before = chains[chain];
    if (before === slot) {
      chains[chain] = records[at + NEXT];
    } else {
      while (records[(before << RECORD_SHIFT) + NEXT] !== slot) {
        before = records[(before << RECORD_SHIFT) + NEXT];
      }
      records[(before << RECORD_SHIFT) + NEXT] = records[at + NEXT];
    }
    const vacant = ((place >>> 2) << HEAD_SHIFT) + VACANT_SLOT;
    records[at + NEXT] = heads[vacant];
    records[at + PLACE] = VACANT;
    heads[vacant] = slot;
    this.live--;
  }

  /** The order's open size becomes `size`, not 0; it keeps its place in the queue. */
  resize(slot: number, size: number): void {
    const { records } = this;
    const at = slot << RECORD_SHIFT;
    const delta = size - (records[at + SIZE] >>> 0);
    records[at + SIZE] = size;
    const place = records[at + PLACE];
    if ((place & 2) !== 0) return;
    const { heads } = this;
    const head = sideHead(place);
    const best = heads[head + HIGH] - 1;
    const level = searchLevel(this.levels, heads[head + LOW], best, records[at + KEY]);
    if (level === best) this.touchedBest = true;
    this.sums[(level << 1) + 1] += delta;
  }

  /** The order goes to the end of the queue at another price, size or side of its book. */
  requeue(slot: number, place: number, key: number, size: number): void {
    const { records } = this;
    const at = slot << RECORD_SHIFT;
    const oldPlace = records[at + PLACE];
    if ((oldPlace & 2) === 0) {
      this.leaveLevel(this.heads, sideHead(oldPlace), records[at + KEY], records[at + SIZE] >>> 0);
    }
    const stamp = (this.stampLow + 1) | 0;
    this.stampLow = stamp;
    if (stamp === 0) this.stampHigh++;
    records[at + KEY] = key;
    records[at + SIZE] = size;
    records[at + PLACE] = place;
    records[at + STAMP_LOW] = stamp;
    records[at + STAMP_HIGH] = this.stampHigh;
    if ((place & 2) === 0) this.joinLevel(this.heads, sideHead(place), key, size >>> 0);
  }

  // The image: records are all that counts, everything else can be made of them again.

  /** Views of the live memory: whoever keeps them copies them before the next op. */
  image(): BooksImage {
    const { books, stampLow, stampHigh } = this;
    const crossers = new Int32Array(books * 2);
    for (let book = 0; book < books; book++) {
      crossers[book * 2] = this.heads[(book << HEAD_SHIFT) + CROSSER_LOW];
      crossers[book * 2 + 1] = this.heads[(book << HEAD_SHIFT) + CROSSER_HIGH];
    }
    const records = this.records.subarray(0, this.slots << RECORD_SHIFT);
    return { scalars: { books, stampLow, stampHigh }, arrays: { records, crossers } };
  }

  /** Becomes the store of the image: chains, levels and slabs are made anew, without holes. */
  restore(image: BooksImage): void {
    this.clear();
    const { books, stampLow, stampHigh } = image.scalars;
    const { records, crossers } = image.arrays;
    this.books = 0;
    if (books > 0) this.reserve(books - 1);
    for (let at = SLAB << RECORD_SHIFT; at < records.length; at += 1 << RECORD_SHIFT) {
      const place = records[at + PLACE];
      if (place === VACANT) continue;
      this.stampHigh = records[at + STAMP_HIGH];
      this.stampLow = records[at + STAMP_LOW] - 1;
      if (records[at + STAMP_LOW] === 0) this.stampHigh--;
      this.put(
        records[at + ID_LOW],
        records[at + ID_HIGH],
        place,
        records[at + KEY],
        records[at + SIZE],
      );
    }
    this.stampLow = stampLow;
    this.stampHigh = stampHigh;
    for (let book = 0; book < books; book++) {
      this.setCrosser(book, crossers[book * 2], crossers[book * 2 + 1]);
    }
  }

  /** Calls `visit` with the slot of every live order of a book, in no order. */
  forEachOf(book: number, visit: (slot: number) => void): void {
    const head = book << HEAD_SHIFT;
    const fresh = this.heads[head + FRESH_SLOT];
    let slab = this.heads[head + NEWEST_SLAB];
    while (slab !== 0) {
      const first = slab * SLAB;
      const end = fresh > first && fresh <= first + SLAB ? fresh : first + SLAB;
      for (let slot = first; slot < end; slot++) if (this.place(slot) !== VACANT) visit(slot);
      slab = this.olderSlab[slab];
    }
  }

  // Levels. A side is `2 * book + (0 bid, 1 ask)`.

  levelCount(side: number): number {
    const head = ((side >> 1) << HEAD_SHIFT) + ((side & 1) << SIDE_SHIFT);
    return this.heads[head + HIGH] - this.heads[head + LOW];
  }

  /** Index one behind the best level of a side: worse ones lie before it. */
  levelEnd(side: number): number {
    return this.heads[((side >> 1) << HEAD_SHIFT) + ((side & 1) << SIDE_SHIFT) + HIGH];
  }

  levelKey(level: number): number {
    return this.levels[level << LEVEL_SHIFT];
  }

  levelOrders(level: number): number {
    return this.levels[(level << LEVEL_SHIFT) + 1];
  }

  levelSize(level: number): number {
    return this.sums[(level << 1) + 1];
  }

  /** Best levels of a book, prices as the feed has them: key plus `priceBias`. */
  readBest(book: number, priceBias: number, out: Best): void {
    const { heads, levels, sums } = this;
    const bid = book << HEAD_SHIFT;
    const ask = bid + (1 << SIDE_SHIFT);
    const bidLevel = heads[bid + HIGH] - 1;
    if (bidLevel >= heads[bid + LOW]) {
      out.bidPrice = levels[bidLevel << LEVEL_SHIFT] + priceBias;
      out.bidOrders = levels[(bidLevel << LEVEL_SHIFT) + 1];
      out.bidSize = sums[(bidLevel << 1) + 1];
    } else out.bidPrice = out.bidSize = out.bidOrders = 0;
    const askLevel = heads[ask + HIGH] - 1;
    if (askLevel >= heads[ask + LOW]) {
      out.askPrice = ~levels[askLevel << LEVEL_SHIFT] + priceBias;
      out.askOrders = levels[(askLevel << LEVEL_SHIFT) + 1];
      out.askSize = sums[(askLevel << 1) + 1];
    } else out.askPrice = out.askSize = out.askOrders = 0;
  }

  // The order that last made a book cross.

  setCrosser(book: number, idLow: number, idHigh: number): void {
    this.heads[(book << HEAD_SHIFT) + CROSSER_LOW] = idLow;
    this.heads[(book << HEAD_SHIFT) + CROSSER_HIGH] = idHigh;
  }

  isCrosser(book: number, slot: number): boolean {
    const head = book << HEAD_SHIFT;
    return (
      this.heads[head + CROSSER_LOW] === this.idLow(slot) &&
      this.heads[head + CROSSER_HIGH] === this.idHigh(slot)
    );
  }

  private joinLevel(heads: Int32Array, head: number, key: number, size: number): void {
    const { levels } = this;
    const low = heads[head + LOW];
    const best = heads[head + HIGH] - 1;
    const level = searchLevel(levels, low, best, key);
    if (level >= best) this.touchedBest = true;
    if (level >= low && levels[level << LEVEL_SHIFT] === key) {
      levels[(level << LEVEL_SHIFT) + 1]++;
      this.sums[(level << 1) + 1] += size;
    } else {
      this.insertLevel(head, level + 1, key, size);
    }
  }

  /** The order's level is there: whoever leaves it stood at it. */
  private leaveLevel(heads: Int32Array, head: number, key: number, size: number): void {
    const { levels } = this;
    const low = heads[head + LOW];
    const best = heads[head + HIGH] - 1;
    const level = searchLevel(levels, low, best, key);
    if (level < low || levels[level << LEVEL_SHIFT] !== key) missingLevel();
    if (level === best) this.touchedBest = true;
    if (--levels[(level << LEVEL_SHIFT) + 1] === 0) this.eraseLevel(head, level);
    else this.sums[(level << 1) + 1] -= size;
  }

  /** Puts a level of one order before index `at`. */
  private insertLevel(head: number, at: number, key: number, size: number): void {
    const { heads } = this;
    const low = heads[head + LOW];
    const high = heads[head + HIGH];
    const start = heads[head + START];
    const end = start + heads[head + CAPACITY];
    const above = high - at;
    const below = at - low;
    let place = at;
    if (high < end && (above <= below || low === start)) {
      moveLevels(this.levels, this.sums, at, at + 1, above);
      heads[head + HIGH] = high + 1;
    } else if (low > start) {
      moveLevels(this.levels, this.sums, low, low - 1, below);
      heads[head + LOW] = low - 1;
      place = at - 1;
    } else {
      this.regrowSide(head);
      this.insertLevel(head, heads[head + LOW] + below, key, size);
      return;
    }
    this.levels[place << LEVEL_SHIFT] = key;
    this.levels[(place << LEVEL_SHIFT) + 1] = 1;
    this.sums[(place << 1) + 1] = size;
  }

  private eraseLevel(head: number, at: number): void {
    const { heads } = this;
    const low = heads[head + LOW];
    const high = heads[head + HIGH];
    const above = high - 1 - at;
    if (above <= at - low) {
      moveLevels(this.levels, this.sums, at + 1, at, above);
      heads[head + HIGH] = high - 1;
    } else {
      moveLevels(this.levels, this.sums, low, low + 1, at - low);
      heads[head + LOW] = low + 1;
    }
  }

  // Growth.

  private takeSlot(book: number): number {
    const { heads } = this;
    const head = book << HEAD_SHIFT;
    const vacant = heads[head + VACANT_SLOT];
    if (vacant !== 0) {
      heads[head + VACANT_SLOT] = this.records[(vacant << RECORD_SHIFT) + NEXT];
      return vacant;
    }
    let fresh = heads[head + FRESH_SLOT];
    if ((fresh & (SLAB - 1)) === 0) {
      fresh = this.newSlab();
      this.olderSlab[fresh / SLAB] = heads[head + NEWEST_SLAB];
      heads[head + NEWEST_SLAB] = fresh / SLAB;
    }
    heads[head + FRESH_SLOT] = fresh + 1;
    return fresh;
  }

  private newSlab(): number {
    const first = this.slots;
    this.slots += SLAB;
    if (this.slots << RECORD_SHIFT > this.records.length) {
      const records = words(this.memory, this.records.length * 2);
      records.set(this.records);
      this.records = records;
      const older = new Int32Array(this.olderSlab.length * 2);
      older.set(this.olderSlab);
      this.olderSlab = older;
    }
    for (let slot = first; slot < first + SLAB; slot++) {
      this.records[(slot << RECORD_SHIFT) + PLACE] = VACANT;
    }
    return first;
  }

  /** Twice the chains; each order is put in its new one. */
  private growChains(): void {
    const { records } = this;
    this.chains = words(this.memory, this.chains.length * 2);
    this.shift--;
    const { chains, shift } = this;
    for (let slot = SLAB; slot < this.slots; slot++) {
      const at = slot << RECORD_SHIFT;
      if (records[at + PLACE] === VACANT) continue;
      const chain = chainOf(records[at + ID_LOW], records[at + ID_HIGH], shift);
      records[at + NEXT] = chains[chain];
      chains[chain] = slot;
    }
  }

  /** Doubles a full segment; three quarters of the new room lie behind the best level. */
  private regrowSide(head: number): void {
    const { heads } = this;
    const oldStart = heads[head + START];
    const oldCapacity = heads[head + CAPACITY];
    const low = heads[head + LOW];
    const count = heads[head + HIGH] - low;
    const capacity = Math.max(MIN_CAPACITY, oldCapacity * 2);
    const start = this.newSegment(capacity);
    const to = start + ((capacity - count) >> 2);
    const from = low << LEVEL_SHIFT;
    this.levels.copyWithin(to << LEVEL_SHIFT, from, from + (count << LEVEL_SHIFT));
    heads[head + START] = start;
    heads[head + CAPACITY] = capacity;
    heads[head + LOW] = to;
    heads[head + HIGH] = to + count;
    if (oldCapacity > 0) this.freeSegments[31 - Math.clz32(oldCapacity)].push(oldStart);
  }

  private newSegment(capacity: number): number {
    const reused = this.freeSegments[31 - Math.clz32(capacity)].pop();
    if (reused !== undefined) return reused;
    const start = this.levelsEnd;
    this.levelsEnd += capacity;
    // One level more than is used: loading ahead reads one behind the best.
    const needed = (this.levelsEnd + 1) * LEVEL_WORDS;
    if (needed > this.levels.length) {
      const levels = words(this.memory, Math.max(needed, this.levels.length * 2));
      levels.set(this.levels);
      this.levels = levels;
      this.sums = new Float64Array(levels.buffer);
    }
    return start;
  }
}

/** Index of an id's chain: blocks of sixteen neighbouring ids are scattered, within one they lie side by side. */
function chainOf(idLow: number, idHigh: number, shift: number): number {
  const block = (idLow >>> 4) ^ Math.imul(idHigh, 0x85ebca6b);
  return ((Math.imul(block, 0x9e3779b1) >>> shift) << 4) | (idLow & 15);
}

/** Where the words of an order's side begin among the heads. */
function sideHead(place: number): number {
  return ((place >>> 2) << HEAD_SHIFT) + ((place & 1) << SIDE_SHIFT);
}

/** Highest index in [low, best] whose key is at most `key`, or `low - 1`; walks from the best. */
function searchLevel(levels: Int32Array, low: number, best: number, key: number): number {
  let level = best;
  const near = best - NEAR_LEVELS;
  while (level >= low && level > near && levels[level << LEVEL_SHIFT] > key) level--;
  if (level > near || level < low || levels[level << LEVEL_SHIFT] <= key) return level;
  return farLevel(levels, low, near, key);
}

/** Highest index in [low, high] whose key is at most `key`, or `low - 1`. */
function farLevel(levels: Int32Array, low: number, high: number, key: number): number {
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

function missingLevel(): never {
  throw new Error("book-store: an order stands at a level that is not there");
}
