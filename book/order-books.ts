/**
 * Order-by-order books of one stream, price-time priority, driven by ops in batches.
 *
 *   OpBatch ──touch──► OrderTable lines in cache ──apply──► PriceLevels ──► Effects, observer
 *             (1)       (order-table.ts)            (2)      (price-levels.ts)
 *
 * Where the time goes. With hundreds of thousands of live orders each look-up misses the near
 * caches: the head of a chain, the order's record, its side's levels. None of the ops of a batch
 * depends on another's look-up, so (1) walks the chains of the next 64 ops first: their misses are
 * in flight together. Then (2) applies them one by one on lines that have arrived. What the first
 * pass found is only a hint, since an op may add or remove what a later one looks for.
 *
 * What a book costs: 32 bytes an order, 4 for its chain, 16 a level. The worst cases stand in the
 * heads of the two files below this one.
 *
 * Semantics (NSE rules are those of the protocol notes, section 4):
 * - a doubled id replaces the order (rule 1); a modify of an unknown id adds it (2); a cancel of an
 *   unknown id does nothing (3); a trade reduces each side that is known (4), and removes it at 0 (5);
 * - a modify keeps priority only if the price stays and the size does not grow (7);
 * - an order at price 0 of the closing auction stands in no level (15);
 * - crossed books are normal (8) and never repaired.
 */
import { type OpBatch, OpFlag, OpKind, Side } from "../feed/op-batch.ts";
import { BookHeads, CROSSER_HIGH, CROSSER_LOW, HEAD_WORDS } from "./book-heads.ts";
import type { BookObserver, Books, Levels, QueuedOrder } from "./books.ts";
import { Action, Effects } from "./effects.ts";
import { type Memory, PLAIN_MEMORY } from "./memory.ts";
import { OrderTable } from "./order-table.ts";
import { PriceLevels } from "./price-levels.ts";

/** Ops whose orders are looked up together. */
const TOUCH_BATCH = 64;

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
  private readonly heads = new BookHeads();
  private readonly orders: OrderTable;
  private readonly levels: PriceLevels;
  private readonly recording: boolean;
  /** Subtracted from a price to get a sortable signed word. */
  private readonly priceBias: number;
  /** What the touching loads gave: kept so that they cannot be left out. */
  touched = 0;
  private readonly hints = new Int32Array(TOUCH_BATCH);

  constructor(options: OrderBooksOptions) {
    const memory = options.memory ?? PLAIN_MEMORY;
    this.orders = new OrderTable(this.heads, memory);
    this.levels = new PriceLevels(this.heads, memory);
    this.recording = options.effects;
    this.priceBias = options.unsignedPrices ? 2147483648 : 0;
  }

  get liveOrders(): number {
    return this.orders.size;
  }

  get touchedBest(): boolean {
    return this.levels.touchedBest;
  }

  apply(ops: OpBatch, from: number, to: number, observer: BookObserver | null): void {
    for (let start = from; start < to; start += TOUCH_BATCH) {
      const end = Math.min(to, start + TOUCH_BATCH);
      this.touch(ops, start, end);
      for (let at = start; at < end; at++) {
        this.levels.touchedBest = false;
        if (this.recording) this.effects.count = 0;
        this.applyOne(ops, at, this.hints[at - start]);
        if (observer !== null) observer.after(ops, at, this);
      }
    }
  }

  clear(): void {
    this.orders.clear();
    this.levels.clear();
    this.heads.clear();
    this.levels.touchedBest = true;
  }

  topLevels(instrument: number, side: number, out: Levels): void {
    const levels = this.levels;
    out.count = 0;
    if (instrument >= this.heads.count) return;
    const book = instrument * 2 + side;
    const end = levels.end(book);
    const count = Math.min(out.capacity, levels.count(book));
    for (let i = 0; i < count; i++) {
      const at = end - 1 - i;
      out.price[i] = this.priceOf(levels.keyAt(at), side);
      out.size[i] = levels.sizeAt(at);
      out.orders[i] = levels.countAt(at);
    }
    out.count = count;
  }

  isCrossed(instrument: number): boolean {
    const levels = this.levels;
    const bid = instrument * 2;
    if (instrument >= this.heads.count || levels.count(bid) === 0 || levels.count(bid + 1) === 0) {
      return false;
    }
    return levels.keyAt(levels.end(bid) - 1) >= ~levels.keyAt(levels.end(bid + 1) - 1);
  }

  queue(instrument: number, side: number, price: number): QueuedOrder[] {
    if (instrument >= this.heads.count) return [];
    const orders = this.orders;
    const key = this.keyOf(price, side);
    const place = (instrument << 2) | side;
    const slots: number[] = [];
    orders.forEachOf(instrument, (slot) => {
      if (orders.place(slot) === place && orders.key(slot) === key) slots.push(slot);
    });
    slots.sort((a, b) => orders.stamp(a) - orders.stamp(b));
    return slots.map((slot, position) => ({
      orderId: idText(orders.idHigh(slot), orders.idLow(slot)),
      size: orders.openSize(slot),
      position,
    }));
  }

  /** Looks up the orders of the next ops, all misses in flight together. */
  private touch(ops: OpBatch, from: number, to: number): void {
    const { orders, levels, hints } = this;
    const { idLo, idHi } = ops;
    const books = this.heads.count;
    for (let at = from; at < to; at++) hints[at - from] = orders.find(idLo[at], idHi[at]);
    let touched = 0;
    for (let at = from; at < to; at++) {
      const slot = hints[at - from];
      const book = ops.instrument[at];
      if (slot !== 0) touched ^= levels.touch(placeSide(orders.place(slot)));
      else if (book >= 0 && book < books) touched ^= levels.touch(book * 2 + (ops.side[at] & 1));
    }
    this.touched = touched;
  }

  private applyOne(ops: OpBatch, at: number, hint: number): void {
    switch (ops.kind[at]) {
      case OpKind.Add:
        this.add(ops, at);
        break;
      case OpKind.Cancel:
        this.cancel(ops, at, hint);
        break;
      case OpKind.Execute:
      case OpKind.ExecuteAt:
        this.execute(ops, at, hint);
        break;
      case OpKind.Replace:
        this.replace(ops, at, hint);
        break;
      case OpKind.Reduce:
        this.reduce(ops, at, hint);
        break;
      case OpKind.Modify:
        this.modify(ops, at, hint);
        break;
      case OpKind.Trade:
        this.trade(ops, at);
        break;
      case OpKind.Print:
        this.record(Action.Trade, Side.None, ops.instrument[at], ops.price[at], ops.size[at], 0, 0);
        break;
      case OpKind.Break:
        this.record(Action.Break, Side.None, ops.instrument[at], ops.price[at], ops.size[at], 0, 0);
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
    const old = this.orders.find(idLow, idHigh);
    if (old !== 0) {
      this.anomaly("duplicate_order_id");
      this.take(old);
    }
    this.put(ops, at, idLow, idHigh, ops.side[at]);
    this.recordOrder(Action.Add, ops, at, ops.side[at], idLow, idHigh);
  }

  private cancel(ops: OpBatch, at: number, hint: number): void {
    const slot = this.slotOf(ops, at, hint);
    if (slot === 0) {
      this.anomaly("cancel_unknown_order");
      return;
    }
    if (this.recording) this.recordSlot(Action.Cancel, slot, this.orders.openSize(slot));
    this.take(slot);
  }

  private reduce(ops: OpBatch, at: number, hint: number): void {
    const slot = this.slotOf(ops, at, hint);
    if (slot === 0) {
      this.anomaly("reduce_unknown_order");
      return;
    }
    this.cut(slot, ops.size[at], Action.Cancel);
  }

  private execute(ops: OpBatch, at: number, hint: number): void {
    const slot = this.slotOf(ops, at, hint);
    const ownPrice = ops.kind[at] === OpKind.ExecuteAt;
    const printed = !ownPrice || (ops.flags[at] & OpFlag.Printable) !== 0;
    if (slot === 0) {
      this.anomaly("execute_unknown_order");
      if (ownPrice && printed) {
        this.record(Action.Trade, Side.None, ops.instrument[at], ops.price[at], ops.size[at], 0, 0);
      }
      return;
    }
    if (this.recording && printed) {
      const side = this.orders.side(slot);
      const price = ownPrice ? ops.price[at] : this.priceOfSlot(slot);
      this.record(Action.Trade, side ^ 1, this.orders.book(slot), price, ops.size[at], 0, 0);
    }
    this.cut(slot, ops.size[at], Action.Fill);
  }

  private replace(ops: OpBatch, at: number, hint: number): void {
    const slot = this.slotOf(ops, at, hint);
    if (slot === 0) {
      this.anomaly("replace_unknown_order");
      return;
    }
    const side = this.orders.side(slot);
    if (this.recording) this.recordSlot(Action.Cancel, slot, this.orders.openSize(slot));
    this.take(slot);
    const idLow = ops.id2Lo[at];
    const idHigh = ops.id2Hi[at];
    const old = this.orders.find(idLow, idHigh);
    if (old !== 0) {
      this.anomaly("duplicate_order_id");
      this.take(old);
    }
    this.put(ops, at, idLow, idHigh, side);
    this.recordOrder(Action.Add, ops, at, side, idLow, idHigh);
  }

  private modify(ops: OpBatch, at: number, hint: number): void {
    const slot = this.slotOf(ops, at, hint);
    const idLow = ops.idLo[at];
    const idHigh = ops.idHi[at];
    if (slot === 0) {
      this.anomaly("modify_unknown_order");
      this.put(ops, at, idLow, idHigh, ops.side[at]);
      this.recordOrder(Action.Add, ops, at, ops.side[at], idLow, idHigh);
      return;
    }
    const { orders, levels } = this;
    const side = ops.side[at];
    const place = placeOf(ops, at, side);
    const key = this.keyOf(ops.price[at], side);
    const size = ops.size[at];
    const oldPlace = orders.place(slot);
    const oldSize = orders.openSize(slot);
    if (oldPlace !== place && (oldPlace ^ place) >>> 2 !== 0) {
      this.anomaly("modify_of_another_instrument");
      this.take(slot);
      this.put(ops, at, idLow, idHigh, side);
    } else if (oldPlace === place && orders.key(slot) === key && size <= oldSize) {
      orders.setOpenSize(slot, size);
      if ((place & 2) === 0) levels.resize(placeSide(place), key, size - oldSize);
      this.noteCross(place, key, idLow, idHigh);
    } else {
      if (oldPlace !== place && ((oldPlace ^ place) & 1) !== 0) this.anomaly("modify_changes_side");
      if ((oldPlace & 2) === 0) levels.remove(placeSide(oldPlace), orders.key(slot), oldSize);
      orders.requeue(slot, place, key, size);
      if ((place & 2) === 0) levels.add(placeSide(place), key, size);
      this.noteCross(place, key, idLow, idHigh);
    }
    this.recordOrder(Action.Modify, ops, at, side, idLow, idHigh);
  }

  private trade(ops: OpBatch, at: number): void {
    const { orders } = this;
    const buyNone = (ops.idLo[at] | ops.idHi[at]) === 0;
    const sellNone = (ops.id2Lo[at] | ops.id2Hi[at]) === 0;
    const buy = buyNone ? 0 : this.sideOfTrade(ops.idLo[at], ops.idHi[at], ops.instrument[at]);
    const sell = sellNone ? 0 : this.sideOfTrade(ops.id2Lo[at], ops.id2Hi[at], ops.instrument[at]);
    if (buyNone && sellNone) this.anomaly("trade_without_orders");
    if (!buyNone && buy === 0) this.anomaly("trade_unknown_order");
    if (!sellNone && sell === 0) this.anomaly("trade_unknown_order");
    const size = ops.size[at];
    if (this.recording) {
      const aggressor = this.aggressor(ops.instrument[at], buy, sell);
      this.record(Action.Trade, aggressor, ops.instrument[at], ops.price[at], size, 0, 0);
    }
    if (buy !== 0) this.cut(buy, size, Action.Fill);
    if (sell !== 0 && orders.holds(sell, ops.id2Lo[at], ops.id2Hi[at])) {
      this.cut(sell, size, Action.Fill);
    }
  }

  /** Slot of one side of a trade; an order of another instrument is none of its business. */
  private sideOfTrade(idLow: number, idHigh: number, instrument: number): number {
    const slot = this.orders.find(idLow, idHigh);
    if (slot === 0 || this.orders.book(slot) === instrument) return slot;
    this.anomaly("trade_of_another_instrument");
    return 0;
  }

  /** The side that is 0 or unknown, else the order that last made the book cross, else none. */
  private aggressor(instrument: number, buy: number, sell: number): number {
    if (buy === 0 && sell === 0) return Side.None;
    if (buy === 0) return Side.Buy;
    if (sell === 0) return Side.Sell;
    const head = instrument * HEAD_WORDS;
    const low = this.heads.words[head + CROSSER_LOW];
    const high = this.heads.words[head + CROSSER_HIGH];
    if (this.orders.idLow(buy) === low && this.orders.idHigh(buy) === high) return Side.Buy;
    if (this.orders.idLow(sell) === low && this.orders.idHigh(sell) === high) return Side.Sell;
    return Side.None;
  }

  /** Remembers an order that crosses the best opposite price: the aggressor of what follows. */
  private noteCross(place: number, key: number, idLow: number, idHigh: number): void {
    if (!this.recording) return;
    const levels = this.levels;
    const opposite = placeSide(place) ^ 1;
    if ((place & 2) !== 0 || levels.count(opposite) === 0) return;
    if (key >= ~levels.keyAt(levels.end(opposite) - 1)) {
      const head = (place >>> 2) * HEAD_WORDS;
      this.heads.words[head + CROSSER_LOW] = idLow;
      this.heads.words[head + CROSSER_HIGH] = idHigh;
    }
  }

  private slotOf(ops: OpBatch, at: number, hint: number): number {
    if (hint !== 0 && this.orders.holds(hint, ops.idLo[at], ops.idHi[at])) return hint;
    return this.orders.find(ops.idLo[at], ops.idHi[at]);
  }

  /** Puts the op's order at the end of its queue. */
  private put(ops: OpBatch, at: number, idLow: number, idHigh: number, side: number): void {
    const instrument = ops.instrument[at];
    if (instrument >= this.heads.count) this.heads.reserve(instrument);
    const place = placeOf(ops, at, side);
    const key = this.keyOf(ops.price[at], side);
    this.orders.insert(idLow, idHigh, place, key, ops.size[at]);
    if ((place & 2) === 0) this.levels.add(placeSide(place), key, ops.size[at]);
    this.noteCross(place, key, idLow, idHigh);
  }

  /** Takes an order out of its level and out of the table. */
  private take(slot: number): void {
    const place = this.orders.place(slot);
    if ((place & 2) === 0) {
      this.levels.remove(placeSide(place), this.orders.key(slot), this.orders.openSize(slot));
    }
    this.orders.delete(slot);
  }

  /** Cuts an order by `size`, removes it at 0, and records what was really cut. */
  private cut(slot: number, size: number, action: number): void {
    const open = this.orders.openSize(slot);
    if (size > open) this.anomaly("negative_remainder");
    if (this.recording) this.recordSlot(action, slot, Math.min(size, open));
    if (size >= open) {
      this.take(slot);
      return;
    }
    this.orders.setOpenSize(slot, open - size);
    const place = this.orders.place(slot);
    if ((place & 2) === 0) this.levels.resize(placeSide(place), this.orders.key(slot), -size);
  }

  private clearAll(): void {
    const books = this.heads.count;
    this.clear();
    for (let i = 0; i < books; i++) this.record(Action.Clear, Side.None, i, Number.NaN, 0, 0, 0);
  }

  private keyOf(price: number, side: number): number {
    const word = (price - this.priceBias) | 0;
    return side === Side.Buy ? word : ~word;
  }

  private priceOf(key: number, side: number): number {
    return (side === Side.Buy ? key : ~key) + this.priceBias;
  }

  private priceOfSlot(slot: number): number {
    return this.orders.isMarketOrder(slot)
      ? 0
      : this.priceOf(this.orders.key(slot), this.orders.side(slot));
  }

  private record(
    action: number,
    side: number,
    instrument: number,
    price: number,
    size: number,
    idLow: number,
    idHigh: number,
  ): void {
    if (this.recording) this.effects.add(action, side, instrument, price, size, idLow, idHigh);
  }

  private recordOrder(
    action: number,
    ops: OpBatch,
    at: number,
    side: number,
    idLow: number,
    idHigh: number,
  ): void {
    if (!this.recording) return;
    const { instrument, price, size } = ops;
    this.effects.add(action, side, instrument[at], price[at], size[at], idLow, idHigh);
  }

  private recordSlot(action: number, slot: number, size: number): void {
    const orders = this.orders;
    const price = this.priceOfSlot(slot);
    const [side, book] = [orders.side(slot), orders.book(slot)];
    this.effects.add(action, side, book, price, size, orders.idLow(slot), orders.idHigh(slot));
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

/** Index of the place's side in `PriceLevels`: two sides an instrument. */
function placeSide(place: number): number {
  return ((place >>> 2) << 1) | (place & 1);
}

/** Decimal digits of a 64-bit id. */
function idText(high: number, low: number): string {
  const number = (high >>> 0) * 4294967296 + (low >>> 0);
  if (number <= Number.MAX_SAFE_INTEGER) return String(number);
  return String((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
}
