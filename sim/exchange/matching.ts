/**
 * The matching engine of one stream: price-time priority, and what NSE's feed says of it.
 *
 * An aggressive order is published first, then its trades, each at the resting order's price; no
 * cancel follows a full fill. A change of price or a greater quantity costs an order its place in
 * the queue, a smaller quantity does not. Owners do not trade with themselves: either the resting
 * order or what is left of the aggressor is cancelled in the middle of the aggression.
 */
import type { Random } from "../../faults/random.ts";
import { BookSide, levelOf, priceOf } from "./book-side.ts";
import { BUY, OrderEvent, SELL } from "./encoder.ts";
import type { Instrument } from "./instruments.ts";
import { MARKET_LEVEL, OrderStore } from "./order-store.ts";
import type { Publisher } from "./publisher.ts";

/** Of self-trades, this part cancels the resting order; the others the aggressor. */
const CANCEL_RESTING_SHARE = 0.7;
/** A limit that takes every price: of market orders. */
export const ANY_LEVEL = Number.MAX_SAFE_INTEGER;

/** Both sides of an instrument's book, `BUY` then `SELL`. */
export type Sides = readonly [BookSide, BookSide];

export class Matching {
  readonly orders = new OrderStore();
  /** Where each instrument traded last, in the feed's price unit; its opening price at first. */
  readonly lastPrice: Int32Array;
  readonly instruments: readonly Instrument[];
  readonly publisher: Publisher;

  private readonly books: (Sides | undefined)[];
  private readonly random: Random;
  /** Two digits of the engine and fourteen of a running number. */
  private lastId: number;

  constructor(
    stream: number,
    instruments: readonly Instrument[],
    publisher: Publisher,
    random: Random,
  ) {
    this.instruments = instruments;
    this.publisher = publisher;
    this.random = random;
    this.lastPrice = Int32Array.from(instruments, (instrument) => instrument.openPrice);
    this.books = new Array(instruments.length).fill(undefined);
    this.lastId = (10 + stream) * 1e14 + random.below(1e6);
  }

  /** An order id of the day that nobody has had. */
  newId(): number {
    return ++this.lastId;
  }

  sides(instrument: number): Sides {
    const known = this.books[instrument];
    if (known !== undefined) return known;
    const made: Sides = [new BookSide(this.orders), new BookSide(this.orders)];
    this.books[instrument] = made;
    return made;
  }

  /** Every order is gone and nothing is said of it: a switch to the recovery site, an outage. */
  purge(): void {
    this.orders.clear();
    this.books.fill(undefined);
  }

  /**
   * A limit order comes in, trades as far as it can and rests with what is left.
   * @param event `New`, or `Modify` for a stop order that becomes a regular one
   */
  enter(
    event: number,
    instrument: number,
    side: number,
    price: number,
    quantity: number,
    owner: number,
  ): void {
    const id = this.newId();
    const on = this.instruments[instrument]!;
    const isTold = this.publisher.tellsAggressors;
    if (isTold) this.publisher.order(event, id, on, side, price, quantity);
    const timeNs = this.publisher.nowNs;
    const level = levelOf(side, price);
    const left = this.take(instrument, side, level, quantity, id, owner, isTold);
    if (left === 0) return;
    if (!isTold) this.publisher.order(OrderEvent.New, id, on, side, price, left);
    this.rest(id, instrument, side, level, left, owner, isTold ? timeNs : this.publisher.nowNs);
  }

  /** An order of the closing auction, which matches nothing yet. Price 0 is a market order. */
  enterAuction(instrument: number, side: number, price: number, quantity: number): void {
    const id = this.newId();
    const on = this.instruments[instrument]!;
    this.publisher.order(OrderEvent.New, id, on, side, price, quantity);
    const level = price === 0 ? MARKET_LEVEL : levelOf(side, price);
    this.rest(id, instrument, side, level, quantity, -1, this.publisher.nowNs);
  }

  /**
   * An order that never rests and is not published, only its trades are.
   * @param id 0 of an immediate-or-cancel order, a new one of a market order
   * @param level how far it goes; `ANY_LEVEL` takes everything
   */
  takeUnpublished(
    instrument: number,
    side: number,
    level: number,
    quantity: number,
    id: number,
    owner: number,
  ): void {
    this.take(instrument, side, level, quantity, id, owner, false);
  }

  /**
   * A resting order gets another price or open quantity. A market order that gets either loses
   * its place, whichever way its quantity goes, and stays a market order.
   * @param isMatched false in an auction: it may then cross without trading
   */
  modify(slot: number, price: number, quantity: number, isMatched: boolean): void {
    if (!this.publisher.tellsAggressors) {
      this.replace(slot, price, quantity);
      return;
    }
    const { orders } = this;
    const instrument = orders.instrument[slot]!;
    const side = orders.side[slot]!;
    const id = orders.id[slot]!;
    const isAtMarket = orders.level[slot] === MARKET_LEVEL;
    const level = isAtMarket ? MARKET_LEVEL : levelOf(side, price);
    this.publisher.order(
      OrderEvent.Modify,
      id,
      this.instruments[instrument]!,
      side,
      price,
      quantity,
    );
    if (!isAtMarket && level === orders.level[slot]! && quantity <= orders.quantity[slot]!) {
      orders.quantity[slot] = quantity;
      orders.changedNs[slot] = this.publisher.nowNs;
      return;
    }
    const timeNs = this.publisher.nowNs;
    const owner = orders.owner[slot]!;
    this.drop(slot);
    const left = isMatched
      ? this.take(instrument, side, level, quantity, id, owner, true)
      : quantity;
    if (left > 0) this.rest(id, instrument, side, level, left, owner, timeNs);
  }

  /**
   * The same on a feed that tells executions: less quantity cuts the order; otherwise another order
   * takes its place behind the others, or it is deleted and what comes instead trades first.
   */
  private replace(slot: number, price: number, quantity: number): void {
    const { orders, publisher } = this;
    const instrument = orders.instrument[slot]!;
    const on = this.instruments[instrument]!;
    const side = orders.side[slot]!;
    const owner = orders.owner[slot]!;
    const level = levelOf(side, price);
    const open = orders.quantity[slot]!;
    if (level === orders.level[slot]! && quantity < open) {
      publisher.reduce(orders.id[slot]!, on, open - quantity);
      orders.quantity[slot] = quantity;
      orders.changedNs[slot] = publisher.nowNs;
      return;
    }
    const other = this.sides(instrument)[side === BUY ? SELL : BUY]!;
    if (!other.isEmpty && -other.bestLevel <= level) {
      this.cancel(slot);
      this.enter(OrderEvent.New, instrument, side, price, quantity, owner);
      return;
    }
    const id = this.newId();
    publisher.replace(orders.id[slot]!, id, on, price, quantity);
    this.drop(slot);
    this.rest(id, instrument, side, level, quantity, owner, publisher.nowNs);
  }

  cancel(slot: number): void {
    const { orders } = this;
    const on = this.instruments[orders.instrument[slot]!]!;
    const side = orders.side[slot]!;
    const price = this.priceOf(slot);
    const quantity = orders.quantity[slot]!;
    this.publisher.order(OrderEvent.Cancel, orders.id[slot]!, on, side, price, quantity);
    this.drop(slot);
  }

  /** The price on the wire: 0 of a market order. */
  priceOf(slot: number): number {
    const level = this.orders.level[slot]!;
    return level === MARKET_LEVEL ? 0 : priceOf(this.orders.side[slot]!, level);
  }

  /** Takes `quantity` off an order that has traded; it leaves when nothing is open. */
  fill(slot: number, quantity: number): void {
    const left = this.orders.quantity[slot]! - quantity;
    if (left > 0) this.orders.quantity[slot] = left;
    else this.drop(slot);
  }

  private rest(
    id: number,
    instrument: number,
    side: number,
    level: number,
    quantity: number,
    owner: number,
    timeNs: number,
  ): void {
    const slot = this.orders.add(id, instrument, side, level, quantity, owner, timeNs);
    this.sides(instrument)[side]!.enqueue(slot);
  }

  private drop(slot: number): void {
    this.sides(this.orders.instrument[slot]!)[this.orders.side[slot]!]!.unlink(slot);
    this.orders.remove(slot);
  }

  /** Trades an incoming order against the other side; returns what is left of it to rest. */
  private take(
    instrument: number,
    side: number,
    level: number,
    quantity: number,
    id: number,
    owner: number,
    isPublished: boolean,
  ): number {
    const { orders, publisher } = this;
    const on = this.instruments[instrument]!;
    const otherSide = side === BUY ? SELL : BUY;
    const other = this.sides(instrument)[otherSide]!;
    let left = quantity;
    while (left > 0 && !other.isEmpty && -other.bestLevel <= level) {
      const resting = other.bestOrder;
      const price = priceOf(otherSide, other.bestLevel);
      if (orders.owner[resting] === owner) {
        if (this.random.chance(CANCEL_RESTING_SHARE)) {
          this.cancel(resting);
          continue;
        }
        const own = priceOf(side, level);
        if (isPublished) publisher.order(OrderEvent.Cancel, id, on, side, own, left);
        return 0;
      }
      const traded = Math.min(left, orders.quantity[resting]!);
      publisher.trade(side, id, orders.id[resting]!, on, price, traded);
      this.lastPrice[instrument] = price;
      this.fill(resting, traded);
      left -= traded;
    }
    return left;
  }
}
