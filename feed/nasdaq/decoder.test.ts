import { describe, expect, test } from "bun:test";
import { batchOf, messageBytes, opsOf, type Values } from "../../tests/feed-reading.ts";
import { MessageKind } from "../message-batch.ts";
import { OpBatch, OpFlag, OpKind, Side } from "../op-batch.ts";
import { nasdaqItch50 as feed } from "./feed.ts";

const TIME = 0x1f1a_cfe4_59a1;
const REFERENCE = 0xfeed_beef_1234_5678n;
const HEAD = { locate: 7, timestamp: TIME };
const ORDER = { ...HEAD, order_reference: REFERENCE, stock: "AAPL" };
const ADD = { ...ORDER, side: "B", shares: 100, price: 0x8000_0001 };

const message = (type: string, values: Values) => messageBytes(feed, type, values);

/** The op of the last of these messages, as an object. */
function lastOp(...messages: Uint8Array[]) {
  const decoder = feed.decoder({});
  const ops = opsOf(decoder, messages);
  const at = messages.length - 1;
  const wide = (hi: Int32Array, lo: Int32Array) => BigInt.asUintN(64, words(hi[at], lo[at]));
  const token = decoder.instruments.names[ops.instrument[at]];
  return {
    kind: ops.kind[at],
    flags: ops.flags[at],
    side: ops.side[at],
    token,
    price: ops.price[at],
    size: ops.size[at],
    id: wide(ops.idHi, ops.idLo),
    id2: wide(ops.id2Hi, ops.id2Lo),
    tradeId: wide(ops.tradeIdHi, ops.tradeIdLo),
    time: wide(ops.timeHi, ops.timeLo),
    anomalies: Object.fromEntries(decoder.anomalies),
  };
}

function words(hi: number, lo: number): bigint {
  return (BigInt(hi) << 32n) | BigInt(lo >>> 0);
}

describe("ITCH messages become ops", () => {
  const add = message("A", ADD);

  test("A adds an order, its price unsigned, its id whole", () => {
    const op = lastOp(add);
    expect(op).toMatchObject({ kind: OpKind.Add, side: Side.Buy, token: "AAPL", size: 100 });
    expect(op).toMatchObject({ price: 0x8000_0001, id: REFERENCE, time: BigInt(TIME), flags: 0 });
  });

  test("F adds an order as A does", () => {
    const op = lastOp(message("F", { ...ADD, side: "S", attribution: "NSDQ" }));
    expect(op).toMatchObject({ kind: OpKind.Add, side: Side.Sell, token: "AAPL", id: REFERENCE });
  });

  test("E executes at the order's own price", () => {
    const values = { ...HEAD, order_reference: REFERENCE, executed_shares: 40, match_number: 9n };
    const op = lastOp(add, message("E", values));
    expect(op).toMatchObject({ kind: OpKind.Execute, size: 40, tradeId: 9n, id: REFERENCE });
    expect(op).toMatchObject({ token: "AAPL", flags: 0 });
  });

  test("C executes at a price of its own, printed only with Y", () => {
    const values = { ...HEAD, order_reference: 5n, executed_shares: 40, match_number: 9n };
    const yes = lastOp(add, message("C", { ...values, printable: "Y", execution_price: 77 }));
    expect(yes).toMatchObject({ kind: OpKind.ExecuteAt, size: 40, price: 77, tradeId: 9n, id: 5n });
    expect(yes.flags).toBe(OpFlag.Printable);
    expect(lastOp(add, message("C", { ...values, printable: "N" })).flags).toBe(0);
  });

  test("X cuts, D deletes", () => {
    const values = { ...HEAD, order_reference: 5n };
    const cut = lastOp(add, message("X", { ...values, cancelled_shares: 30 }));
    expect(cut).toMatchObject({ kind: OpKind.Reduce, size: 30, id: 5n, token: "AAPL" });
    expect(lastOp(add, message("D", values))).toMatchObject({ kind: OpKind.Cancel, id: 5n });
  });

  test("U replaces one order by another", () => {
    const values = { ...HEAD, order_reference: 5n, new_order_reference: REFERENCE };
    const op = lastOp(add, message("U", { ...values, shares: 4_000_000_000, price: 12 }));
    expect(op).toMatchObject({ kind: OpKind.Replace, id: 5n, id2: REFERENCE, price: 12 });
    expect(op.size).toBe(4_000_000_000);
  });

  test("P and Q print without a side", () => {
    const values = { ...HEAD, stock: "AAPL", match_number: 9n };
    const hidden = lastOp(message("P", { ...values, side: "B", shares: 10, price: 20 }));
    expect(hidden).toMatchObject({ kind: OpKind.Print, side: Side.None, size: 10, price: 20 });
    const cross = lastOp(message("Q", { ...values, shares: 3_000_000_000n, cross_price: 20 }));
    expect(cross).toMatchObject({ kind: OpKind.Print, size: 3_000_000_000, price: 20 });
    expect(cross).toMatchObject({ token: "AAPL", tradeId: 9n, side: Side.None });
  });

  test("a cross of more shares than 32 bits hold is cut and counted", () => {
    const op = lastOp(message("Q", { ...HEAD, stock: "AAPL", shares: 1n << 32n }));
    expect(op).toMatchObject({ size: 0xffff_ffff, anomalies: { size_too_large: 1 } });
  });

  test("B takes a trade back, of which it tells only the number", () => {
    const op = lastOp(add, message("B", { ...HEAD, match_number: 9n }));
    expect(op).toMatchObject({ kind: OpKind.Break, price: Number.NaN, size: 0, tradeId: 9n });
    expect(op).toMatchObject({ token: "AAPL", side: Side.None });
  });

  test("B names no orders, whatever stood in the batch before", () => {
    const ops = new OpBatch(1);
    for (const column of [ops.idLo, ops.idHi, ops.id2Lo, ops.id2Hi]) column.fill(7);
    const broken = message("B", { ...HEAD, match_number: 9n });
    feed.decoder({}).decode(batchOf([broken]), 0, ops);
    expect([ops.idLo[0], ops.idHi[0], ops.id2Lo[0], ops.id2Hi[0]]).toEqual([0, 0, 0, 0]);
  });

  test("every other type is a definition or a status", () => {
    for (const { type } of feed.table.messages) {
      if ("AFECXDUPQB".includes(type)) continue;
      const isMarket = "SVW".includes(type);
      const op = lastOp(message(type, { ...HEAD, ...(isMarket ? {} : { stock: "MSFT" }) }));
      expect(op.kind).toBe(type === "R" ? OpKind.Definition : OpKind.Status);
      expect<unknown>(op.token).toBe(isMarket ? undefined : "MSFT");
      expect(op.time).toBe(BigInt(TIME));
    }
  });
});

describe("locate codes", () => {
  const directory = (locate: number, stock: string) => message("R", { ...HEAD, locate, stock });
  const deleted = (locate: number) => message("D", { ...HEAD, locate, order_reference: 1n });

  test("number the digest, and name the security by its directory message", () => {
    const decoder = feed.decoder({});
    opsOf(decoder, [directory(900, "MSFT"), directory(30, "A")]);
    expect(decoder.instruments.names).toEqual(["MSFT", "A"]);
    expect(decoder.instruments.digestNumbers).toEqual([900, 30]);
  });

  test("seen before their symbol get it when an order brings it", () => {
    const decoder = feed.decoder({});
    const ops = opsOf(decoder, [deleted(7), message("A", ADD), deleted(7)]);
    expect([...ops.kind]).toEqual([OpKind.Cancel, OpKind.Add, OpKind.Cancel]);
    expect([...ops.instrument]).toEqual([0, 0, 0]);
    expect(decoder.instruments.names).toEqual(["AAPL"]);
  });

  test("of the next day mean what the next day says", () => {
    const decoder = feed.decoder({});
    const batch = batchOf([
      directory(1, "A"),
      directory(2, "B"),
      new Uint8Array(0),
      message("A", { ...ADD, locate: 2, stock: "A" }),
      directory(1, "C"),
    ]);
    batch.kind[2] = MessageKind.Epoch;
    const ops = new OpBatch(batch.count);
    decoder.decodeRun(batch, 0, batch.count, ops);
    expect(ops.kind[2]).toBe(OpKind.Clear);
    expect(ops.instrument[3]).toBe(0);
    expect(decoder.instruments.names[ops.instrument[4]]).toBe("C");
    expect(decoder.instruments.digestNumbers).toEqual([2, 2, 1]);
  });

  test("bring the contract's description where there is one", () => {
    const decoder = feed.decoder({ masters: new Map([["AAPL", { symbol: "Apple" }]]) });
    opsOf(decoder, [message("A", ADD), directory(8, "MSFT")]);
    expect(decoder.instruments.masters).toEqual([{ symbol: "Apple" }, undefined]);
  });
});

describe("bad bytes", () => {
  test("a message one byte short of its table changes no book, whatever its type", () => {
    for (const { type, length } of feed.table.messages) {
      const op = lastOp(message(type, HEAD).subarray(0, length - 1));
      expect(op).toMatchObject({ kind: OpKind.None, token: undefined });
      expect(op.anomalies).toEqual({ short_message: 1 });
    }
  });

  test("a longer message is read like one of its table's length", () => {
    const longer = new Uint8Array(60);
    longer.set(message("A", ADD));
    expect(lastOp(longer)).toMatchObject({ kind: OpKind.Add, price: 0x8000_0001, id: REFERENCE });
  });

  test("empty messages, unknown types and sides are counted, and the rest goes on", () => {
    const decoder = feed.decoder({});
    const unknown = new Uint8Array(40).fill(0x7a);
    const badSide = message("A", { ...ADD, side: "Z" });
    const good = message("A", ADD);
    const ops = opsOf(decoder, [new Uint8Array(0), good, unknown, badSide, good, badSide]);
    const { None, Add } = OpKind;
    expect([...ops.kind]).toEqual([None, Add, None, None, Add, None]);
    const expected = { short_message: 1, unknown_type: 1, bad_side: 2 };
    expect(Object.fromEntries(decoder.anomalies)).toEqual(expected);
  });
});

describe("exchange time", () => {
  const out = { sec: 0, nsec: 0 };

  test("is the day's midnight and 48 bits of nanoseconds", () => {
    feed.eventTime(0x1f1a, 0xcfe4_59a1 | 0, 1_340_251_200, out);
    const ns = BigInt(TIME);
    expect(out).toEqual({
      sec: 1_340_251_200 + Number(ns / 1_000_000_000n),
      nsec: Number(ns % 1_000_000_000n),
    });
  });

  test("is unknown where the day is", () => {
    feed.eventTime(0, 5, Number.NaN, out);
    expect(out.sec).toBeNaN();
  });
});
