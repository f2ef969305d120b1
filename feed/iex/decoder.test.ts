import { describe, expect, test } from "bun:test";
import { batchOf, messageBytes, opsOf, type Values } from "../../tests/feed-reading.ts";
import type { Feed } from "../feed.ts";
import { MessageKind } from "../message-batch.ts";
import { OpBatch, OpFlag, OpKind, Side } from "../op-batch.ts";
import { iexDeep, iexTops } from "./feed.ts";

const TIME = 1_696_248_000_194_933_178n;
const HEAD = { timestamp: TIME, symbol: "ZIEXT" };
const TRADE = { ...HEAD, size: 100, price: 990_500n, trade_id: 429_974n };

/** The op of the last of these messages, as an object. */
function lastOp(feed: Feed, ...messages: (readonly [type: string, values: Values])[]) {
  const decoder = feed.decoder({});
  const bytes = messages.map(([type, values]) => messageBytes(feed, type, values));
  const ops = opsOf(decoder, bytes);
  const at = messages.length - 1;
  const wide = (hi: number, lo: number) => (BigInt(hi) << 32n) | BigInt(lo >>> 0);
  const token = decoder.instruments.names[ops.instrument[at]];
  return {
    kind: ops.kind[at],
    flags: ops.flags[at],
    side: ops.side[at],
    token,
    price: ops.price[at],
    size: ops.size[at],
    price2: ops.price2[at],
    size2: ops.size2[at],
    tradeId: wide(ops.tradeIdHi[at], ops.tradeIdLo[at]),
    time: wide(ops.timeHi[at], ops.timeLo[at]),
    anomalies: Object.fromEntries(decoder.anomalies),
  };
}

describe("DEEP messages become ops", () => {
  const level = { ...HEAD, size: 9700, price: 990_500n };

  test("8 and 5 set a level of the bid and of the ask", () => {
    const bid = lastOp(iexDeep, ["8", level]);
    expect(bid).toMatchObject({ kind: OpKind.Level, side: Side.Buy, price: 990_500, size: 9700 });
    expect(bid).toMatchObject({ token: "ZIEXT", time: TIME });
    expect(lastOp(iexDeep, ["5", level])).toMatchObject({ kind: OpKind.Level, side: Side.Sell });
  });

  test("only bit 0 of the flags ends the exchange's event", () => {
    expect(lastOp(iexDeep, ["8", { ...level, event_flags: 0x01 }]).flags).toBe(OpFlag.EventEnd);
    expect(lastOp(iexDeep, ["8", { ...level, event_flags: 0xfe }]).flags).toBe(0);
  });

  test("a price needs more than 32 bits and less than 53", () => {
    const dear = lastOp(iexDeep, ["8", { ...level, price: 6_000_000_000_0000n }]);
    expect(dear.price).toBe(60_000_000_000_000);
    for (const price of [1n << 53n, -(1n << 53n) - 1n]) {
      const op = lastOp(iexDeep, ["8", { ...level, price }]);
      expect(op).toMatchObject({ kind: OpKind.None, token: undefined, flags: 0 });
      expect(op.anomalies).toEqual({ bad_price: 1 });
    }
  });

  test("T prints without a side, B takes a trade back", () => {
    const expected = { price: 990_500, size: 100, tradeId: 429_974n, side: Side.None };
    expect(lastOp(iexDeep, ["T", TRADE])).toMatchObject({ ...expected, kind: OpKind.Print });
    expect(lastOp(iexDeep, ["B", TRADE])).toMatchObject({ ...expected, kind: OpKind.Break });
  });

  test("every other type is a definition or a status", () => {
    for (const feed of [iexDeep, iexTops]) {
      for (const { type } of feed.table.messages) {
        if ("85TBQ".includes(type)) continue;
        const op = lastOp(feed, [type, type === "S" ? { timestamp: TIME } : HEAD]);
        expect(op.kind).toBe(type === "D" ? OpKind.Definition : OpKind.Status);
        expect<unknown>(op.token).toBe(type === "S" ? undefined : "ZIEXT");
        expect(op.time).toBe(TIME);
      }
    }
  });
});

describe("TOPS messages become ops", () => {
  test("Q sets both sides at once, and is complete", () => {
    const values = { ...HEAD, bid_size: 9700, bid_price: 990_500n, ask_price: 990_700n };
    const op = lastOp(iexTops, ["Q", { ...values, ask_size: 1000 }]);
    expect(op).toMatchObject({ kind: OpKind.Quote, flags: OpFlag.EventEnd, token: "ZIEXT" });
    expect(op).toMatchObject({ price: 990_500, size: 9700, price2: 990_700, size2: 1000 });
  });

  test("a quote with a price that no double holds is none", () => {
    for (const wrong of [{ bid_price: 1n << 60n }, { ask_price: 1n << 60n }]) {
      const op = lastOp(iexTops, ["Q", { ...HEAD, ...wrong }]);
      expect(op).toMatchObject({ kind: OpKind.None, anomalies: { bad_price: 1 } });
    }
  });

  test("DEEP's levels are not of this feed, nor are quotes of DEEP", () => {
    const ops = (feed: Feed, other: Feed, type: string) => {
      const decoder = feed.decoder({});
      opsOf(decoder, [messageBytes(other, type, HEAD)]);
      return Object.fromEntries(decoder.anomalies);
    };
    expect(ops(iexTops, iexDeep, "8")).toEqual({ unknown_type: 1 });
    expect(ops(iexDeep, iexTops, "Q")).toEqual({ unknown_type: 1 });
  });
});

describe("symbols", () => {
  test("are numbered by appearance, from 1, however many come", () => {
    const decoder = iexDeep.decoder({});
    const symbols = Array.from({ length: 10_000 }, (_, i) => `S${(i * 7919) % 10_000}`);
    const messages = symbols.map((symbol) => messageBytes(iexDeep, "O", { ...HEAD, symbol }));
    const first = opsOf(decoder, messages);
    const again = opsOf(decoder, messages);
    expect(decoder.instruments.names).toEqual(symbols);
    expect([...again.instrument]).toEqual(symbols.map((_, i) => i));
    expect(first.instrument).toEqual(again.instrument);
    expect(decoder.instruments.digestNumbers.slice(0, 3)).toEqual([1, 2, 3]);
  });

  test("that differ in one letter of eight are two", () => {
    const decoder = iexDeep.decoder({});
    const names = ["ABCDEFGH", "ABCDEFGI", "BBCDEFGH", "A", "", "A.B"];
    opsOf(
      decoder,
      names.map((symbol) => messageBytes(iexDeep, "O", { ...HEAD, symbol })),
    );
    expect(decoder.instruments.names).toEqual(names);
  });
});

describe("bad bytes", () => {
  test("a message one byte short of its table changes no book, whatever its type", () => {
    for (const feed of [iexDeep, iexTops]) {
      for (const { type, length } of feed.table.messages) {
        const decoder = feed.decoder({});
        const ops = opsOf(decoder, [messageBytes(feed, type, {}).subarray(0, length - 1)]);
        expect([ops.kind[0], ops.instrument[0]]).toEqual([OpKind.None, -1]);
        expect(Object.fromEntries(decoder.anomalies)).toEqual({ short_message: 1 });
      }
    }
  });

  test("an empty message is short, and the stream's events pass by it", () => {
    const decoder = iexDeep.decoder({});
    const batch = batchOf([
      new Uint8Array(0),
      new Uint8Array(0),
      messageBytes(iexDeep, "T", TRADE),
    ]);
    batch.kind[0] = MessageKind.Epoch;
    const ops = new OpBatch(3);
    decoder.decodeRun(batch, 0, 3, ops);
    expect([...ops.kind]).toEqual([OpKind.Clear, OpKind.None, OpKind.Print]);
    expect(Object.fromEntries(decoder.anomalies)).toEqual({ short_message: 1 });
  });
});

test("exchange time is exact to the nanosecond", () => {
  const out = { sec: 0, nsec: 0 };
  iexDeep.eventTime(Number(TIME >> 32n), Number(TIME & 0xffff_ffffn) | 0, Number.NaN, out);
  expect(out).toEqual({ sec: 1_696_248_000, nsec: 194_933_178 });
});
