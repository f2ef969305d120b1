/**
 * The auditor of ITCH: messages to books in the plainest way there is, to judge the fast way by.
 * It shares no code with `feed/` or `book/`; every field is read by hand at the specification's
 * offsets, references as 64-bit integers. Slow on purpose: a book costs a walk over all orders.
 *
 * - A and F add behind all others of their level.
 * - E and C take executed shares off, X cancelled ones, and keep the place; at 0 the order goes.
 * - D removes; U removes and adds the new reference on the same side, behind all others.
 * - P, Q and B touch no book, nor does anything else.
 */
interface AuditedOrder {
  readonly ref: bigint;
  readonly locate: number;
  readonly isBuy: boolean;
  readonly price: number;
  shares: number;
  readonly place: number;
}

export interface ItchLevel {
  readonly price: number;
  readonly orders: readonly { readonly id: bigint; readonly quantity: number }[];
}

/** Best first. */
export interface ItchBook {
  readonly bids: readonly ItchLevel[];
  readonly asks: readonly ItchLevel[];
}

export class ItchAuditor {
  private readonly orders = new Map<bigint, AuditedOrder>();
  private readonly symbols = new Map<number, string>();
  private arrivals = 0;

  get liveOrders(): number {
    return this.orders.size;
  }

  /** One message, without the length before it. */
  apply(message: Uint8Array): void {
    const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
    const type = String.fromCharCode(view.getUint8(0));
    const locate = view.getUint16(1);
    if (type === "R") this.symbols.set(locate, text(message, 11, 8));
    if (!"AFECXDU".includes(type)) return;
    const ref = view.getBigUint64(11);
    const known = this.orders.get(ref);
    if (type === "A" || type === "F") {
      const isBuy = text(message, 19, 1) === "B";
      this.add(ref, locate, isBuy, view.getUint32(32), view.getUint32(20));
      this.symbols.set(locate, text(message, 24, 8));
    } else if (type === "D") this.orders.delete(ref);
    else if (known === undefined) return;
    else if (type === "U") {
      this.orders.delete(ref);
      const shares = view.getUint32(27);
      this.add(view.getBigUint64(19), known.locate, known.isBuy, view.getUint32(31), shares);
    } else {
      known.shares -= view.getUint32(19);
      if (known.shares <= 0) this.orders.delete(ref);
    }
  }

  /** A new session: no order is carried over. */
  clear(): void {
    this.orders.clear();
  }

  /** Symbol of a message's security; empty of one about the whole market. */
  nameOf(message: Uint8Array): string {
    return this.symbols.get(message[1]! * 256 + message[2]!) ?? "";
  }

  book(symbol: string): ItchBook {
    return image(
      [...this.orders.values()].filter(({ locate }) => this.symbols.get(locate) === symbol),
    );
  }

  /** Every book in which an order stands, by symbol: one walk over all orders. */
  books(): Map<string, ItchBook> {
    const bySymbol = Map.groupBy(this.orders.values(), ({ locate }) => this.symbols.get(locate));
    return new Map([...bySymbol].map(([symbol = "", own]) => [symbol, image(own)]));
  }

  private add(ref: bigint, locate: number, isBuy: boolean, price: number, shares: number): void {
    this.orders.set(ref, { ref, locate, isBuy, price, shares, place: ++this.arrivals });
  }
}

function image(own: AuditedOrder[]): ItchBook {
  own.sort((a, b) => a.place - b.place);
  return {
    bids: levels(own.filter(({ isBuy }) => isBuy)).reverse(),
    asks: levels(own.filter(({ isBuy }) => !isBuy)),
  };
}

function levels(orders: readonly AuditedOrder[]): ItchLevel[] {
  const prices = [...new Set(orders.map(({ price }) => price))].sort((a, b) => a - b);
  return prices.map((price) => ({
    price,
    orders: orders
      .filter((order) => order.price === price)
      .map(({ ref, shares }) => ({ id: ref, quantity: shares })),
  }));
}

function text(message: Uint8Array, at: number, width: number): string {
  return String.fromCharCode(...message.subarray(at, at + width)).trimEnd();
}
