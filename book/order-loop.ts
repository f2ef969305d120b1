/**
 * The loop that nearly every message goes through: orders that come, change and leave at a level
 * inside their side's window of ticks, and that are what they ought to be.
 *
 * It calls nothing on the way and keeps the arrays in locals: calls and loads of fields were
 * measured to cost a third of a message's time. Of a record, a head or a tick it mostly reads or writes the
 * last word first, at an index that a mask says is not negative, so that the engine checks one bound and not
 * five (`feed/columns.ts`). Each op is looked at whole before anything is
 * written; one that needs more than the plain case (an unknown or doubled id, a level outside the
 * window, a sum that leaves 32 bits, a market order, a trade of two orders) is left untouched to
 * `OrderBooks`, whose methods do every case. What this loop does, those would do too.
 *
 * A moment when somebody must be told ends it too; only the touched best levels of an observer that
 * takes lists are written down and told at the end.
 *
 * Assumes that the store has room for the orders of the batch (`BookStore.makeRoom`), so that no
 * array is replaced while it runs, and that nobody copies the records meanwhile (`BookStore.isCopying`).
 */
import { refuseBatch } from "../feed/columns.ts";
import { type OpBatch, OpFlag, OpKind } from "../feed/op-batch.ts";
import {
  type BookStore,
  chainOf,
  FRESH_SLOT,
  ID_HIGH,
  ID_LOW,
  KEY,
  NEXT,
  PLACE,
  RECORD_BITS,
  RECORD_SHIFT,
  SIZE,
  SLAB,
  STAMP_HIGH,
  STAMP_LOW,
  VACANT,
  VACANT_SLOT,
} from "./book-store.ts";
import { type BookObserver, MOVE_WORDS } from "./books.ts";
import { Action, type Effects } from "./effects.ts";
import {
  BASE,
  BEST,
  HEAD_BITS,
  HEAD_SHIFT,
  highestBelow,
  SIDE_SHIFT,
  START,
  TICK,
  TICK_BITS,
  tickNumber,
  WIDTH,
} from "./price-levels.ts";

const WORD_MIN = -2147483648;

export interface LoopContext {
  readonly store: BookStore;
  /** Where rows go; null: nobody wants them. */
  readonly effects: Effects | null;
  /** Subtracted from a price to get a sortable signed word: 0, or 2^31 of unsigned prices. */
  readonly priceBias: number;
  /** Best levels that were touched, for observers that take them in lists: `MOVE_WORDS` each. */
  readonly moves: Int32Array;
  moveCount: number;
  /** Set if the op before the returned index was applied and its observer is not yet told. */
  tells: boolean;
}

/**
 * Applies ops from `from` on, until one that is not plain.
 * @returns index of the first op not applied, or `to`; the observer is to be told of the op before
 *   it if `context.tells`, and of `context.moveCount` words of moves before that
 */
export function applyPlain(
  context: LoopContext,
  ops: OpBatch,
  from: number,
  to: number,
  observer: BookObserver | null,
): number {
  const { store, effects, priceBias, moves } = context;
  const { levels, records, chains, shift } = store;
  const { heads, ticks, bits } = levels;
  const {
    kind: kinds,
    side: sides,
    flags,
    instrument,
    price,
    size,
    idLo,
    idHi,
    id2Lo,
    id2Hi,
  } = ops;
  const known = store.books;
  const tellsAll = observer !== null && observer.bestOnly !== true;
  const lists = observer?.bestMoved !== undefined;
  const biasWord = priceBias | 0;
  const stampHigh = store.stampHigh;
  let { live, stampLow } = store;
  let moved = 0;
  let at = from;
  context.tells = false;
  const rows = kinds.length;
  if (from < 0 || sides.length !== rows || flags.length !== rows) refuseBatch();
  if (instrument.length !== rows || price.length !== rows || size.length !== rows) refuseBatch();
  if (idLo.length !== rows || idHi.length !== rows) refuseBatch();
  if (id2Lo.length !== rows || id2Hi.length !== rows) refuseBatch();
  for (; at < rows; at++) {
    if (at >= to) break;
    const kind = kinds[at];
    const book = instrument[at];
    if (kind === OpKind.None || kind > OpKind.ExecuteAt || book < 0 || book >= known) {
      // A print is in no book: only rows, or an observer of every op, have a use for it.
      if (kind === OpKind.Print && effects === null && !tellsAll) continue;
      break;
    }
    const idLow = idLo[at];
    const idHigh = idHi[at];
    const chain = chainOf(idLow, idHigh, shift);
    let slot = chains[chain];
    let record = (slot << RECORD_SHIFT) & RECORD_BITS;
    while (
      slot !== 0 &&
      (records[record + ID_HIGH] !== idHigh || records[record + ID_LOW] !== idLow)
    ) {
      slot = records[record + NEXT];
      record = (slot << RECORD_SHIFT) & RECORD_BITS;
    }
    if ((slot !== 0) === (kind === OpKind.Add)) break;

    // What leaves: `cut` of the order's size, and with it perhaps the order, perhaps the level.
    let place = 0;
    let head = 0;
    let tick = 0;
    let open = 0;
    let cut = 0;
    let best = 0;
    let pair = 0;
    let orders = 0;
    let sum = 0;
    let touched = false;
    let leaves = false;
    let comes = true;
    if (kind !== OpKind.Add) {
      place = records[record + PLACE];
      head = (((place >>> 2) << HEAD_SHIFT) + ((place & 1) << SIDE_SHIFT)) & HEAD_BITS;
      best = heads[head + BEST];
      const number = tickNumber(heads, head, records[record + KEY]);
      if ((place & 2) !== 0 || number >>> 0 >= heads[head + WIDTH]) break;
      tick = heads[head + START] + number;
      pair = (tick << 1) & TICK_BITS;
      open = records[record + SIZE] >>> 0;
      comes = kind === OpKind.Replace;
      cut = open;
      if (kind === OpKind.Modify) {
        const word = (price[at] | 0) ^ biasWord;
        const key = (place & 1) === 0 ? word : ~word;
        if (place !== ((book << 2) | sides[at]) || size[at] === 0) break;
        comes = key !== records[record + KEY] || size[at] > open;
        if (!comes) cut = open - size[at];
      } else if (!comes && kind !== OpKind.Cancel) {
        cut = size[at];
        if (cut > open) break;
      }
      leaves = cut === open;
      orders = ticks[pair + 1];
      sum = ticks[pair];
      if (((sum ^ WORD_MIN) | 0) < ((cut ^ WORD_MIN) | 0)) break;
      touched = tick === best;
      if (leaves && touched && orders === 1) {
        best = highestBelow(bits, tick, heads[head + START]);
        if (best < heads[head + START]) break;
      }
    }

    // What comes: a place at the end of a level's queue.
    let newKey = 0;
    let newHead = 0;
    let newTick = 0;
    let newPair = 0;
    let newSum = 0;
    let newPlace = 0;
    let newLow = idLow;
    let newHigh = idHigh;
    let newChain = chain;
    if (comes) {
      const side = kind === OpKind.Replace ? place & 1 : sides[at];
      if ((flags[at] & OpFlag.MarketOrder) !== 0 || side > 1) break;
      const word = (price[at] | 0) ^ biasWord;
      newKey = side === 0 ? word : ~word;
      newPlace = (book << 2) | side;
      const bookHead = (book << HEAD_SHIFT) & HEAD_BITS;
      const fresh = heads[bookHead + FRESH_SLOT] & (SLAB - 1);
      const needsSlab = fresh === 0 && heads[bookHead + VACANT_SLOT] === 0;
      newHead = (bookHead + (side << SIDE_SHIFT)) & HEAD_BITS;
      const width = heads[newHead + WIDTH];
      const number = tickNumber(heads, newHead, newKey);
      if (number >>> 0 >= width) break;
      newTick = heads[newHead + START] + number;
      newPair = (newTick << 1) & TICK_BITS;
      newSum = (ticks[newPair] + size[at]) | 0;
      if (((newSum ^ WORD_MIN) | 0) < ((size[at] ^ WORD_MIN) | 0)) break;
      if ((needsSlab && kind === OpKind.Add) || stampLow === -1) break;
      if (kind === OpKind.Replace) {
        newLow = id2Lo[at];
        newHigh = id2Hi[at];
        newChain = chainOf(newLow, newHigh, shift);
        let other = chains[newChain];
        while (other !== 0) {
          const there = other << RECORD_SHIFT;
          if (records[there + ID_LOW] === newLow && records[there + ID_HIGH] === newHigh) break;
          other = records[there + NEXT];
        }
        if (other !== 0 || place >>> 2 !== book) break;
      }
    }

    // Nothing stands against it: write.
    if (effects !== null) {
      effects.count = 0;
      if (kind === OpKind.Execute || kind === OpKind.ExecuteAt) {
        const resting = priceOf(records[record + KEY], place & 1, priceBias);
        const isPrinted = kind === OpKind.Execute || (flags[at] & OpFlag.Printable) !== 0;
        const traded = kind === OpKind.Execute ? resting : price[at];
        if (isPrinted) {
          effects.add(Action.Trade, (place & 1) ^ 1, place >>> 2, traded, size[at], 0, 0);
        }
        effects.add(Action.Fill, place & 1, place >>> 2, resting, cut, idLow, idHigh);
      } else if (kind !== OpKind.Add && kind !== OpKind.Modify) {
        const resting = priceOf(records[record + KEY], place & 1, priceBias);
        effects.add(Action.Cancel, place & 1, place >>> 2, resting, cut, idLow, idHigh);
      }
    }
    if (kind !== OpKind.Add) {
      if (leaves) {
        const left = (orders - 1) | 0;
        ticks[pair + 1] = left;
        ticks[pair] = (sum - cut) | 0;
        heads[head + BEST] = best;
        bits[tick >>> 5] &= ~(((left - 1) >>> 31) << (tick & 31));
        if (kind !== OpKind.Modify) {
          const next = records[record + NEXT];
          let before = chains[chain];
          if (before === slot) chains[chain] = next;
          else {
            while (records[(before << RECORD_SHIFT) + NEXT] !== slot) {
              before = records[(before << RECORD_SHIFT) + NEXT];
            }
            records[(before << RECORD_SHIFT) + NEXT] = next;
          }
          const vacant = ((place >>> 2) << HEAD_SHIFT) + VACANT_SLOT;
          records[record + NEXT] = heads[vacant];
          records[record + PLACE] = VACANT;
          heads[vacant] = slot;
          live--;
        }
      } else {
        ticks[pair] = (sum - cut) | 0;
        records[record + SIZE] = open - cut;
      }
    }
    if (comes) {
      if (kind !== OpKind.Modify) {
        const bookHead = (book << HEAD_SHIFT) & HEAD_BITS;
        const fresh = heads[bookHead + FRESH_SLOT];
        slot = heads[bookHead + VACANT_SLOT];
        if (slot !== 0) {
          record = (slot << RECORD_SHIFT) & RECORD_BITS;
          heads[bookHead + VACANT_SLOT] = records[record + NEXT];
        } else {
          slot = fresh;
          record = (slot << RECORD_SHIFT) & RECORD_BITS;
          heads[bookHead + FRESH_SLOT] = (slot + 1) | 0;
        }
        // Written again below: the last word first, so that no other is checked.
        records[record + STAMP_HIGH] = stampHigh;
        records[record + ID_LOW] = newLow;
        records[record + ID_HIGH] = newHigh;
        records[record + NEXT] = chains[newChain];
        chains[newChain] = slot;
        live++;
      }
      stampLow = (stampLow + 1) | 0;
      records[record + STAMP_HIGH] = stampHigh;
      records[record + KEY] = newKey;
      records[record + SIZE] = size[at];
      records[record + PLACE] = newPlace;
      records[record + STAMP_LOW] = stampLow;
      const queued = ticks[newPair + 1];
      ticks[newPair + 1] = (queued + 1) | 0;
      ticks[newPair] += size[at];
      bits[newTick >>> 5] |= ((queued - 1) >>> 31) << (newTick & 31);
      const lead = (newTick - heads[newHead + BEST]) | 0;
      heads[newHead + BEST] = newTick - (lead & (lead >> 31));
      touched = touched || lead >= 0;
    }
    if (effects !== null && (comes || kind === OpKind.Modify)) {
      const key = comes ? newKey : records[record + KEY];
      const action = kind === OpKind.Modify ? Action.Modify : Action.Add;
      const side = (comes ? newPlace : place) & 1;
      store.noteCross(records[record + PLACE], key, newLow, newHigh);
      effects.add(action, side, book, price[at], size[at], newLow, newHigh);
    }
    if (lists && touched) {
      const bid = (book << HEAD_SHIFT) & HEAD_BITS;
      const ask = bid + (1 << SIDE_SHIFT);
      const askStep = heads[ask + TICK];
      if (heads[bid + WIDTH] !== 0 && heads[ask + WIDTH] !== 0) {
        const askTick = heads[ask + BEST];
        const askNumber = (askTick - heads[ask + START]) | 0;
        const bidTick = heads[bid + BEST];
        const bidNumber = (bidTick - heads[bid + START]) | 0;
        const askWord = (heads[ask + BASE] + Math.imul(askNumber, askStep)) | 0;
        const bidWord = (heads[bid + BASE] + Math.imul(bidNumber, heads[bid + TICK])) | 0;
        moves[moved + 4] = askNumber >= 0 ? ticks[askTick << 1] : 0;
        moves[moved + 3] = askNumber >= 0 ? ~askWord ^ biasWord : 0;
        moves[moved + 2] = bidNumber >= 0 ? ticks[bidTick << 1] : 0;
        moves[moved + 1] = bidNumber >= 0 ? bidWord ^ biasWord : 0;
        moves[moved] = book;
        moved += MOVE_WORDS;
        continue;
      }
    }
    if (tellsAll || (touched && observer !== null)) {
      levels.touchedBest = touched;
      context.tells = true;
      at++;
      break;
    }
  }
  store.live = live;
  store.stampLow = stampLow;
  context.moveCount = moved;
  return at;
}

function priceOf(key: number, side: number, priceBias: number): number {
  return (side === 0 ? key : ~key) + priceBias;
}
