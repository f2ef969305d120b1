/**
 * One side of one instrument's book: price levels, and at each a queue in the order of arrival.
 *
 * Levels are numbers that grow with priority (a bid's price, an ask's price negated), sorted, best
 * last: most of what happens is near the best price, where inserting moves least. Worst case: a
 * new level far from it moves all better ones, some dozens.
 */
import { BUY } from "./encoder.ts";
import type { OrderStore } from "./order-store.ts";

/** Where a price stands on its side. */
export function levelOf(side: number, price: number): number {
  return side === BUY ? price : -price;
}

/** The price of a level; a level of the other sign convention, and no market level. */
export function priceOf(side: number, level: number): number {
  return side === BUY ? level : 0 - level;
}

export class BookSide {
  private readonly orders: OrderStore;
  private readonly levels: number[] = [];
  private readonly heads: number[] = [];
  private readonly tails: number[] = [];

  constructor(orders: OrderStore) {
    this.orders = orders;
  }

  get isEmpty(): boolean {
    return this.levels.length === 0;
  }

  /** The level with priority before all others; the caller has checked `isEmpty`. */
  get bestLevel(): number {
    return this.levels[this.levels.length - 1]!;
  }

  /** The order that is executed next. */
  get bestOrder(): number {
    return this.heads[this.heads.length - 1]!;
  }

  /** Puts an order behind all others of its level. */
  enqueue(slot: number): void {
    const { orders } = this;
    const level = orders.level[slot]!;
    const at = this.find(level);
    orders.behind[slot] = -1;
    if (this.levels[at] === level) {
      const tail = this.tails[at]!;
      orders.behind[tail] = slot;
      orders.before[slot] = tail;
      this.tails[at] = slot;
      return;
    }
    orders.before[slot] = -1;
    this.levels.splice(at, 0, level);
    this.heads.splice(at, 0, slot);
    this.tails.splice(at, 0, slot);
  }

  /** Takes an order out of its queue, and an empty level out of the side. */
  unlink(slot: number): void {
    const { before, behind, level } = this.orders;
    const previous = before[slot]!;
    const next = behind[slot]!;
    if (previous >= 0) behind[previous] = next;
    if (next >= 0) before[next] = previous;
    if (previous >= 0 && next >= 0) return;
    const at = this.find(level[slot]!);
    if (previous < 0 && next < 0) {
      this.levels.splice(at, 1);
      this.heads.splice(at, 1);
      this.tails.splice(at, 1);
    } else if (previous < 0) this.heads[at] = next;
    else this.tails[at] = previous;
  }

  /** Visits each order, best level first and in the order of the queue. */
  forEach(visit: (slot: number, level: number) => void): void {
    for (let at = this.levels.length - 1; at >= 0; at--) {
      for (let slot = this.heads[at]!; slot >= 0; slot = this.orders.behind[slot]!) {
        visit(slot, this.levels[at]!);
      }
    }
  }

  /** Index of the first level that is not below `level`. */
  private find(level: number): number {
    let low = 0;
    let high = this.levels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.levels[middle]! < level) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
