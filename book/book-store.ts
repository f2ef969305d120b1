/**
 * The orders of all books of one stream, and with `price-levels.ts` their levels.
 *
 *   chains     order id ──hash──► first slot of its chain            16 bytes an order
 *   records    slot ──► id, price key, open size, book, arrival      32 bytes an order
 *   heads      book ──► its levels, its vacant slots                128 bytes a book
 *   ticks      a window about the best price of each busy side        8 bytes a tick
 *   far        what lies below the windows, and small sides whole    16 bytes a level
 *   crossers   book ──► the order that last made it cross             8 bytes a book
 *
 * ORDERS. A record is half a cache line, found by its whole 64-bit id:
 *
 *   word  0 id low   1 id high   2 next in the chain, or next vacant slot   3 price key
 *         4 open size   5 book << 2 | market order << 1 | side   6 7 stamp of arrival (low, high)
 *
 * An exchange's ids come nearly in order, and what comes together leaves together. The hash keeps
 * sixteen neighbouring ids on one cache line and scatters only such blocks. There are four chains for
 * each order, so that nearly all are one long: a second order is a miss that nobody looked ahead for.
 * Records never move, so a slot that was found stays found. Each book draws its records from slabs of
 * its own.
 *
 * QUEUES need no links: the stamp of arrival says who stands before whom, and a level's queue is
 * gathered from the book's slabs when somebody asks. Links would be written to two neighbours, each a
 * likely miss, on every message.
 *
 * LEVELS stand in `price-levels.ts`: arithmetic near the touch, sorted lists far away.
 *
 * WORST CASES. Ids whose blocks collide make long chains (the hash is not keyed). A slab never goes
 * back: memory is the sum over books of their busiest moment, rounded up to 16 orders.
 *
 * The loop that most messages take (`order-loop.ts`) works on these arrays itself; what it leaves,
 * and everything that is rare, goes through the methods here.
 */
import type { BooksImage } from "./books.ts";
import { type Memory, words } from "./memory.ts";
import { HEAD_SHIFT, ORDER_WORDS, PriceLevels, sideHead } from "./price-levels.ts";
import { RecordCopy } from "./record-copy.ts";

/** Words of a record. */
export const RECORD_SHIFT = 3;
/** Leaves every index of a record as it is, and says that it is not negative. */
export const RECORD_BITS = 0x7ffffff8;
export const ID_LOW = 0;
export const ID_HIGH = 1;
export const NEXT = 2;
export const KEY = 3;
export const SIZE = 4;
export const PLACE = 5;
export const STAMP_LOW = 6;
export const STAMP_HIGH = 7;
/** The place of a vacant record. */
export const VACANT = -1;

/** Records in a slab; slot 0 is never used, since 0 says "no order". */
export const SLAB = 16;

const CHAINS_PER_ORDER = 4;

/** Words of a book's head that are the orders' own. */
export const VACANT_SLOT = ORDER_WORDS;
export const FRESH_SLOT = ORDER_WORDS + 1;
const NEWEST_SLAB = ORDER_WORDS + 2;

export class BookStore {
  /** Books that have been used: indices below it have a head. */
  books = 0;
  /** Live orders. */
  live = 0;
  readonly levels: PriceLevels;
  records: Int32Array;
  chains: Int32Array;
  /** 32 minus the logarithm of the number of blocks of sixteen chains. */
  shift: number;
  stampLow = 0;
  stampHigh = 0;
  /** Under way: told of what changes in a record, but for its chain. */
  private copying: RecordCopy | null = null;
  /** Of each book the id (low, high) of the order that last made it cross; 0: none. */
  private crossers = new Int32Array(64);
  private readonly memory: Memory;
  private slots = SLAB;
  /** For each slab the slab that its book had before it. */
  private olderSlab: Int32Array;

  constructor(memory: Memory, capacity = 4096) {
    this.memory = memory;
    this.records = words(memory, capacity << RECORD_SHIFT);
    this.olderSlab = new Int32Array(capacity / SLAB);
    this.chains = words(memory, capacity);
    this.shift = 32 - (31 - Math.clz32(capacity) - 4);
    this.levels = new PriceLevels(memory);
  }

  /** Makes `book` a book; new ones are empty. */
  reserve(book: number): void {
    this.books = Math.max(this.books, book + 1);
    this.levels.reserve(this.books);
    if (this.books * 2 <= this.crossers.length) return;
    const crossers = new Int32Array(Math.max(this.books, this.crossers.length) * 2);
    crossers.set(this.crossers);
    this.crossers = crossers;
  }

  /** Drops every order; arrival stamps go on. */
  clear(): void {
    this.copying?.step(Number.POSITIVE_INFINITY);
    this.chains.fill(0);
    // Every word, the place above all: a slot found before this moment holds no order any more.
    this.records.fill(VACANT, 0, this.slots << RECORD_SHIFT);
    this.levels.clear();
    this.crossers.fill(0);
    this.slots = SLAB;
    this.live = 0;
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
    if (this.live * CHAINS_PER_ORDER >= this.chains.length) this.growChains();
    const { records, chains } = this;
    const chain = chainOf(idLow, idHigh, this.shift);
    const at = slot << RECORD_SHIFT;
    this.copying?.keep(at);
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
    if ((place & 2) === 0) this.levels.join(sideHead(place), key, size >>> 0);
  }

  /** The order leaves. */
  take(slot: number): void {
    const { records, chains } = this;
    const { heads } = this.levels;
    const at = slot << RECORD_SHIFT;
    this.copying?.keep(at);
    const place = records[at + PLACE];
    if ((place & 2) === 0) {
      this.levels.leave(sideHead(place), records[at + KEY], records[at + SIZE] >>> 0);
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
    this.copying?.keep(at);
    const delta = size - (records[at + SIZE] >>> 0);
    records[at + SIZE] = size;
    const place = records[at + PLACE];
    if ((place & 2) === 0) this.levels.resize(sideHead(place), records[at + KEY], delta);
  }

  /** The order goes to the end of the queue at another price, size or side of its book. */
  requeue(slot: number, place: number, key: number, size: number): void {
    const { records } = this;
    const at = slot << RECORD_SHIFT;
    this.copying?.keep(at);
    const oldPlace = records[at + PLACE];
    if ((oldPlace & 2) === 0) {
      this.levels.leave(sideHead(oldPlace), records[at + KEY], records[at + SIZE] >>> 0);
    }
    const stamp = (this.stampLow + 1) | 0;
    this.stampLow = stamp;
    if (stamp === 0) this.stampHigh++;
    records[at + KEY] = key;
    records[at + SIZE] = size;
    records[at + PLACE] = place;
    records[at + STAMP_LOW] = stamp;
    records[at + STAMP_HIGH] = this.stampHigh;
    if ((place & 2) === 0) this.levels.join(sideHead(place), key, size >>> 0);
  }

  // The image: records are all that counts, everything else can be made of them again.

  /** Views of the live memory: whoever keeps them copies them before the next op. */
  image(): BooksImage {
    const { books, stampLow, stampHigh } = this;
    const crossers = this.crossers.subarray(0, books * 2);
    const records = this.records.subarray(0, this.slots << RECORD_SHIFT);
    return { scalars: { books, stampLow, stampHigh }, arrays: { records, crossers } };
  }

  /**
   * Begins a copy of the image's records as they are now. Until it is whole every op must go through the
   * methods here: who writes into `records` itself (`order-loop.ts`) tells it nothing.
   */
  copyRecords(into: Uint8Array): RecordCopy {
    if (this.isCopying()) throw new Error("the records are being copied already");
    this.copying = new RecordCopy(this.records.subarray(0, this.slots << RECORD_SHIFT), into);
    return this.copying;
  }

  isCopying(): boolean {
    if (this.copying?.isWhole === true) this.copying = null;
    return this.copying !== null;
  }

  /** Becomes the store of the image: chains, levels and slabs are made anew, without holes. */
  restore(image: BooksImage): void {
    this.clear();
    const { books, stampLow, stampHigh } = image.scalars;
    const { records, crossers } = image.arrays;
    this.books = 0;
    if (books > 0) this.reserve(books - 1);
    this.levels.countsMisses = false;
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
    this.levels.countsMisses = true;
    this.stampLow = stampLow;
    this.stampHigh = stampHigh;
    this.crossers.set(crossers);
  }

  /** Calls `visit` with the slot of every live order of a book, in no order. */
  forEachOf(book: number, visit: (slot: number) => void): void {
    const head = book << HEAD_SHIFT;
    const fresh = this.levels.heads[head + FRESH_SLOT];
    let slab = this.levels.heads[head + NEWEST_SLAB];
    while (slab !== 0) {
      const first = slab * SLAB;
      const end = fresh > first && fresh <= first + SLAB ? fresh : first + SLAB;
      for (let slot = first; slot < end; slot++) if (this.place(slot) !== VACANT) visit(slot);
      slab = this.olderSlab[slab];
    }
  }

  /** Remembers an order that crosses the best opposite price: the aggressor of what follows. */
  noteCross(place: number, key: number, idLow: number, idHigh: number): void {
    const opposite = sideHead(place ^ 1);
    if ((place & 2) !== 0 || this.levels.isEmpty(opposite)) return;
    if (key < ~this.levels.bestKey(opposite)) return;
    const at = (place >>> 2) * 2;
    this.crossers[at] = idLow;
    this.crossers[at + 1] = idHigh;
  }

  isCrosser(book: number, slot: number): boolean {
    const { crossers } = this;
    return crossers[book * 2] === this.idLow(slot) && crossers[book * 2 + 1] === this.idHigh(slot);
  }

  // Growth.

  /** Makes sure that `orders` new ones, of whatever books, move none of the arrays but `olderSlab`. */
  makeRoom(orders: number): void {
    while ((this.live + orders) * CHAINS_PER_ORDER > this.chains.length) this.growChains();
    while ((this.slots + orders * SLAB) << RECORD_SHIFT > this.records.length) this.growRecords();
  }

  /** A vacant record of the book. */
  takeSlot(book: number): number {
    const { heads } = this.levels;
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
    if (this.slots << RECORD_SHIFT > this.records.length) this.growRecords();
    for (let slot = first; slot < first + SLAB; slot++) {
      this.records[(slot << RECORD_SHIFT) + PLACE] = VACANT;
    }
    return first;
  }

  private growRecords(): void {
    const records = words(this.memory, this.records.length * 2);
    records.set(this.records);
    this.records = records;
    // Nobody changes the old ones any more.
    this.copying = null;
    const older = new Int32Array(this.olderSlab.length * 2);
    older.set(this.olderSlab);
    this.olderSlab = older;
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
}

/** Index of an id's chain: blocks of sixteen neighbouring ids are scattered, within one they lie side by side. */
export function chainOf(idLow: number, idHigh: number, shift: number): number {
  const block = (idLow >>> 4) ^ Math.imul(idHigh, 0x85ebca6b);
  return ((Math.imul(block, 0x9e3779b1) >>> shift) << 4) | (idLow & 15);
}
