/**
 * The hot loop against the table: for any messages in any order, what it writes is what the generic
 * reader finds in the fields. fast-check prints the seed and the path of a failure.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { batchOf } from "../../tests/feed-reading.ts";
import { fieldNumber, layoutAt } from "../codec.ts";
import { OpBatch, OpFlag, OpKind, Side } from "../op-batch.ts";
import { nasdaqItch50 as feed } from "./feed.ts";
import { NASDAQ_TABLE } from "./table.ts";

const KINDS: Readonly<Record<string, number>> = {
  A: OpKind.Add,
  F: OpKind.Add,
  E: OpKind.Execute,
  C: OpKind.ExecuteAt,
  X: OpKind.Reduce,
  D: OpKind.Cancel,
  U: OpKind.Replace,
  P: OpKind.Print,
  Q: OpKind.Print,
  B: OpKind.Break,
  R: OpKind.Definition,
};

/** Any bytes behind a type of the table; few securities, so that they meet again. */
const aMessage = fc
  .record({
    layout: fc.constantFrom(...NASDAQ_TABLE.messages),
    bytes: fc.uint8Array({ minLength: 50, maxLength: 50 }),
    locate: fc.nat(3),
    isBuy: fc.boolean(),
  })
  .map(({ layout, bytes, locate, isBuy }) => {
    const message = bytes.slice(0, layout.length);
    message.set([layout.type.charCodeAt(0), 0, locate]);
    const stock = layout.fields.find((field) => field.name === "stock");
    if (stock !== undefined) {
      message.fill(0x20, stock.offset, stock.offset + 8)[stock.offset] = 0x41 + locate;
    }
    if ("AF".includes(layout.type)) message[19] = isBuy ? 0x42 : 0x53;
    if (layout.type === "Q") message.fill(0, 11, 15);
    return message;
  });

const anything = fc.oneof(aMessage, fc.uint8Array({ maxLength: 60, size: "max" }));

/** What the table says of the message, in the words of its op. */
function expected(message: Uint8Array) {
  const view = new DataView(message.buffer, message.byteOffset, message.length);
  const layout = layoutAt(feed.table, view, 0, message.length);
  const fields = new Map(layout?.fields.map((field) => [field.name, field]));
  const number = (...names: string[]) => {
    const field = names.map((name) => fields.get(name)).find((each) => each !== undefined);
    return field === undefined ? undefined : fieldNumber(field, feed.table, view, 0);
  };
  const wide = (name: string) => {
    const field = fields.get(name);
    return field === undefined ? undefined : view.getBigUint64(field.offset);
  };
  const type = layout?.type ?? "";
  const adds = "AF".includes(type);
  const side = message[19] === 0x42 ? Side.Buy : Side.Sell;
  return {
    kind: KINDS[type] ?? OpKind.Status,
    flags: type === "C" && message[31] === 0x59 ? OpFlag.Printable : 0,
    time: number("timestamp"),
    side: adds ? side : "PQB".includes(type) ? Side.None : undefined,
    size: number("shares", "executed_shares", "cancelled_shares"),
    price: "AFUCPQ".includes(type) ? number("price", "execution_price", "cross_price") : undefined,
    id: "AFECXDU".includes(type) ? wide("order_reference") : undefined,
    id2: wide("new_order_reference"),
    tradeId: wide("match_number"),
  };
}

function found(ops: OpBatch, at: number, like: ReturnType<typeof expected>) {
  const wide = (hi: Int32Array, lo: Int32Array) =>
    (BigInt(hi[at] >>> 0) << 32n) | BigInt(lo[at] >>> 0);
  const where = <T>(wanted: unknown, value: T) => (wanted === undefined ? undefined : value);
  return {
    kind: ops.kind[at],
    flags: ops.flags[at],
    time: ops.timeHi[at] * 4_294_967_296 + (ops.timeLo[at] >>> 0),
    side: where(like.side, ops.side[at]),
    size: where(like.size, ops.size[at]),
    price: where(like.price, ops.price[at]),
    id: where(like.id, wide(ops.idHi, ops.idLo)),
    id2: where(like.id2, wide(ops.id2Hi, ops.id2Lo)),
    tradeId: where(like.tradeId, wide(ops.tradeIdHi, ops.tradeIdLo)),
  };
}

test("an op says what the table says of its message", () => {
  fc.assert(
    fc.property(fc.array(aMessage, { maxLength: 40, size: "max" }), (messages) => {
      const decoder = feed.decoder({});
      const batch = batchOf(messages);
      const ops = new OpBatch(batch.capacity);
      decoder.decodeRun(batch, 0, batch.count, ops);
      for (let at = 0; at < batch.count; at++) {
        const wanted = expected(messages[at]);
        expect<unknown>(found(ops, at, wanted)).toEqual(wanted);
        const isMarket = "SVW".includes(String.fromCharCode(messages[at][0]));
        if (!isMarket) expect(ops.instrument[at]).toBeGreaterThanOrEqual(0);
      }
      expect([...decoder.anomalies]).toEqual([]);
    }),
    { numRuns: 300 },
  );
});

test("a run decodes as its messages one by one", () => {
  fc.assert(
    fc.property(fc.array(anything, { maxLength: 40, size: "max" }), (messages) => {
      const batch = batchOf(messages);
      const inRun = new OpBatch(batch.capacity);
      const single = new OpBatch(batch.capacity);
      const run = feed.decoder({});
      const one = feed.decoder({});
      run.decodeRun(batch, 0, batch.count, inRun);
      for (let at = 0; at < batch.count; at++) one.decode(batch, at, single);
      for (const column of ["kind", "flags", "instrument", "timeLo", "timeHi"] as const) {
        expect(single[column]).toEqual(inRun[column]);
      }
      expect(one.anomalies).toEqual(run.anomalies);
      expect(one.instruments.names).toEqual(run.instruments.names);
    }),
    { numRuns: 300 },
  );
});
