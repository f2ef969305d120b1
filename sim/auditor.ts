/**
 * The auditor: NSE's bytes to books in the plainest way there is, to judge the fast way by.
 *
 * It shares no code with `feed/` or `book/`, reads every field by hand at the document's offsets,
 * keeps orders in a Map and sorts them whenever it is asked. Slow on purpose: a level's queue costs
 * a walk over all orders of the stream.
 *
 * The rules, as the exchange's document and its matching rules have them:
 * - N and G add behind all others of their level; an id that is there already is replaced.
 * - M and H set price and open quantity. Another price or more quantity loses the place in the
 *   queue, less quantity keeps it. A market order loses it either way. An unknown id is as N.
 * - X and J remove an order, whatever price and quantity they give. An unknown id is nothing.
 * - T and K take their quantity off both orders; 0 and unknown ids are skipped; at 0 an order goes.
 * - C takes a trade back and touches no book.
 * - Spreads are books of their own, even where the token is that of a leg.
 */
import type { BookImage, LevelImage, OrderImage } from "./book-image.ts";

interface AuditedOrder {
  readonly id: number;
  readonly book: string;
  readonly isBuy: boolean;
  price: number;
  quantity: number;
  /** The lower comes first in its level. */
  place: number;
}

/** What a message was, read by hand. */
interface Read {
  readonly sequence: number;
  readonly type: string;
}

const ORDER_TYPES = "NMXGHJ";
const TRADE_TYPES = "TK";
const SPREAD_TYPES = "GHJK";

/** The books of one stream, after the messages that `apply` was given. */
export class Auditor {
  /** Number of the message applied last; 0 before the first. */
  lastSequence = 0;

  private readonly hasClosingAuction: boolean;
  private readonly orders = new Map<number, AuditedOrder>();
  private arrivals = 0;

  /** @param hasClosingAuction nse-cm: a price of 0 is a market order, at no level */
  constructor(hasClosingAuction = false) {
    this.hasClosingAuction = hasClosingAuction;
  }

  get liveOrders(): number {
    return this.orders.size;
  }

  /** One datagram of the stream, header included; a heartbeat changes nothing. */
  apply(message: Uint8Array): void {
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    const { type, sequence } = readHead(view);
    if (type === "Z") return;
    this.lastSequence = sequence;
    const isSpread = SPREAD_TYPES.includes(type);
    if (ORDER_TYPES.includes(type)) this.order(view, type, isSpread);
    else if (TRADE_TYPES.includes(type)) this.trade(view);
  }

  /** The exchange starts again: no order is carried over. */
  clear(): void {
    this.orders.clear();
    this.lastSequence = 0;
  }

  /** The book of an instrument by its name: `61684`, of a spread `S45585`. Empty if unknown. */
  book(name: string): BookImage {
    return this.image([...this.orders.values()].filter((order) => order.book === name));
  }

  /** Every book in which an order stands, by name: one walk over all orders. */
  books(): Map<string, BookImage> {
    const byBook = Map.groupBy(this.orders.values(), (order) => order.book);
    return new Map([...byBook].map(([name, own]) => [name, this.image(own)]));
  }

  /** Best bid and ask with their whole quantities; null where a side is empty. */
  bestOf(name: string): { bid: [number, number] | null; ask: [number, number] | null } {
    const { bids, asks } = this.book(name);
    const best = (level: LevelImage | undefined): [number, number] | null =>
      level ? [level.price, level.orders.reduce((sum, order) => sum + order.quantity, 0)] : null;
    return { bid: best(bids[0]), ask: best(asks[0]) };
  }

  /** Names of all books in which an order stands. */
  names(): string[] {
    return [...new Set([...this.orders.values()].map((order) => order.book))].sort();
  }

  private image(own: AuditedOrder[]): BookImage {
    own.sort((a, b) => a.place - b.place);
    const isAtMarket = (order: AuditedOrder) => this.isAtMarket(order.book, order.price);
    const buys = own.filter((order) => order.isBuy);
    const sells = own.filter((order) => !order.isBuy);
    return {
      bids: levels(buys.filter((order) => !isAtMarket(order))).reverse(),
      asks: levels(sells.filter((order) => !isAtMarket(order))),
      marketOrders: [...buys, ...sells].filter(isAtMarket).map(image),
    };
  }

  private order(view: DataView, type: string, isSpread: boolean): void {
    const id = view.getFloat64(17, true);
    const token = view.getInt32(25, true);
    const isBuy = view.getUint8(29) === 0x42;
    const price = view.getInt32(30, true);
    const quantity = view.getInt32(34, true);
    const book = isSpread ? `S${token}` : `${token}`;
    const known = this.orders.get(id);
    if (type === "X" || type === "J") this.orders.delete(id);
    else if ((type === "M" || type === "H") && known !== undefined) {
      this.modify(known, price, quantity);
    } else {
      this.orders.delete(id);
      this.orders.set(id, { id, book, isBuy, price, quantity, place: ++this.arrivals });
    }
  }

  private modify(order: AuditedOrder, price: number, quantity: number): void {
    const losesPlace =
      price !== order.price ||
      quantity > order.quantity ||
      (quantity !== order.quantity && this.isAtMarket(order.book, order.price));
    if (losesPlace) order.place = ++this.arrivals;
    order.price = price;
    order.quantity = quantity;
  }

  private trade(view: DataView): void {
    const quantity = view.getInt32(41, true);
    for (const id of [view.getFloat64(17, true), view.getFloat64(25, true)]) {
      const order = id === 0 ? undefined : this.orders.get(id);
      if (order === undefined) continue;
      order.quantity -= quantity;
      if (order.quantity <= 0) this.orders.delete(id);
    }
  }

  private isAtMarket(book: string, price: number): boolean {
    return this.hasClosingAuction && price === 0 && !book.startsWith("S");
  }
}

/**
 * The books of a stream right after the message with number `sequence`: everything is applied
 * again from the start of its epoch.
 * @param messages datagrams of one epoch of one stream, in order
 */
export function auditedAt(
  messages: Iterable<Uint8Array>,
  sequence: number,
  hasClosingAuction = false,
): Auditor {
  const auditor = new Auditor(hasClosingAuction);
  for (const message of messages) {
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    const head = readHead(view);
    if (head.type !== "Z" && head.sequence > sequence) break;
    auditor.apply(message);
  }
  return auditor;
}

function readHead(view: DataView): Read {
  return {
    sequence: view.getUint32(4, true),
    type: String.fromCharCode(view.getUint8(8)),
  };
}

/** Orders by price, lowest first; each level in the order of its places, as given. */
function levels(orders: readonly AuditedOrder[]): LevelImage[] {
  const byPrice = Map.groupBy(orders, (order) => order.price);
  return [...byPrice]
    .sort(([a], [b]) => a - b)
    .map(([price, own]) => ({ price, orders: own.map(image) }));
}

function image(order: AuditedOrder): OrderImage {
  return { id: order.id, quantity: order.quantity };
}
