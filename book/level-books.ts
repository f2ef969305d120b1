/**
 * Books of feeds that publish price levels, not orders (IEX DEEP), or only the best ones (TOPS).
 *
 * Each side is a sorted pair of arrays, best level at the end, found by binary search. Prices are
 * doubles: IEX sends 64 bits, and a share above $429,496 does not fit in 32. These feeds are slow
 * beside order-by-order ones, so the layout is the plain one. Worst case: a level in the middle of
 * a side of n levels moves n/2 of them.
 */
import { type OpBatch, OpKind, Side } from "../feed/op-batch.ts";
import {
  Best,
  type BookObserver,
  type Books,
  type BooksImage,
  type Levels,
  type QueuedOrder,
} from "./books.ts";
import { Action, Effects } from "./effects.ts";

/** One side's levels; keys are prices, negated for asks, so that the highest is the best. */
class SortedLevels {
  keys = new Float64Array(8);
  sizes = new Float64Array(8);
  count = 0;

  /** First index whose key is at least `key`. */
  search(key: number): number {
    let from = 0;
    let to = this.count;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.keys[middle] < key) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  insert(at: number, key: number, size: number): void {
    if (this.count === this.keys.length) this.grow();
    this.keys.copyWithin(at + 1, at, this.count);
    this.sizes.copyWithin(at + 1, at, this.count);
    this.keys[at] = key;
    this.sizes[at] = size;
    this.count++;
  }

  erase(at: number): void {
    this.keys.copyWithin(at, at + 1, this.count);
    this.sizes.copyWithin(at, at + 1, this.count);
    this.count--;
  }

  private grow(): void {
    const keys = new Float64Array(this.keys.length * 2);
    keys.set(this.keys);
    this.keys = keys;
    const sizes = new Float64Array(this.sizes.length * 2);
    sizes.set(this.sizes);
    this.sizes = sizes;
  }
}

export class LevelBooks implements Books {
  readonly effects = new Effects();
  readonly anomalies = new Map<string, number>();
  touchedBest = false;
  /** Two for each instrument: bids, asks. */
  private sides: SortedLevels[] = [];
  private levels = 0;
  private readonly best = new Best();

  /** Levels that stand in all books: these feeds have no orders to count. */
  get liveOrders(): number {
    return this.levels;
  }

  apply(ops: OpBatch, from: number, to: number, observer: BookObserver | null): void {
    for (let at = from; at < to; at++) {
      this.touchedBest = false;
      this.effects.count = 0;
      this.applyOne(ops, at);
      if (observer !== null) observer.after(ops, at, this);
    }
  }

  clear(): void {
    this.sides = [];
    this.levels = 0;
    this.touchedBest = true;
  }

  image(): BooksImage {
    const counts = Int32Array.from(this.sides, (side) => side.count);
    const keys = new Float64Array(this.levels);
    const sizes = new Float64Array(this.levels);
    let at = 0;
    for (const side of this.sides) {
      keys.set(side.keys.subarray(0, side.count), at);
      sizes.set(side.sizes.subarray(0, side.count), at);
      at += side.count;
    }
    return { scalars: {}, arrays: { counts, keys, sizes } };
  }

  restore(image: BooksImage): void {
    const { counts, keys, sizes } = image.arrays;
    this.clear();
    let at = 0;
    for (const count of counts) {
      const side = new SortedLevels();
      for (let i = 0; i < count; i++, at++) side.insert(i, keys[at], sizes[at]);
      this.sides.push(side);
    }
    this.levels = at;
  }

  topLevels(instrument: number, side: number, out: Levels): void {
    const levels = this.sides[instrument * 2 + side];
    out.count = levels === undefined ? 0 : Math.min(out.capacity, levels.count);
    for (let i = 0; i < out.count; i++) {
      const at = levels.count - 1 - i;
      out.price[i] = side === Side.Buy ? levels.keys[at] : -levels.keys[at];
      out.size[i] = levels.sizes[at];
      out.orders[i] = 1;
    }
  }

  readBest(instrument: number, out: Best): void {
    const bids = this.sides[instrument * 2];
    const asks = this.sides[instrument * 2 + 1];
    out.bidOrders = bids !== undefined && bids.count > 0 ? 1 : 0;
    out.bidPrice = out.bidOrders > 0 ? bids.keys[bids.count - 1] : 0;
    out.bidSize = out.bidOrders > 0 ? bids.sizes[bids.count - 1] : 0;
    out.askOrders = asks !== undefined && asks.count > 0 ? 1 : 0;
    out.askPrice = out.askOrders > 0 ? -asks.keys[asks.count - 1] : 0;
    out.askSize = out.askOrders > 0 ? asks.sizes[asks.count - 1] : 0;
  }

  readBestWords(instrument: number, out: Int32Array): void {
    const { best } = this;
    this.readBest(instrument, best);
    out[0] = best.bidPrice;
    out[1] = best.bidSize;
    out[2] = best.askPrice;
    out[3] = best.askSize;
  }

  isCrossed(instrument: number): boolean {
    const bids = this.sides[instrument * 2];
    const asks = this.sides[instrument * 2 + 1];
    if (bids === undefined || bids.count === 0 || asks.count === 0) return false;
    return bids.keys[bids.count - 1] >= -asks.keys[asks.count - 1];
  }

  queue(): QueuedOrder[] {
    return [];
  }

  private applyOne(ops: OpBatch, at: number): void {
    const instrument = ops.instrument[at];
    switch (ops.kind[at]) {
      case OpKind.Level:
        this.setLevel(instrument, ops.side[at], ops.price[at], ops.size[at]);
        break;
      case OpKind.Quote:
        this.setOnly(instrument, Side.Buy, ops.price[at], ops.size[at]);
        this.setOnly(instrument, Side.Sell, ops.price2[at], ops.size2[at]);
        break;
      case OpKind.Print:
        this.effects.add(Action.Trade, Side.None, instrument, ops.price[at], ops.size[at], 0, 0);
        break;
      case OpKind.Break:
        this.effects.add(Action.Break, Side.None, instrument, ops.price[at], ops.size[at], 0, 0);
        break;
      case OpKind.Clear:
      case OpKind.SnapshotBegin:
        this.clearAll();
        break;
    }
  }

  private setLevel(instrument: number, side: number, price: number, size: number): void {
    const levels = this.sideOf(instrument, side);
    const key = side === Side.Buy ? price : -price;
    const at = levels.search(key);
    const there = at < levels.count && levels.keys[at] === key;
    if (at >= levels.count - 1) this.touchedBest = true;
    if (size === 0) {
      if (there) {
        levels.erase(at);
        this.levels--;
      } else this.anomaly("remove_unknown_level");
    } else if (there) {
      levels.sizes[at] = size;
    } else {
      levels.insert(at, key, size);
      this.levels++;
    }
  }

  /** The side becomes this one level; none if the size is 0. */
  private setOnly(instrument: number, side: number, price: number, size: number): void {
    const levels = this.sideOf(instrument, side);
    this.levels -= levels.count;
    levels.count = 0;
    this.touchedBest = true;
    if (size === 0) return;
    levels.insert(0, side === Side.Buy ? price : -price, size);
    this.levels++;
  }

  private sideOf(instrument: number, side: number): SortedLevels {
    while (this.sides.length <= instrument * 2 + 1) this.sides.push(new SortedLevels());
    return this.sides[instrument * 2 + side];
  }

  private clearAll(): void {
    const instruments = this.sides.length / 2;
    this.clear();
    for (let i = 0; i < instruments; i++) {
      this.effects.add(Action.Clear, Side.None, i, Number.NaN, 0, 0, 0);
    }
  }

  private anomaly(kind: string): void {
    this.anomalies.set(kind, (this.anomalies.get(kind) ?? 0) + 1);
  }
}
