/**
 * Loads what the next ops will need before the first of them is applied, so that their cache misses
 * are in flight together: the chain of each id, the order's record, the level that it leaves or joins.
 *
 * A loop that waits for misses computes next to nothing: a processor looks a few hundred instructions
 * ahead, so that a loop of few instructions a miss keeps many more misses under way (measured for the
 * chains: 21 ns a message with the hash in the same loop, 7 without). Nothing found here is believed: what the ops before it change, an op looks up again, in near caches.
 *
 * More of it was tried and given up, since it cost more instructions than it saved waiting: handing what
 * was found to the loop that applies; and, measured together, the second tick of a replace, the words of
 * bits, the second order of a chain.
 */
import { refuseBatch } from "../feed/columns.ts";
import { type OpBatch, OpKind } from "../feed/op-batch.ts";
import {
  type BookStore,
  chainOf,
  KEY,
  PLACE,
  RECORD_BITS,
  RECORD_SHIFT,
  VACANT_SLOT,
} from "./book-store.ts";
import { HEAD_BITS, HEAD_SHIFT, SIDE_SHIFT, START, tickNumber, WIDTH } from "./price-levels.ts";

/** Ops that are looked at together. */
export const LOOK_AHEAD = 64;
/** So many heads lie in a near cache anyway: 512 KiB. */
const NEAR_BOOKS = 4096;

/*
 * What the loops hand on, good for one call. Arrays that are constants of this file have a length that the
 * engine knows: it checks no bound of them.
 */
const CHAINS = new Int32Array(LOOK_AHEAD);
const SLOTS = new Int32Array(LOOK_AHEAD);
/** Indices of the words of ticks, and of records that new orders will take. */
const TICKS = new Int32Array(LOOK_AHEAD);
const TAKEN = new Int32Array(LOOK_AHEAD);

/**
 * Looks at ops `from` to `to`, at most `LOOK_AHEAD`.
 * @returns what the loads gave, to be kept somewhere so that they cannot be left out
 */
export function lookAhead(
  store: BookStore,
  ops: OpBatch,
  from: number,
  to: number,
  priceBias: number,
): number {
  const { records, levels } = store;
  const count = to - from;
  findChains(ops, from, count, store.shift);
  gather(store.chains, count);
  let touched = touchRecords(records, count);
  if (store.books > NEAR_BOOKS) touched ^= touchHeads(store, ops, from, count);
  findTicks(store, ops, from, count, priceBias);
  touched ^= touch(levels.ticks, TICKS, count);
  return touched ^ touch(records, TAKEN, count);
}

function findChains({ idLo, idHi }: OpBatch, from: number, count: number, shift: number): void {
  const rows = idLo.length;
  if (from < 0 || idHi.length !== rows) refuseBatch();
  for (let i = 0, at = from; i < LOOK_AHEAD && at < rows; i++, at++) {
    if (i >= count) return;
    CHAINS[i] = chainOf(idLo[at], idHi[at], shift);
  }
}

function gather(words: Int32Array, count: number): void {
  for (let i = 0; i < LOOK_AHEAD; i++) {
    if (i >= count) return;
    SLOTS[i] = words[CHAINS[i]];
  }
}

function touch(words: Int32Array, indices: Int32Array, count: number): number {
  let touched = 0;
  for (let i = 0; i < indices.length; i++) {
    if (i >= count) break;
    touched ^= words[indices[i]];
  }
  return touched;
}

/** Both lines of the head of each book, many at once: `findTicks` has too many instructions for that. */
function touchHeads(
  store: BookStore,
  { instrument }: OpBatch,
  from: number,
  count: number,
): number {
  const { books } = store;
  const { heads } = store.levels;
  const rows = instrument.length;
  let touched = 0;
  for (let i = 0, at = from; i < count && at < rows; i++, at++) {
    const book = instrument[at];
    const isKnown = (~book >> 31) & ((book - books) >> 31);
    const head = (book << HEAD_SHIFT) & isKnown & HEAD_BITS;
    touched ^= heads[head + VACANT_SLOT] ^ heads[head];
  }
  return touched;
}

function touchRecords(records: Int32Array, count: number): number {
  let touched = 0;
  for (let i = 0; i < LOOK_AHEAD; i++) {
    if (i >= count) break;
    touched ^= records[SLOTS[i] << RECORD_SHIFT];
  }
  return touched;
}

/**
 * The tick of an Add's price, else of the order that was found; 0, where no window has a tick, if it
 * is in none. It is said without a branch: which kind of op comes next nobody can guess, and a
 * wrong guess costs more than all of this.
 */
function findTicks(
  store: BookStore,
  { kind, side, instrument, price }: OpBatch,
  from: number,
  count: number,
  priceBias: number,
): void {
  const { records, books } = store;
  const { heads } = store.levels;
  const biasWord = priceBias | 0;
  const rows = kind.length;
  if (from < 0 || side.length !== rows || instrument.length !== rows) refuseBatch();
  if (price.length !== rows) refuseBatch();
  for (let i = 0, at = from; i < LOOK_AHEAD && at < rows; i++, at++) {
    if (i >= count) return;
    const book = instrument[at];
    const isKnown = (~book >> 31) & ((book - books) >> 31);
    const bid = (book << HEAD_SHIFT) & isKnown & HEAD_BITS;
    const record = (SLOTS[i] << RECORD_SHIFT) & RECORD_BITS;
    const isAdd = ((kind[at] ^ OpKind.Add) - 1) >> 31;
    const isSell = ((side[at] & isAdd) | (records[record + PLACE] & ~isAdd)) & 1;
    TAKEN[i] = (heads[bid + VACANT_SLOT] & isAdd) << RECORD_SHIFT;
    const head = (bid + (isSell << SIDE_SHIFT)) & HEAD_BITS;
    const added = (price[at] | 0) ^ biasWord ^ -isSell;
    const width = heads[head + WIDTH];
    const number = tickNumber(heads, head, (added & isAdd) | (records[record + KEY] & ~isAdd));
    const isInside = ((number - width) >> 31) & (~number >> 31);
    TICKS[i] = ((heads[head + START] + number) & isInside) << 1;
  }
}
