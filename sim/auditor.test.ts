import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Auditor } from "./auditor.ts";
import { BUY, OrderEvent, SELL } from "./exchange/encoder.ts";
import type { Instrument } from "./exchange/instruments.ts";
import { NseEncoder } from "./exchange/nse-encoder.ts";

const bytesOf = (hex: string) =>
  Uint8Array.from(hex.split(" "), (byte) => Number.parseInt(byte, 16));

/** The vectors of the protocol notes, section 10. */
const VECTORS = {
  new: "26 00 05 00 01 00 00 00 4e d8 77 67 89 ae a6 e2 13 48 ea 91 1e c4 bc 16 43 f4 f0 00 00 42 6c 1b 00 00 58 02 00 00",
  modify:
    "26 00 05 00 02 00 00 00 4d c0 7b 67 89 ae a6 e2 13 48 ea 91 1e c4 bc 16 43 f4 f0 00 00 42 71 1b 00 00 c2 01 00 00",
  trade:
    "2d 00 05 00 03 00 00 00 54 a8 7f 67 89 ae a6 e2 13 48 ea 91 1e c4 bc 16 43 00 00 00 00 00 00 00 00 f4 f0 00 00 71 1b 00 00 4b 00 00 00",
  cancel:
    "26 00 05 00 04 00 00 00 58 90 83 67 89 ae a6 e2 13 48 ea 91 1e c4 bc 16 43 f4 f0 00 00 42 00 00 00 00 00 00 00 00",
  heartbeat: "0d 00 05 00 00 00 00 00 5a 04 00 00 00",
};
const ID = 1_600_000_000_031_378;

function instrument(token: number, spread = false): Instrument {
  const name = spread ? `S${token}` : `${token}`;
  return { token, spread, name, stream: 1, tick: 5, lot: 1, openPrice: 100 };
}
const ON = instrument(7);

/** An auditor with short words for each message. */
function audited(hasClosingAuction = false) {
  const auditor = new Auditor(hasClosingAuction);
  const encoder = new NseEncoder(1_432_890_900);
  const bytes = new Uint8Array(64);
  const view = new DataView(bytes.buffer);
  let sequence = 0;
  const order = (event: number, id: number, price: number, size: number, side = BUY, on = ON) => {
    const length = encoder.order(view, 0, 1, ++sequence, event, 0, id, on, side, price, size);
    auditor.apply(bytes.slice(0, length));
  };
  return {
    auditor,
    enter: (id: number, price: number, size: number, side = BUY, on = ON) =>
      order(OrderEvent.New, id, price, size, side, on),
    modify: (id: number, price: number, size: number) => order(OrderEvent.Modify, id, price, size),
    cancel: (id: number) => order(OrderEvent.Cancel, id, 0, 0),
    trade: (buy: number, sell: number, size: number, isCancelled = false, on = ON) => {
      const number = ++sequence;
      const length = encoder.trade(view, 0, 1, number, 0, buy, sell, on, 100, size, isCancelled);
      auditor.apply(bytes.slice(0, length));
    },
    queue: (name = "7") => auditor.book(name).bids.map(({ orders }) => orders.map(({ id }) => id)),
  };
}

describe("the encoder", () => {
  test("writes the document's vectors to the byte", () => {
    // The vectors' first time, as nanoseconds after 09:15:00.
    const encoder = new NseEncoder(1_432_890_900);
    const timeNs = 17_018_840;
    const bytes = new Uint8Array(64);
    const view = new DataView(bytes.buffer);
    const on = instrument(61_684);
    const written = (length: number) => bytes.slice(0, length);
    const order = (sequence: number, event: number, after: number, price: number, size: number) =>
      written(encoder.order(view, 0, 5, sequence, event, timeNs + after, ID, on, BUY, price, size));
    expect(order(1, OrderEvent.New, 0, 7020, 600)).toEqual(bytesOf(VECTORS.new));
    expect(order(2, OrderEvent.Modify, 1000, 7025, 450)).toEqual(bytesOf(VECTORS.modify));
    expect(order(4, OrderEvent.Cancel, 3000, 0, 0)).toEqual(bytesOf(VECTORS.cancel));
    const traded = encoder.trade(view, 0, 5, 3, timeNs + 2000, ID, 0, on, 7025, 75, false);
    expect(written(traded)).toEqual(bytesOf(VECTORS.trade));
    expect(written(encoder.heartbeat(view, 0, 5, 4))).toEqual(bytesOf(VECTORS.heartbeat));
  });
});

describe("the auditor", () => {
  test("reads the document's vectors", () => {
    const auditor = new Auditor();
    const best = () => auditor.bestOf("61684").bid;
    auditor.apply(bytesOf(VECTORS.new));
    expect(best()).toEqual([7020, 600]);
    auditor.apply(bytesOf(VECTORS.modify));
    expect(best()).toEqual([7025, 450]);
    auditor.apply(bytesOf(VECTORS.trade));
    expect(auditor.book("61684").bids).toEqual([
      { price: 7025, orders: [{ id: ID, quantity: 375 }] },
    ]);
    auditor.apply(bytesOf(VECTORS.cancel));
    auditor.apply(bytesOf(VECTORS.heartbeat));
    expect(best()).toBeNull();
    expect(auditor.lastSequence).toBe(4);
  });

  test("a queue is in the order of arrival, and the best level comes first", () => {
    const { enter, queue, auditor } = audited();
    enter(1, 100, 10);
    enter(2, 105, 10);
    enter(3, 100, 10);
    enter(4, 110, 5, SELL);
    enter(5, 120, 5, SELL);
    expect(queue()).toEqual([[2], [1, 3]]);
    expect(auditor.book("7").asks.map(({ price }) => price)).toEqual([110, 120]);
    expect(auditor.bestOf("7")).toEqual({ bid: [105, 10], ask: [110, 5] });
    expect(auditor.names()).toEqual(["7"]);
  });

  test("less quantity keeps a place, more loses it, and so does another price", () => {
    const { enter, modify, queue } = audited();
    for (const id of [1, 2, 3]) enter(id, 100, 10);
    modify(1, 100, 5);
    expect(queue()).toEqual([[1, 2, 3]]);
    modify(1, 100, 6);
    expect(queue()).toEqual([[2, 3, 1]]);
    modify(2, 105, 10);
    modify(2, 100, 10);
    expect(queue()).toEqual([[3, 1, 2]]);
    modify(3, 100, 10);
    expect(queue()).toEqual([[3, 1, 2]]);
  });

  test("an unknown id is added by a modification, and ignored by a cancel and a trade", () => {
    const { enter, modify, cancel, trade, queue } = audited();
    enter(1, 100, 10);
    cancel(99);
    trade(98, 97, 5);
    modify(2, 100, 10);
    expect(queue()).toEqual([[1, 2]]);
  });

  test("a doubled id is replaced, at the end of the queue", () => {
    const { enter, queue } = audited();
    for (const id of [1, 2, 1]) enter(id, 100, 10);
    expect(queue()).toEqual([[2, 1]]);
  });

  test("a trade cuts both sides, keeps their places, and a full fill is the end of an order", () => {
    const { enter, trade, queue, auditor } = audited();
    enter(1, 100, 10);
    enter(2, 100, 10);
    enter(3, 100, 15, SELL);
    trade(1, 3, 10);
    expect(queue()).toEqual([[2]]);
    expect(auditor.bestOf("7").ask).toEqual([100, 5]);
    trade(0, 3, 2);
    trade(2, 0, 4);
    expect(auditor.bestOf("7")).toEqual({ bid: [100, 6], ask: [100, 3] });
    trade(2, 3, 3);
    expect(auditor.bestOf("7")).toEqual({ bid: [100, 3], ask: null });
  });

  test("a trade taken back changes no book", () => {
    const { enter, trade, auditor } = audited();
    enter(1, 100, 10);
    enter(2, 100, 4, SELL);
    trade(1, 2, 4);
    const before = auditor.book("7");
    trade(1, 2, 4, true);
    expect(auditor.book("7")).toEqual(before);
  });

  test("a spread is a book of its own, though its token is a leg's, and may have price 0", () => {
    const { enter, auditor } = audited(true);
    enter(1, 100, 10);
    enter(2, -5, 10, BUY, instrument(7, true));
    enter(3, 0, 10, SELL, instrument(7, true));
    expect(auditor.bestOf("7")).toEqual({ bid: [100, 10], ask: null });
    expect(auditor.bestOf("S7")).toEqual({ bid: [-5, 10], ask: [0, 10] });
  });

  test("a market order of the closing auction stands at no price", () => {
    const { enter, modify, trade, auditor } = audited(true);
    enter(1, 0, 10);
    enter(2, 0, 10);
    enter(3, 100, 10);
    expect(auditor.bestOf("7").bid).toEqual([100, 10]);
    modify(1, 0, 5);
    expect(auditor.book("7").marketOrders.map(({ id }) => id)).toEqual([2, 1]);
    trade(2, 0, 10);
    expect(auditor.book("7").marketOrders).toEqual([{ id: 1, quantity: 5 }]);
  });

  test("a new epoch begins with nothing", () => {
    const { enter, auditor } = audited();
    enter(1, 100, 10);
    auditor.clear();
    expect([auditor.liveOrders, auditor.lastSequence]).toEqual([0, 0]);
    expect(auditor.book("7")).toEqual({ bids: [], asks: [], marketOrders: [] });
  });

  test("shares no code with what it judges", () => {
    const reached = new Set(["./auditor.ts"]);
    for (const file of reached) {
      const text = readFileSync(new URL(file, import.meta.url), "utf8");
      for (const [, target] of text.matchAll(/from\s+"([^"]+)"/g)) reached.add(target!);
    }
    expect([...reached]).toEqual(["./auditor.ts", "./book-image.ts"]);
  });
});
