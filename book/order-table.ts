/**
 * The live orders of one stream: 32-byte records in one array, found by their whole 64-bit id.
 *
 * A record is half a cache line, so an order costs one miss for the table and one for itself:
 *
 *   word  0 id low   1 id high   2 next in the hash chain   3 price key   4 open size
 *         5 book << 2 | market order << 1 | side   6 7 stamp of arrival (low, high)
 *
 * Ids of an exchange come nearly in order, and what comes together leaves together. The hash
 * therefore keeps sixteen neighbouring ids on one cache line and scatters only such blocks; chains
 * are almost always one long. Records never move, so a slot that was found stays found.
 *
 * The queue of a level needs no links: the stamp of arrival says who stands before whom. Each book
 * draws its records from slabs of its own, so gathering a queue reads that book's orders only, and
 * the links' writes to two neighbours, each a likely miss, are saved on every message.
 *
 * Worst case: ids chosen so that their blocks collide make long chains (the hash is not keyed). A
 * slab never goes back: memory is the sum over books of their busiest moment, rounded up to 16
 * orders.
 */
import { type BookHeads, FRESH_SLOT, HEAD_WORDS, NEWEST_SLAB, VACANT_SLOT } from "./book-heads.ts";
import { type Memory, words } from "./memory.ts";

const RECORD_WORDS = 8;
const ID_LOW = 0;
const ID_HIGH = 1;
const NEXT = 2;
const KEY = 3;
const SIZE = 4;
const PLACE = 5;
const STAMP_LOW = 6;
const STAMP_HIGH = 7;

/** Records in a slab. */
const SLAB = 16;
/** A vacant record's place; no book has this number. */
const VACANT = -1;

export class OrderTable {
  /** Slot 0 is never used: 0 says "no order". */
  private records: Int32Array;
  private heads: Int32Array;
  /** 32 minus the logarithm of the number of blocks of sixteen heads. */
  private shift: number;
  private slots = SLAB;
  private live = 0;
  private stampLow = 0;
  private stampHigh = 0;
  private readonly books: BookHeads;
  private readonly memory: Memory;
  /** For each slab the slab that its book had before it. */
  private olderSlab: Int32Array;

  constructor(books: BookHeads, memory: Memory, capacity = 4096) {
    this.books = books;
    this.memory = memory;
    this.records = words(memory, capacity * RECORD_WORDS);
    this.olderSlab = new Int32Array(capacity / SLAB);
    this.heads = words(memory, capacity);
    this.shift = 32 - (31 - Math.clz32(capacity) - 4);
  }

  get size(): number {
    return this.live;
  }

  /** Forgets every order; the owner of the books' heads clears them. */
  clear(): void {
    this.heads.fill(0);
    this.records.fill(0, 0, this.slots * RECORD_WORDS);
    this.slots = SLAB;
    this.live = 0;
  }

  /** Index in `heads` of an id's chain. */
  private bucket(idLow: number, idHigh: number): number {
    const block = (idLow >>> 4) ^ Math.imul(idHigh, 0x85ebca6b);
    return ((Math.imul(block, 0x9e3779b1) >>> this.shift) << 4) | (idLow & 15);
  }

  /** Slot of the order, 0 if it is not there. */
  find(idLow: number, idHigh: number): number {
    const records = this.records;
    let slot = this.heads[this.bucket(idLow, idHigh)];
    while (slot !== 0) {
      const at = slot * RECORD_WORDS;
      if (records[at + ID_LOW] === idLow && records[at + ID_HIGH] === idHigh) break;
      slot = records[at + NEXT];
    }
    return slot;
  }

  /** True if `slot` holds this order still: a hint from an earlier look-up is good. */
  holds(slot: number, idLow: number, idHigh: number): boolean {
    const at = slot * RECORD_WORDS;
    const records = this.records;
    return (
      records[at + ID_LOW] === idLow && records[at + ID_HIGH] === idHigh && records[at + PLACE] >= 0
    );
  }

  book(slot: number): number {
    return this.records[slot * RECORD_WORDS + PLACE] >>> 2;
  }

  side(slot: number): number {
    return this.records[slot * RECORD_WORDS + PLACE] & 1;
  }

  isMarketOrder(slot: number): boolean {
    return (this.records[slot * RECORD_WORDS + PLACE] & 2) !== 0;
  }

  /** Book, market bit and side in one word: `book << 2 | market << 1 | side`. */
  place(slot: number): number {
    return this.records[slot * RECORD_WORDS + PLACE];
  }

  key(slot: number): number {
    return this.records[slot * RECORD_WORDS + KEY];
  }

  /** Unsigned 32 bits. */
  openSize(slot: number): number {
    return this.records[slot * RECORD_WORDS + SIZE] >>> 0;
  }

  setOpenSize(slot: number, size: number): void {
    this.records[slot * RECORD_WORDS + SIZE] = size;
  }

  idLow(slot: number): number {
    return this.records[slot * RECORD_WORDS + ID_LOW];
  }

  idHigh(slot: number): number {
    return this.records[slot * RECORD_WORDS + ID_HIGH];
  }

  /** Arrival order as a double: a smaller stamp stands before a larger one. */
  stamp(slot: number): number {
    const at = slot * RECORD_WORDS;
    return this.records[at + STAMP_HIGH] * 4294967296 + (this.records[at + STAMP_LOW] >>> 0);
  }

  /** A new order, at the end of its queue. The id must not be there already. */
  insert(idLow: number, idHigh: number, place: number, key: number, size: number): number {
    const slot = this.takeSlot(place >>> 2);
    if (this.live >= this.heads.length) this.growHeads();
    const bucket = this.bucket(idLow, idHigh);
    const records = this.records;
    const at = slot * RECORD_WORDS;
    records[at + ID_LOW] = idLow;
    records[at + ID_HIGH] = idHigh;
    records[at + NEXT] = this.heads[bucket];
    records[at + KEY] = key;
    records[at + SIZE] = size;
    records[at + PLACE] = place;
    this.heads[bucket] = slot;
    this.stampAt(at);
    this.live++;
    return slot;
  }

  /** The order goes to the end of the queue at another price or with another place word. */
  requeue(slot: number, place: number, key: number, size: number): void {
    const at = slot * RECORD_WORDS;
    this.records[at + KEY] = key;
    this.records[at + SIZE] = size;
    this.records[at + PLACE] = place;
    this.stampAt(at);
  }

  delete(slot: number): void {
    const records = this.records;
    const at = slot * RECORD_WORDS;
    const bucket = this.bucket(records[at + ID_LOW], records[at + ID_HIGH]);
    let before = this.heads[bucket];
    if (before === slot) {
      this.heads[bucket] = records[at + NEXT];
    } else {
      while (records[before * RECORD_WORDS + NEXT] !== slot) {
        before = records[before * RECORD_WORDS + NEXT];
      }
      records[before * RECORD_WORDS + NEXT] = records[at + NEXT];
    }
    const vacant = (records[at + PLACE] >>> 2) * HEAD_WORDS + VACANT_SLOT;
    const books = this.books.words;
    records[at + NEXT] = books[vacant];
    records[at + PLACE] = VACANT;
    books[vacant] = slot;
    this.live--;
  }

  /** Calls `visit` with the slot of every live order of a book, in no order. */
  forEachOf(book: number, visit: (slot: number) => void): void {
    const head = book * HEAD_WORDS;
    let slab = this.books.words[head + NEWEST_SLAB];
    const fresh = this.books.words[head + FRESH_SLOT];
    while (slab !== 0) {
      const end = slab === fresh >>> 4 && (fresh & 15) !== 0 ? fresh : (slab + 1) * SLAB;
      for (let slot = slab * SLAB; slot < end; slot++) {
        if (this.records[slot * RECORD_WORDS + PLACE] >= 0) visit(slot);
      }
      slab = this.olderSlab[slab];
    }
  }

  private stampAt(at: number): void {
    this.stampLow = (this.stampLow + 1) | 0;
    if (this.stampLow === 0) this.stampHigh++;
    this.records[at + STAMP_LOW] = this.stampLow;
    this.records[at + STAMP_HIGH] = this.stampHigh;
  }

  private takeSlot(book: number): number {
    const words = this.books.words;
    const head = book * HEAD_WORDS;
    const vacant = words[head + VACANT_SLOT];
    if (vacant !== 0) {
      words[head + VACANT_SLOT] = this.records[vacant * RECORD_WORDS + NEXT];
      return vacant;
    }
    let fresh = words[head + FRESH_SLOT];
    if ((fresh & (SLAB - 1)) === 0) {
      fresh = this.newSlab();
      this.olderSlab[fresh / SLAB] = words[head + NEWEST_SLAB];
      words[head + NEWEST_SLAB] = fresh / SLAB;
    }
    words[head + FRESH_SLOT] = fresh + 1;
    return fresh;
  }

  private newSlab(): number {
    const first = this.slots;
    this.slots += SLAB;
    if (this.slots * RECORD_WORDS > this.records.length) {
      const records = words(this.memory, this.records.length * 2);
      records.set(this.records);
      this.records = records;
      const older = new Int32Array(this.olderSlab.length * 2);
      older.set(this.olderSlab);
      this.olderSlab = older;
    }
    return first;
  }

  /** Twice the chains; each order is put in its new one. */
  private growHeads(): void {
    this.heads = words(this.memory, this.heads.length * 2);
    this.shift--;
    const records = this.records;
    for (let slot = SLAB; slot < this.slots; slot++) {
      const at = slot * RECORD_WORDS;
      if (records[at + PLACE] < 0 || (records[at + ID_LOW] | records[at + ID_HIGH]) === 0) continue;
      const bucket = this.bucket(records[at + ID_LOW], records[at + ID_HIGH]);
      records[at + NEXT] = this.heads[bucket];
      this.heads[bucket] = slot;
    }
  }
}
