/**
 * The price levels of all books of one stream: of each side a window of ticks about the best price,
 * and a sorted list of what lies below it.
 *
 *   heads    book ──► 32 words: both sides' windows, both far lists, the words of its orders, counts
 *   ticks    orders and sum of sizes, 8 bytes for each tick of a window
 *   bits     which ticks have orders, one bit each
 *   far      sorted arrays of levels (key, orders, sum), best at the end, 16 bytes a level
 *
 * KEYS are sortable words: the price for bids, its complement for asks, so that the highest key is
 * the best price on both sides.
 *
 * THE WINDOW makes a level's place a matter of arithmetic: no search, nothing moves when a level
 * comes or goes. `(key - base) * inverse`, turned by the tick's power of two, is the tick's number;
 * it is small only if the key is on the grid and in the window, so one comparison tells both. The
 * tick's size is learnt: the greatest common divisor of the distances between the best levels, made
 * smaller when a price between two ticks comes. A window holds every level from its base upwards; a
 * better price than it has room for moves it. What the far list holds is worse than all of it.
 *
 * A side of fewer than four levels has no window, so that 100,000 instruments that hardly trade
 * cost little; a window begins with 64 ticks and grows to 256 and 1,024 (8 KiB and 128 bytes of bits)
 * where one of 64, then one of 16 of the book's ops misses it (`noteFarOp`). By the number of misses alone every
 * window would grow in the course of a day; none becomes narrower again.
 *
 * WORST CASES. A price that leaves its window costs a walk over the window's levels: an order far
 * above the best that comes and goes does so every time, at most 1,024 ticks. In the far list a
 * level that comes or goes moves up to half of its n levels (memmove), and is found by a binary
 * search when it is not near the list's end. Sums are exact below 2^53: a tick's low 32 bits lie
 * with it, what is beyond in a map that nearly always is empty.
 */
import { Best } from "./books.ts";
import { type FarLevel, FarLevels, missingLevel } from "./far-levels.ts";
import { type Memory, words } from "./memory.ts";

/** Words of a book's head; a side's eight come first, bids before asks. */
export const HEAD_SHIFT = 5;
export const SIDE_SHIFT = 3;
const HEAD_WORDS = 1 << HEAD_SHIFT;
/** Leave every index of a side's words, and of a tick's, as it is, and say that it is not negative. */
export const HEAD_BITS = 0x7ffffff8;
export const TICK_BITS = 0x7ffffffe;
/** Key of the window's first tick. */
export const BASE = 0;
/** Inverse of the tick's odd part modulo 2^32, and the power of two that is its other part. */
export const INVERSE = 1;
export const TWIST = 2;
/** Index of the window's first tick among `ticks`, and how many it has; 0: there is no window. */
export const START = 3;
export const WIDTH = 4;
/** Index of the best tick, `START` less 1 if the window is empty. */
export const BEST = 5;
const FAR_OPS = 6;
/** The tick that was learnt, in units of the price. */
export const TICK = 7;
/** Where the words of the far lists begin, four a side. */
const FAR = 16;
const FAR_SHIFT = 2;
/** Three words from here on belong to the book's orders. */
export const ORDER_WORDS = 24;
/** Ops that the book had, about (`countOps`), and how many of them when each side's misses were last counted. */
const OPS = 27;
const BID_MARK = 28;

/** A window of n ticks grows where n in so many of the book's ops miss it: one in 64, then one in 16. */
const OPS_PER_TICK = 4096;
const OPENING_LEVELS = 4;
const LEAST_WIDTH = 64;
const MOST_WIDTH = 1024;
const WORD_MIN = -2147483648;
const TWO_32 = 4294967296;

export class PriceLevels {
  heads: Int32Array = new Int32Array(64 << HEAD_SHIFT);
  /** Two words a tick: the sum's low word, orders. */
  ticks: Int32Array;
  bits: Int32Array;
  /** Set when a change reached the best level of its side; the owner resets it. */
  touchedBest = false;
  /** Whether orders far below the best say something of the flow. */
  countsMisses = true;
  readonly far: FarLevels;
  private readonly memory: Memory;
  private ticksEnd = LEAST_WIDTH;
  /** Sums beyond 32 bits: their high words by tick. */
  private readonly wide = new Map<number, number>();
  /** Windows that nobody uses, by the logarithm of their width. */
  private readonly vacantWindows: number[][] = Array.from({ length: 16 }, () => []);
  private readonly best = new Best();
  private readonly level: FarLevel = { key: 0, orders: 0, size: 0 };

  constructor(memory: Memory) {
    this.memory = memory;
    this.ticks = words(memory, 1024 * 2);
    this.bits = words(memory, 1024 / 32);
    this.far = new FarLevels(memory);
  }

  /** Makes room for `books` heads; new ones are empty. */
  reserve(books: number): void {
    if (books << HEAD_SHIFT <= this.heads.length) return;
    const grown = words(this.memory, Math.max(books << HEAD_SHIFT, this.heads.length * 2));
    grown.set(this.heads);
    this.heads = grown;
  }

  clear(): void {
    this.heads.fill(0);
    this.ticks.fill(0, 0, this.ticksEnd * 2);
    this.bits.fill(0);
    this.wide.clear();
    this.far.clear();
    for (const windows of this.vacantWindows) windows.length = 0;
    this.ticksEnd = LEAST_WIDTH;
    this.touchedBest = true;
  }

  /**
   * Of each batch of ops one book is told, as if all were its own: the more ops it has, the more often. So
   * the sum is about right, and no op pays for it.
   */
  countOps(book: number, ops: number): void {
    this.heads[(book << HEAD_SHIFT) + OPS] += ops;
  }

  // A side is named by `head`, where its words begin: `sideHead` of an order's place.

  isEmpty(head: number): boolean {
    const { heads } = this;
    if (heads[head + WIDTH] !== 0) return heads[head + BEST] < heads[head + START];
    return this.far.count(heads, farHead(head)) === 0;
  }

  /** Key of the best level; the side must not be empty. */
  bestKey(head: number): number {
    const { heads } = this;
    if (heads[head + WIDTH] !== 0) return this.keyOfTick(head, heads[head + BEST]);
    return this.far.key(heads[farHead(head) + 3] - 1);
  }

  /** Best levels of a book, prices as the feed has them: key plus `priceBias`. */
  readBest(book: number, priceBias: number, out: Best): void {
    const bid = book << HEAD_SHIFT;
    const ask = bid + (1 << SIDE_SHIFT);
    const { heads, far } = this;
    if (this.isEmpty(bid)) out.bidPrice = out.bidSize = out.bidOrders = 0;
    else {
      const isFar = heads[bid + WIDTH] === 0;
      const best = isFar ? heads[farHead(bid) + 3] - 1 : heads[bid + BEST];
      out.bidPrice = this.bestKey(bid) + priceBias;
      out.bidSize = isFar ? far.size(best) : this.sizeOf(best);
      out.bidOrders = isFar ? far.orders(best) : this.ticks[best * 2 + 1];
    }
    if (this.isEmpty(ask)) out.askPrice = out.askSize = out.askOrders = 0;
    else {
      const isFar = heads[ask + WIDTH] === 0;
      const best = isFar ? heads[farHead(ask) + 3] - 1 : heads[ask + BEST];
      out.askPrice = ~this.bestKey(ask) + priceBias;
      out.askSize = isFar ? far.size(best) : this.sizeOf(best);
      out.askOrders = isFar ? far.orders(best) : this.ticks[best * 2 + 1];
    }
  }

  /** See `Books.readBestWords`; `biasWord` is added to the keys modulo 2^32. */
  readBestWords(book: number, biasWord: number, out: Int32Array): void {
    const { heads, ticks } = this;
    const bid = book << HEAD_SHIFT;
    const ask = bid + (1 << SIDE_SHIFT);
    const bidTick = heads[bid + BEST];
    const askTick = heads[ask + BEST];
    const inWindows = heads[bid + WIDTH] !== 0 && heads[ask + WIDTH] !== 0;
    if (inWindows && bidTick >= heads[bid + START] && askTick >= heads[ask + START]) {
      out[0] = wordOfTick(heads, bid, bidTick) + biasWord;
      out[1] = ticks[bidTick << 1];
      out[2] = ~wordOfTick(heads, ask, askTick) + biasWord;
      out[3] = ticks[askTick << 1];
    } else this.readBestWordsSlowly(bid, biasWord, out);
  }

  private readBestWordsSlowly(bid: number, biasWord: number, out: Int32Array): void {
    const { best } = this;
    this.readBest(bid >>> HEAD_SHIFT, 0, best);
    out[0] = best.bidOrders === 0 ? 0 : best.bidPrice + biasWord;
    out[1] = best.bidSize;
    out[2] = best.askOrders === 0 ? 0 : best.askPrice + biasWord;
    out[3] = best.askSize;
  }

  /** Writes at most `most` levels, best first, keys instead of prices; returns how many. */
  top(
    head: number,
    most: number,
    keys: Float64Array,
    sizes: Float64Array,
    orders: Uint32Array,
  ): number {
    const { heads, far } = this;
    let count = 0;
    if (heads[head + WIDTH] !== 0) {
      const start = heads[head + START];
      for (
        let tick = heads[head + BEST];
        tick >= start && count < most;
        tick = highestBelow(this.bits, tick, start)
      ) {
        keys[count] = this.keyOfTick(head, tick);
        sizes[count] = this.sizeOf(tick);
        orders[count++] = this.ticks[tick * 2 + 1];
      }
    }
    const list = farHead(head);
    const low = heads[list + 2];
    for (let level = heads[list + 3] - 1; level >= low && count < most; level--) {
      keys[count] = far.key(level);
      sizes[count] = far.size(level);
      orders[count++] = far.orders(level);
    }
    return count;
  }

  /** An order of `size` comes to the level of `key`. */
  join(head: number, key: number, size: number): void {
    const { heads } = this;
    const width = heads[head + WIDTH];
    const number = tickNumber(heads, head, key);
    if (number >>> 0 < width) {
      const tick = heads[head + START] + number;
      if (tick >= heads[head + BEST]) {
        heads[head + BEST] = tick;
        this.touchedBest = true;
      }
      this.addToTick(tick, 1, size);
    } else if (width === 0) {
      if (this.far.join(heads, farHead(head), key, size)) this.touchedBest = true;
      if (this.far.count(heads, farHead(head)) >= OPENING_LEVELS) this.open(head);
    } else if (key < heads[head + BASE]) {
      if (this.isEmpty(head)) this.joinMoved(head, key, size);
      else {
        this.far.join(heads, farHead(head), key, size);
        this.noteFarOp(head);
      }
    } else this.joinMoved(head, key, size);
  }

  /** An order of `size` leaves its level, which is there. */
  leave(head: number, key: number, size: number): void {
    const { heads } = this;
    if (heads[head + WIDTH] === 0) {
      if (this.far.leave(heads, farHead(head), key, size)) this.touchedBest = true;
      return;
    }
    if (key < heads[head + BASE]) {
      this.far.leave(heads, farHead(head), key, size);
      this.noteFarOp(head);
      return;
    }
    const tick = this.tickThere(head, key);
    const isBest = tick === heads[head + BEST];
    if (isBest) this.touchedBest = true;
    this.addToTick(tick, -1, -size);
    if (!isBest || this.ticks[tick * 2 + 1] !== 0) return;
    const next = highestBelow(this.bits, tick, heads[head + START]);
    heads[head + BEST] = next;
    if (next < heads[head + START] && this.far.count(heads, farHead(head)) > 0) {
      this.moveWindow(head, heads[head + WIDTH], this.far.key(heads[farHead(head) + 3] - 1));
    }
  }

  /** An order at the level grows by `delta`, which may be negative. */
  resize(head: number, key: number, delta: number): void {
    const { heads } = this;
    if (heads[head + WIDTH] === 0 || key < heads[head + BASE]) {
      const isBest = this.far.resize(heads, farHead(head), key, delta);
      if (isBest && heads[head + WIDTH] === 0) this.touchedBest = true;
      return;
    }
    const tick = this.tickThere(head, key);
    if (tick === heads[head + BEST]) this.touchedBest = true;
    this.addToTick(tick, 0, delta);
  }

  /** Sum of the sizes at a tick. */
  sizeOf(tick: number): number {
    const low = this.ticks[tick * 2] >>> 0;
    return this.wide.size === 0 ? low : low + (this.wide.get(tick) ?? 0) * TWO_32;
  }

  keyOfTick(head: number, tick: number): number {
    return wordOfTick(this.heads, head, tick);
  }

  private tickThere(head: number, key: number): number {
    const { heads } = this;
    const number = tickNumber(heads, head, key);
    const tick = heads[head + START] + number;
    if (number >>> 0 >= heads[head + WIDTH] || this.ticks[tick * 2 + 1] === 0) missingLevel();
    return tick;
  }

  private addToTick(tick: number, orders: number, size: number): void {
    const { ticks, bits } = this;
    const sum = this.sizeOf(tick) + size;
    const count = ticks[tick * 2 + 1] + orders;
    ticks[tick * 2] = (sum % TWO_32) | 0;
    ticks[tick * 2 + 1] = count;
    if (sum >= TWO_32) this.wide.set(tick, Math.floor(sum / TWO_32));
    else if (this.wide.size !== 0) this.wide.delete(tick);
    if (count === 0) bits[tick >>> 5] &= ~(1 << (tick & 31));
    else bits[tick >>> 5] |= 1 << (tick & 31);
  }

  // Windows that come and move.

  /** The window moves so that it can hold `key`, or goes; then the order joins. */
  private joinMoved(head: number, key: number, size: number): void {
    const best = this.isEmpty(head) ? key : Math.max(key, this.bestKey(head));
    this.moveWindow(head, this.heads[head + WIDTH], best, key);
    this.join(head, key, size);
  }

  /**
   * Too much of the flow below the window widens it, or moves it where its best stands low. How many ops
   * the book had is a sample, so that a window of 64 grows in a day where one op in 130 misses it. The next
   * step costs four times the memory: judged by few misses, it wants twice the share.
   */
  private noteFarOp(head: number): void {
    const { heads } = this;
    const width = heads[head + WIDTH];
    if (width === 0 || !this.countsMisses) return;
    const misses = ++heads[head + FAR_OPS];
    if ((misses & (width / 2 - 1)) !== 0) return;
    if (heads[head + BEST] - heads[head + START] < width / 2) {
      this.moveWindow(head, width, this.bestKey(head));
      return;
    }
    const book = head & -HEAD_WORDS;
    const mark = book + BID_MARK + ((head >> SIDE_SHIFT) & 1);
    const ops = (heads[book + OPS] - heads[mark]) | 0;
    const isSure = misses >= width * 4;
    const wanted = isSure || width === LEAST_WIDTH ? ops : ops * 2;
    const grows = misses * OPS_PER_TICK > wanted * width;
    if (!isSure && !grows) return;
    heads[head + FAR_OPS] = 0;
    heads[mark] = heads[book + OPS];
    if (grows && width < MOST_WIDTH) this.moveWindow(head, width * 4, this.bestKey(head));
  }

  private open(head: number): void {
    const list = farHead(head);
    const best = this.heads[list + 3] - 1;
    let tick = 0;
    for (let i = 1; i < OPENING_LEVELS; i++) {
      tick = commonDivisor(tick, this.far.key(best) - this.far.key(best - i));
    }
    this.heads[head + TICK] = tick;
    this.moveWindow(head, LEAST_WIDTH, this.far.key(best));
  }

  /**
   * Lays the window about `best`, the highest key there is or will be, with ticks that fit every
   * level in it, and `key`. Where 32 bits have no room for such a window, there is none.
   */
  private moveWindow(head: number, width: number, best: number, key = best): void {
    const { heads, far } = this;
    const list = farHead(head);
    this.spill(head);
    this.setWidth(head, width);
    let tick = heads[head + TICK] >>> 0;
    for (;;) {
      const base = baseOf(best, tick, width);
      if (Number.isNaN(base)) {
        this.setWidth(head, 0);
        return;
      }
      let fitting = key >= base ? commonDivisor(tick, key - base) : tick;
      const from = far.firstFrom(heads, list, base);
      for (let level = from; level < heads[list + 3]; level++) {
        fitting = commonDivisor(fitting, far.key(level) - base);
      }
      if (fitting === tick) {
        this.setGrid(head, base, tick);
        this.absorb(head, from);
        return;
      }
      tick = fitting;
    }
  }

  private setGrid(head: number, base: number, tick: number): void {
    const { heads } = this;
    const twist = 31 - Math.clz32(tick & -tick);
    heads[head + BASE] = base;
    heads[head + TICK] = tick | 0;
    heads[head + TWIST] = twist;
    heads[head + INVERSE] = inverseOf(tick >>> twist);
    heads[head + BEST] = heads[head + START] - 1;
  }

  /** All levels of the window go to the end of the far list. */
  private spill(head: number): void {
    const { heads, ticks, bits, far, level } = this;
    if (heads[head + WIDTH] === 0) return;
    const start = heads[head + START];
    const best = heads[head + BEST];
    for (let tick = start; tick <= best; tick++) {
      if (ticks[tick * 2 + 1] === 0) continue;
      level.key = this.keyOfTick(head, tick);
      level.orders = ticks[tick * 2 + 1];
      level.size = this.sizeOf(tick);
      far.append(heads, farHead(head), level);
      ticks[tick * 2] = ticks[tick * 2 + 1] = 0;
      this.wide.delete(tick);
    }
    bits.fill(0, start >>> 5, (start + heads[head + WIDTH]) >>> 5);
    heads[head + BEST] = start - 1;
  }

  /** The far list's levels from index `from` on go to the window. */
  private absorb(head: number, from: number): void {
    const { heads, far } = this;
    const end = heads[farHead(head) + 3];
    for (let level = from; level < end; level++) {
      const tick = heads[head + START] + tickNumber(heads, head, far.key(level));
      this.addToTick(tick, far.orders(level), far.size(level));
      heads[head + BEST] = tick;
    }
    heads[farHead(head) + 3] = from;
  }

  private setWidth(head: number, width: number): void {
    const { heads } = this;
    const old = heads[head + WIDTH];
    if (old === width) return;
    if (old !== 0) this.vacantWindows[31 - Math.clz32(old)].push(heads[head + START]);
    heads[head + WIDTH] = width;
    if (width === 0) return;
    heads[head + START] = this.vacantWindows[31 - Math.clz32(width)].pop() ?? this.newWindow(width);
    heads[head + BEST] = heads[head + START] - 1;
  }

  private newWindow(width: number): number {
    const start = this.ticksEnd;
    this.ticksEnd += width;
    if (this.ticksEnd * 2 > this.ticks.length) {
      const room = Math.max(this.ticksEnd, this.ticks.length);
      const ticks = words(this.memory, room * 2);
      ticks.set(this.ticks);
      this.ticks = ticks;
      const bits = words(this.memory, room / 32);
      bits.set(this.bits);
      this.bits = bits;
    }
    return start;
  }
}

/** Where the words of an order's side begin among the heads; its place is `book << 2 | side`. */
export function sideHead(place: number): number {
  return ((place >>> 2) << HEAD_SHIFT) + ((place & 1) << SIDE_SHIFT);
}

/** Number of a key's tick in its window; as an unsigned word below `WIDTH` only if it is in it. */
export function tickNumber(heads: Int32Array, head: number, key: number): number {
  const product = Math.imul((key - heads[head + BASE]) | 0, heads[head + INVERSE]);
  const twist = heads[head + TWIST];
  return (product >>> twist) | (product << (32 - twist));
}

/** Key of a tick of a side's window. */
function wordOfTick(heads: Int32Array, head: number, tick: number): number {
  return (heads[head + BASE] + Math.imul(tick - heads[head + START], heads[head + TICK])) | 0;
}

/** The highest tick with orders below `tick`, or `start - 1`; `start` is a multiple of 32. */
export function highestBelow(bits: Int32Array, tick: number, start: number): number {
  let word = tick >>> 5;
  let left = bits[word] & ((1 << (tick & 31)) - 1);
  while (left === 0) {
    word--;
    if (word << 5 < start) return start - 1;
    left = bits[word];
  }
  return (word << 5) + 31 - Math.clz32(left);
}

function farHead(head: number): number {
  return (head & -HEAD_WORDS) + FAR + ((head & 8) >> (SIDE_SHIFT - FAR_SHIFT));
}

/**
 * The key of the first tick of a window with `best` at three quarters of it, as far as the range of
 * words allows; NaN if no such window fits in it.
 */
function baseOf(best: number, tick: number, width: number): number {
  const above = Math.floor((-WORD_MIN - best) / tick);
  const below = Math.floor((best - WORD_MIN) / tick);
  const wanted = Math.max((width / 4) * 3, width - above);
  const lower = Math.min(wanted, below);
  if (lower < width - above || lower >= width) return Number.NaN;
  return best - lower * tick;
}

/** Of an odd number modulo 2^32, by Newton's steps: each doubles the bits that are right. */
function inverseOf(odd: number): number {
  let inverse = odd;
  for (let step = 0; step < 4; step++) {
    inverse = Math.imul(inverse, 2 - Math.imul(odd, inverse));
  }
  return inverse;
}

function commonDivisor(a: number, b: number): number {
  let [x, y] = [a, b];
  while (y !== 0) [x, y] = [y, x % y];
  return x;
}
