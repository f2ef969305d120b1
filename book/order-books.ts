/**
 * Order-by-order books of one stream, price-time priority, driven by ops in batches.
 *
 *   OpBatch ──(1) look ahead──► BookStore's cache lines ──(2) apply──► Effects ──► observer
 *             (look-ahead.ts)    (book-store.ts)
 *
 * Where the time goes. With hundreds of thousands of live orders each look-up misses the near
 * caches: the head of a chain, the order's record, its side's levels. None of the ops of a batch
 * depends on another's look-up, so (1) loads these lines for the next 64 ops first: their misses are
 * in flight together. Then (2) applies them one by one on lines that have arrived: nearly all in the
 * loop of `order-loop.ts`, which calls nothing, the others here, in full.
 *
 * What a book costs, and its worst cases, stand at the head of `book-store.ts`.
 *
 * Semantics (NSE rules are those of the protocol notes, section 4):
 * - a doubled id replaces the order (rule 1); a modify of an unknown id adds it (2); a cancel of an
 *   unknown id does nothing (3); a trade reduces each side that is known (4), and removes it at 0 (5);
 * - a modify keeps priority only if the price stays and the size does not grow (7);
 * - an order at price 0 of the closing auction stands in no level (15);
 * - crossed books are normal (8) and never repaired.
 */
import { refuseBatch } from "../feed/columns.ts";
import { type OpBatch, OpFlag, OpKind, Side } from "../feed/op-batch.ts";
import { BookStore } from "./book-store.ts";
import {
  type Best,
  type BookObserver,
  type Books,
  type BooksImage,
  type Levels,
  MOVE_WORDS,
  type QueuedOrder,
} from "./books.ts";
import { Action, Effects } from "./effects.ts";
import type { LaterCopy } from "./later-copy.ts";
import { LOOK_AHEAD, lookAhead } from "./look-ahead.ts";
import { type Memory, PLAIN_MEMORY } from "./memory.ts";
import { applyPlain, type LoopContext } from "./order-loop.ts";
import { sideHead } from "./price-levels.ts";

export interface OrderBooksOptions {
  /** Prices are unsigned words on the wire (ITCH). */
  readonly unsignedPrices: boolean;
  /** Fill `effects`: needed for rows, a cost when only the books count. */
  readonly effects: boolean;
  /** Where the large arrays lie; plain memory by default. */
  readonly memory?: Memory;
}

export class OrderBooks implements Books {
  readonly effects = new Effects();
  readonly anomalies = new Map<string, number>();
  private readonly store: BookStore;
  private readonly recording: boolean;
  /** Subtracted from a price to get a sortable signed word. */
  private readonly priceBias: number;
  private readonly context: LoopContext;
  private turn = 0;
  /** What was loaded ahead: kept, so that no engine leaves the loads out. */
  private touched = 0;

  constructor(options: OrderBooksOptions) {
    const memory = options.memory ?? PLAIN_MEMORY;
    this.store = new BookStore(memory);
    this.recording = options.effects;
    this.priceBias = options.unsignedPrices ? 2147483648 : 0;
    this.context = {
      store: this.store,
      effects: options.effects ? this.effects : null,
      priceBias: this.priceBias,
      moves: new Int32Array(LOOK_AHEAD * MOVE_WORDS),
      moveCount: 0,
      tells: false,
    };
  }

  get liveOrders(): number {
    return this.store.live;
  }

  get touchedBest(): boolean {
    return this.store.levels.touchedBest;
  }

  apply(ops: OpBatch, from: number, to: number, observer: BookObserver | null): void {
    const { store, context } = this;
    if (to > ops.capacity) refuseBatch();
    const isCopying = store.isCopying();
    for (let start = from; start < to; start += LOOK_AHEAD) {
      const end = Math.min(to, start + LOOK_AHEAD);
      this.countOps(ops, start, end);
      if (isCopying) {
        for (let at = start; at < end; at++) this.applyAndTell(ops, at, observer);
        continue;
      }
      store.makeRoom(LOOK_AHEAD);
      this.touched ^= lookAhead(store, ops, start, end, this.priceBias);
      let at = start;
      while (at < end) {
        at = applyPlain(context, ops, at, end, observer);
        if (context.moveCount > 0) observer?.bestMoved?.(context.moves, context.moveCount);
        if (context.tells) observer?.after(ops, at - 1, this);
        else if (at < end) this.applyAndTell(ops, at++, observer);
      }
    }
  }

  /** The ops are counted as one book's: another row's each time, since batches may begin alike. */
  private countOps(ops: OpBatch, from: number, to: number): void {
    this.turn = (this.turn + 1) % LOOK_AHEAD;
    const book = ops.instrument[from + (this.turn % (to - from))];
    if (book >= 0 && book < this.store.books) this.store.levels.countOps(book, to - from);
  }

  private applyAndTell(ops: OpBatch, at: number, observer: BookObserver | null): void {
    const { levels } = this.store;
    levels.touchedBest = false;
    if (this.recording) this.effects.count = 0;
    this.applyOne(ops, at);
    if (observer !== null && (levels.touchedBest || observer.bestOnly !== true)) {
      observer.after(ops, at, this);
    }
  }

  clear(): void {
    this.store.clear();
  }

  image(): BooksImage {
    return this.store.image();
  }

  /** A copy of an array of the image that would take long, `undefined` for the others. */
  copyLater(array: string, into: Uint8Array): LaterCopy | undefined {
    return array === "records" ? this.store.copyRecords(into) : undefined;
  }

  restore(image: BooksImage): void {
    this.store.restore(image);
  }

  topLevels(instrument: number, side: number, out: Levels): void {
    const { levels, books } = this.store;
    out.count = 0;
    if (instrument >= books) return;
    const head = sideHead((instrument << 2) | side);
    const count = levels.top(head, out.capacity, out.price, out.size, out.orders);
    for (let i = 0; i < count; i++) out.price[i] = this.priceOf(out.price[i], side);
    out.count = count;
  }

  readBest(instrument: number, out: Best): void {
    const { levels, books } = this.store;
    if (instrument < books) levels.readBest(instrument, this.priceBias, out);
    else
      out.bidPrice = out.bidSize = out.bidOrders = out.askPrice = out.askSize = out.askOrders = 0;
  }

  readBestWords(instrument: number, out: Int32Array): void {
    const { levels, books } = this.store;
    if (instrument < books) levels.readBestWords(instrument, this.priceBias | 0, out);
    else out[0] = out[1] = out[2] = out[3] = 0;
  }

  isCrossed(instrument: number): boolean {
    const { levels, books } = this.store;
    if (instrument >= books) return false;
    const bid = sideHead(instrument << 2);
    const ask = sideHead((instrument << 2) | Side.Sell);
    if (levels.isEmpty(bid) || levels.isEmpty(ask)) return false;
    return levels.bestKey(bid) >= ~levels.bestKey(ask);
  }

  queue(instrument: number, side: number, price: number): QueuedOrder[] {
    const { store } = this;
    if (instrument >= store.books) return [];
    const key = this.keyOf(price, side);
    const place = (instrument << 2) | side;
    const slots: number[] = [];
    store.forEachOf(instrument, (slot) => {
      if (store.place(slot) === place && store.key(slot) === key) slots.push(slot);
    });
    slots.sort((a, b) => store.stamp(a) - store.stamp(b));
    return slots.map((slot, position) => ({
      orderId: idText(store.idHigh(slot), store.idLow(slot)),
      size: store.openSize(slot),
      position,
    }));
  }

  /** An op of any kind, in full: what the loop leaves. */
  private applyOne(ops: OpBatch, at: number): void {
    switch (ops.kind[at]) {
      case OpKind.Add:
        this.add(ops, at);
        break;
      case OpKind.Cancel:
        this.cancel(ops, at);
        break;
      case OpKind.Execute:
      case OpKind.ExecuteAt:
        this.execute(ops, at);
        break;
      case OpKind.Replace:
        this.replace(ops, at);
        break;
      case OpKind.Reduce:
        this.reduce(ops, at);
        break;
      case OpKind.Modify:
        this.modify(ops, at);
        break;
      case OpKind.Trade:
        this.trade(ops, at);
        break;
      case OpKind.Print:
        this.record(Action.Trade, Side.None, ops.instrument[at], ops.price[at], ops.size[at]);
        break;
      case OpKind.Break:
        this.record(Action.Break, Side.None, ops.instrument[at], ops.price[at], ops.size[at]);
        break;
      case OpKind.Clear:
      case OpKind.SnapshotBegin:
        this.clearAll();
        break;
    }
  }

  private add(ops: OpBatch, at: number): void {
    const idLow = ops.idLo[at];
    const idHigh = ops.idHi[at];
    this.makeRoomFor(idLow, idHigh);
    this.put(ops, at, idLow, idHigh, ops.side[at]);
    if (this.recording) this.recordOrder(Action.Add, ops, at, ops.side[at], idLow, idHigh);
  }

  private cancel(ops: OpBatch, at: number): void {
    const slot = this.store.find(ops.idLo[at], ops.idHi[at]);
    if (slot === 0) {
      this.anomaly("cancel_unknown_order");
      return;
    }
    if (this.recording) this.recordSlot(Action.Cancel, slot, this.store.openSize(slot));
    this.store.take(slot);
  }

  private reduce(ops: OpBatch, at: number): void {
    const slot = this.store.find(ops.idLo[at], ops.idHi[at]);
    if (slot === 0) this.anomaly("reduce_unknown_order");
    else this.cut(slot, ops.size[at], Action.Cancel);
  }

  private execute(ops: OpBatch, at: number): void {
    const slot = this.store.find(ops.idLo[at], ops.idHi[at]);
    const ownPrice = ops.kind[at] === OpKind.ExecuteAt;
    const printed = !ownPrice || (ops.flags[at] & OpFlag.Printable) !== 0;
    if (slot === 0) {
      this.anomaly("execute_unknown_order");
      if (ownPrice && printed) {
        this.record(Action.Trade, Side.None, ops.instrument[at], ops.price[at], ops.size[at]);
      }
      return;
    }
    if (this.recording && printed) {
      const place = this.store.place(slot);
      const price = ownPrice ? ops.price[at] : this.priceOfSlot(slot);
      this.record(Action.Trade, (place & 1) ^ 1, place >>> 2, price, ops.size[at]);
    }
    this.cut(slot, ops.size[at], Action.Fill);
  }

  private replace(ops: OpBatch, at: number): void {
    const slot = this.store.find(ops.idLo[at], ops.idHi[at]);
    if (slot === 0) {
      this.anomaly("replace_unknown_order");
      return;
    }
    const side = this.store.place(slot) & 1;
    if (this.recording) this.recordSlot(Action.Cancel, slot, this.store.openSize(slot));
    this.store.take(slot);
    const idLow = ops.id2Lo[at];
    const idHigh = ops.id2Hi[at];
    this.makeRoomFor(idLow, idHigh);
    this.put(ops, at, idLow, idHigh, side);
    if (this.recording) this.recordOrder(Action.Add, ops, at, side, idLow, idHigh);
  }

  private modify(ops: OpBatch, at: number): void {
    const { store } = this;
    const idLow = ops.idLo[at];
    const idHigh = ops.idHi[at];
    const side = ops.side[at];
    const slot = store.find(idLow, idHigh);
    if (slot === 0) {
      this.anomaly("modify_unknown_order");
      this.put(ops, at, idLow, idHigh, side);
      if (this.recording) this.recordOrder(Action.Add, ops, at, side, idLow, idHigh);
      return;
    }
    const place = placeOf(ops, at, side);
    const key = this.keyOf(ops.price[at], side);
    const oldPlace = store.place(slot);
    if ((oldPlace ^ place) >>> 2 !== 0) {
      this.anomaly("modify_of_another_instrument");
      store.take(slot);
      this.put(ops, at, idLow, idHigh, side);
    } else {
      if (((oldPlace ^ place) & 1) !== 0) this.anomaly("modify_changes_side");
      const keepsPriority = oldPlace === place && store.key(slot) === key;
      if (keepsPriority && ops.size[at] <= store.openSize(slot)) store.resize(slot, ops.size[at]);
      else store.requeue(slot, place, key, ops.size[at]);
      if (this.recording) this.store.noteCross(place, key, idLow, idHigh);
    }
    if (this.recording) this.recordOrder(Action.Modify, ops, at, side, idLow, idHigh);
  }

  private trade(ops: OpBatch, at: number): void {
    const { store } = this;
    const instrument = ops.instrument[at];
    const size = ops.size[at];
    const buy = this.sideOfTrade(ops.idLo[at], ops.idHi[at], instrument);
    const sell = this.sideOfTrade(ops.id2Lo[at], ops.id2Hi[at], instrument);
    if ((ops.idLo[at] | ops.idHi[at] | ops.id2Lo[at] | ops.id2Hi[at]) === 0) {
      this.anomaly("trade_without_orders");
    }
    if (this.recording) {
      const aggressor = this.aggressor(instrument, buy, sell);
      this.record(Action.Trade, aggressor, instrument, ops.price[at], size);
    }
    if (buy !== 0) this.cut(buy, size, Action.Fill);
    if (sell !== 0 && store.holds(sell, ops.id2Lo[at], ops.id2Hi[at])) {
      this.cut(sell, size, Action.Fill);
    }
  }

  /** Slot of one side of a trade, 0 if it has none; an order of another instrument is not its. */
  private sideOfTrade(idLow: number, idHigh: number, instrument: number): number {
    if ((idLow | idHigh) === 0) return 0;
    const slot = this.store.find(idLow, idHigh);
    if (slot === 0) {
      this.anomaly("trade_unknown_order");
      return 0;
    }
    if (this.store.place(slot) >>> 2 === instrument) return slot;
    this.anomaly("trade_of_another_instrument");
    return 0;
  }

  /** The side that is 0 or unknown, else the order that last made the book cross, else none. */
  private aggressor(instrument: number, buy: number, sell: number): number {
    if (buy === 0 && sell === 0) return Side.None;
    if (buy === 0) return Side.Buy;
    if (sell === 0) return Side.Sell;
    if (this.store.isCrosser(instrument, buy)) return Side.Buy;
    if (this.store.isCrosser(instrument, sell)) return Side.Sell;
    return Side.None;
  }

  /** An id that is there already leaves: the newer order replaces it. */
  private makeRoomFor(idLow: number, idHigh: number): void {
    const old = this.store.find(idLow, idHigh);
    if (old === 0) return;
    this.anomaly("duplicate_order_id");
    this.store.take(old);
  }

  /** Puts the op's order at the end of its queue. */
  private put(ops: OpBatch, at: number, idLow: number, idHigh: number, side: number): void {
    const { store } = this;
    if (ops.instrument[at] >= store.books) store.reserve(ops.instrument[at]);
    const place = placeOf(ops, at, side);
    const key = this.keyOf(ops.price[at], side);
    store.put(idLow, idHigh, place, key, ops.size[at]);
    if (this.recording) this.store.noteCross(place, key, idLow, idHigh);
  }

  /** Cuts an order by `size`, removes it at 0, and records what was really cut. */
  private cut(slot: number, size: number, action: number): void {
    const { store } = this;
    const open = store.openSize(slot);
    if (size > open) this.anomaly("negative_remainder");
    if (this.recording) this.recordSlot(action, slot, Math.min(size, open));
    if (size >= open) store.take(slot);
    else store.resize(slot, open - size);
  }

  private clearAll(): void {
    const { books } = this.store;
    this.store.clear();
    for (let i = 0; i < books; i++) this.record(Action.Clear, Side.None, i, Number.NaN, 0);
  }

  private keyOf(price: number, side: number): number {
    const word = (price - this.priceBias) | 0;
    return side === Side.Buy ? word : ~word;
  }

  private priceOf(key: number, side: number): number {
    return (side === Side.Buy ? key : ~key) + this.priceBias;
  }

  /** An order of the closing auction at price 0 has no key. */
  private priceOfSlot(slot: number): number {
    const place = this.store.place(slot);
    return (place & 2) !== 0 ? 0 : this.priceOf(this.store.key(slot), place & 1);
  }

  /** A row without an order. */
  private record(action: number, side: number, book: number, price: number, size: number): void {
    if (this.recording) this.effects.add(action, side, book, price, size, 0, 0);
  }

  private recordOrder(
    action: number,
    ops: OpBatch,
    at: number,
    side: number,
    idLow: number,
    idHigh: number,
  ): void {
    const { instrument, price, size } = ops;
    this.effects.add(action, side, instrument[at], price[at], size[at], idLow, idHigh);
  }

  private recordSlot(action: number, slot: number, size: number): void {
    const { store } = this;
    const place = store.place(slot);
    const price = this.priceOfSlot(slot);
    const [idLow, idHigh] = [store.idLow(slot), store.idHigh(slot)];
    this.effects.add(action, place & 1, place >>> 2, price, size, idLow, idHigh);
  }

  private anomaly(kind: string): void {
    this.anomalies.set(kind, (this.anomalies.get(kind) ?? 0) + 1);
  }
}

/** `book << 2 | market order << 1 | side`, as an order's record keeps it. */
function placeOf(ops: OpBatch, at: number, side: number): number {
  const market = (ops.flags[at] & OpFlag.MarketOrder) !== 0 ? 2 : 0;
  return (ops.instrument[at] << 2) | market | side;
}

/** Decimal digits of a 64-bit id. */
function idText(high: number, low: number): string {
  const number = (high >>> 0) * 4294967296 + (low >>> 0);
  if (number <= Number.MAX_SAFE_INTEGER) return String(number);
  return String((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
}
