import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MessageBatch, MessageKind } from "../message-batch.ts";
import { OpBatch, OpFlag, OpKind, Side } from "../op-batch.ts";
import { NseDecoder } from "./decoder.ts";
import { nseCm, nseFo } from "./feed.ts";
import { decoded, order, TIME_HI, TIME_LO, trade, unknown } from "./test-bytes.ts";

const ID = 1600000000031378;
const futures = () => new NseDecoder({}, false);
const cash = () => new NseDecoder({}, true);

function idOf(hi: number, lo: number): number {
  return hi * 2 ** 32 + (lo >>> 0);
}

/** Everything of an op that its kind gives a meaning to. */
function opAt(ops: OpBatch, at = 0) {
  return {
    kind: ops.kind[at],
    side: ops.side[at],
    instrument: ops.instrument[at],
    price: ops.price[at],
    size: ops.size[at],
    id: idOf(ops.idHi[at], ops.idLo[at]),
    flags: ops.flags[at],
  };
}

function anomaliesOf(decoder: NseDecoder): Record<string, number> {
  return Object.fromEntries(decoder.anomalies);
}

describe("orders", () => {
  test("N adds, M sets absolutely, X cancels by the id alone", () => {
    const decoder = futures();
    const ops = decoded(decoder, [
      order("N"),
      order("M", { side: "S", price: -7025, quantity: 450 }),
      order("X", { price: 0, quantity: 0 }),
    ]);
    const common = { instrument: 0, id: ID, flags: 0 };
    expect(opAt(ops, 0)).toEqual({ ...common, kind: OpKind.Add, side: 0, price: 7020, size: 600 });
    expect(opAt(ops, 1)).toEqual({
      ...{ ...common, kind: OpKind.Modify, side: Side.Sell },
      ...{ price: -7025, size: 450 },
    });
    expect(opAt(ops, 2)).toMatchObject({ ...common, kind: OpKind.Cancel });
    expect([ops.timeHi[0], ops.timeLo[0]]).toEqual([TIME_HI, TIME_LO]);
    expect(anomaliesOf(decoder)).toEqual({});
    expect(decoder.instruments.names).toEqual(["61684"]);
    expect(decoder.instruments.digestNumbers).toEqual([61684]);
  });

  test("a spread is an instrument of its own, also where its token is a leg's", () => {
    const decoder = futures();
    const ops = decoded(decoder, [
      order("N", { token: 45585 }),
      order("G", { token: 45585, price: -150 }),
      order("H", { token: 45585 }),
      order("J", { token: 45585 }),
      trade("K", { token: 45585 }),
      trade("T", { token: 45585 }),
    ]);
    expect([...ops.instrument]).toEqual([0, 1, 1, 1, 1, 0]);
    expect([...ops.kind]).toEqual([
      OpKind.Add,
      OpKind.Add,
      OpKind.Modify,
      OpKind.Cancel,
      OpKind.Trade,
      OpKind.Trade,
    ]);
    expect(decoder.instruments.names).toEqual(["45585", "S45585"]);
    expect(decoder.instruments.digestNumbers).toEqual([45585, 45585 + 2 ** 31]);
    expect(ops.price[1]).toBe(-150);
  });

  test("any whole order id from 1 to 2^53 - 1 keeps every digit", () => {
    const ids = fc.oneof(fc.maxSafeNat(), fc.nat(), fc.constantFrom(1, 2 ** 32, 2 ** 53 - 1));
    fc.assert(
      fc.property(
        ids.filter((id) => id > 0),
        (id) => {
          const ops = decoded(futures(), [
            order("N", { id }),
            trade("T", { buyId: 0, sellId: id }),
          ]);
          expect(opAt(ops, 0)).toMatchObject({ kind: OpKind.Add, id });
          expect(opAt(ops, 1)).toMatchObject({ kind: OpKind.Trade, id: 0 });
          expect(idOf(ops.id2Hi[1], ops.id2Lo[1])).toBe(id);
        },
      ),
    );
  });

  test("an id that no order can have is counted and does nothing", () => {
    const ids = [0, -0, -1, 0.5, ID + 0.25, 2 ** 53, 2 ** 64, -(2 ** 40), Infinity, Number.NaN];
    for (const id of ids) {
      const decoder = futures();
      const types = ["N", "M", "X", "G", "H", "J"];
      const ops = decoded(
        decoder,
        types.map((type) => order(type, { id })),
      );
      expect([...ops.kind]).toEqual(types.map(() => OpKind.None));
      expect(anomaliesOf(decoder)).toEqual({ bad_order_id: types.length });
    }
  });

  test("a bad side or quantity is counted and does nothing, but a cancel cancels", () => {
    const decoder = futures();
    const ops = decoded(decoder, [
      order("N", { side: "Q" }),
      order("M", { side: " " }),
      order("X", { side: "Q" }),
      order("N", { quantity: 0 }),
      order("N", { quantity: -5 }),
      order("M", { quantity: -5 }),
      order("X", { quantity: -5 }),
    ]);
    const { None, Cancel } = OpKind;
    expect([...ops.kind]).toEqual([None, None, Cancel, None, None, None, Cancel]);
    expect(opAt(ops, 2)).toMatchObject({ side: Side.None, instrument: 0, id: ID });
    expect(anomaliesOf(decoder)).toEqual({ bad_side: 3, bad_quantity: 3 });
  });

  test("a modification to nothing leaves nothing open: it cancels, and is counted", () => {
    const decoder = futures();
    const ops = decoded(decoder, [order("M", { quantity: 0 })]);
    expect(opAt(ops)).toMatchObject({ kind: OpKind.Cancel, id: ID, instrument: 0 });
    expect(anomaliesOf(decoder)).toEqual({ bad_quantity: 1 });
  });

  test("price 0 is a market order in the cash market, and a price elsewhere", () => {
    const orders = [order("N", { price: 0 }), order("M", { price: 0 }), order("X", { price: 0 })];
    const cm = decoded(cash(), orders);
    expect([cm.flags[0], cm.flags[1]]).toEqual([OpFlag.MarketOrder, OpFlag.MarketOrder]);
    expect([...decoded(futures(), orders).flags]).toEqual([0, 0, 0]);
    expect([...decoded(cash(), [order("G", { price: 0 })]).flags]).toEqual([0]);
  });

  test("a negative token is no instrument", () => {
    const decoder = futures();
    const ops = decoded(decoder, [order("N", { token: -1 }), order("N", { token: -0x80000000 })]);
    expect([...ops.kind]).toEqual([OpKind.None, OpKind.None]);
    expect(anomaliesOf(decoder)).toEqual({ bad_token: 2 });
    expect(decoder.instruments.count).toBe(0);
  });
});

describe("trades", () => {
  test("T and K carry both ids, price and size, and no side of their own", () => {
    const ops = decoded(futures(), [trade("T", { sellId: 77 })]);
    expect(opAt(ops)).toEqual({
      ...{ kind: OpKind.Trade, side: Side.None, instrument: 0 },
      ...{ price: 7025, size: 75, id: ID, flags: 0 },
    });
    expect(idOf(ops.id2Hi[0], ops.id2Lo[0])).toBe(77);
    expect([ops.timeHi[0], ops.timeLo[0]]).toEqual([TIME_HI, TIME_LO]);
  });

  test("T without any id is counted and still a trade; of K the text allows it", () => {
    const decoder = futures();
    const ops = decoded(decoder, [
      trade("T", { buyId: 0, sellId: 0 }),
      trade("K", { buyId: 0, sellId: 0 }),
    ]);
    expect([...ops.kind]).toEqual([OpKind.Trade, OpKind.Trade]);
    expect(anomaliesOf(decoder)).toEqual({ trade_without_ids: 1 });
  });

  test("C takes a trade back, with its ids or with none, and is no trade", () => {
    const decoder = futures();
    const ops = decoded(decoder, [trade("C"), trade("C", { buyId: 0, quantity: 0 })]);
    expect([...ops.kind]).toEqual([OpKind.Break, OpKind.Break]);
    expect(opAt(ops, 0)).toMatchObject({ price: 7025, size: 75, id: ID, instrument: 0 });
    expect(anomaliesOf(decoder)).toEqual({});
  });

  test("a bad id or quantity is counted and trades nothing", () => {
    const decoder = futures();
    const ops = decoded(decoder, [
      trade("T", { sellId: -3 }),
      trade("T", { buyId: 1.5 }),
      trade("T", { quantity: 0 }),
      trade("C", { quantity: -1 }),
    ]);
    expect([...ops.kind]).toEqual(Array(4).fill(OpKind.None));
    expect([...ops.instrument]).toEqual(Array(4).fill(-1));
    expect(anomaliesOf(decoder)).toEqual({ bad_order_id: 2, bad_quantity: 2 });
  });
});

describe("what is no message of the live feed", () => {
  test("short and unknown messages do nothing and are counted", () => {
    const decoder = futures();
    const ops = decoded(decoder, [
      order("N").slice(0, 37),
      trade("T").slice(0, 44),
      trade("T").slice(0, 38),
      unknown(1, 38),
      unknown(1, 20),
      new Uint8Array(8),
    ]);
    expect([...ops.kind]).toEqual(Array(6).fill(OpKind.None));
    expect([...ops.instrument]).toEqual(Array(6).fill(-1));
    expect(anomaliesOf(decoder)).toEqual({ short_message: 4, unknown_type: 2 });
  });

  test("an event of the stream becomes what it does to the books", () => {
    const wanted = [
      [MessageKind.Epoch, OpKind.Clear],
      [MessageKind.Clear, OpKind.Clear],
      [MessageKind.SnapshotBegin, OpKind.SnapshotBegin],
      [MessageKind.SnapshotEnd, OpKind.SnapshotEnd],
      [MessageKind.Lost, OpKind.None],
    ];
    for (const [kind, op] of wanted) {
      const decoder = futures();
      const ops = decoded(decoder, [new Uint8Array(0)], kind);
      expect(opAt(ops)).toMatchObject({ kind: op, instrument: -1, flags: 0, side: Side.None });
      expect(anomaliesOf(decoder)).toEqual({});
    }
  });

  test("a snapshot's record is an order without its header, and only N or G", () => {
    const decoder = cash();
    const records = [
      order("N", { price: 0 }).slice(8),
      order("G", { side: "S", price: 12 }).slice(8),
      order("M").slice(8),
      order("N").slice(8, 37),
    ];
    const ops = decoded(decoder, records, MessageKind.SnapshotOrder);
    expect(opAt(ops, 0)).toEqual({
      ...{ kind: OpKind.Add, side: Side.Buy, instrument: 0, price: 0 },
      ...{ size: 600, id: ID, flags: OpFlag.MarketOrder },
    });
    expect(opAt(ops, 1)).toMatchObject({ kind: OpKind.Add, side: Side.Sell, instrument: 1 });
    expect([ops.timeHi[1], ops.timeLo[1]]).toEqual([TIME_HI, TIME_LO]);
    expect([ops.kind[2], ops.kind[3]]).toEqual([OpKind.None, OpKind.None]);
    expect(anomaliesOf(decoder)).toEqual({ unknown_type: 1, short_message: 1 });
  });

  test("any bytes under any kind decode without a throw, alone as in a run", () => {
    const kinds = fc.integer({ min: 0, max: 6 });
    const types = fc.constantFrom(..."NMXGHJTKCZ?");
    const messages = fc.array(fc.tuple(fc.uint8Array({ maxLength: 50 }), kinds, types));
    fc.assert(
      fc.property(messages, (list) => {
        const batch = new MessageBatch(list.length + 1);
        const bytes = new Uint8Array(list.length * 50);
        batch.bytes = bytes;
        batch.view = new DataView(bytes.buffer);
        for (const [i, [content, kind, type]] of list.entries()) {
          bytes.set(content, i * 50);
          if (content.length > 8) bytes[i * 50 + 8] = type.charCodeAt(0);
          batch.kind[i] = kind;
          batch.offset[i] = i * 50;
          batch.length[i] = content.length;
        }
        const [run, alone] = [new OpBatch(list.length + 1), new OpBatch(list.length + 1)];
        const [runDecoder, aloneDecoder] = [nseFo.decoder({}), nseFo.decoder({})];
        runDecoder.decodeRun(batch, 0, list.length, run);
        for (let i = 0; i < list.length; i++) aloneDecoder.decode(batch, i, alone);
        expect([...alone.kind]).toEqual([...run.kind]);
        expect([...alone.instrument]).toEqual([...run.instrument]);
        expect(aloneDecoder.anomalies).toEqual(runDecoder.anomalies);
      }),
      { numRuns: 300 },
    );
  });
});

describe("instruments", () => {
  test("100,000 tokens keep their index, in order of appearance", () => {
    const decoder = futures();
    const tokens = Array.from({ length: 100_000 }, (_, i) => (i * 7919) % 1_000_003);
    for (let round = 0; round < 2; round++) {
      const ops = decoded(
        decoder,
        tokens.map((token) => order("N", { token })),
      );
      for (let i = 0; i < tokens.length; i++) if (ops.instrument[i] !== i) throw new Error(`${i}`);
    }
    expect(decoder.instruments.count).toBe(100_000);
  });

  test("hostile tokens are bounded, and what is known goes on", () => {
    const decoder = futures();
    const bytes = order("N");
    const view = new DataView(bytes.buffer);
    const batch = new MessageBatch(1);
    const ops = new OpBatch(1);
    batch.bytes = bytes;
    batch.view = view;
    batch.length[0] = 38;
    for (let token = 0; token < 262_150; token++) {
      view.setInt32(25, token * 31, true);
      decoder.decode(batch, 0, ops);
    }
    expect(decoder.instruments.count).toBe(262_144);
    expect(ops.kind[0]).toBe(OpKind.None);
    expect(anomaliesOf(decoder)).toEqual({ too_many_instruments: 6 });
    view.setInt32(25, 31, true);
    decoder.decode(batch, 0, ops);
    expect(opAt(ops)).toMatchObject({ kind: OpKind.Add, instrument: 1 });
  });

  test("the contract file's entry stands beside the instrument that it names", () => {
    const masters = new Map([["61684", { symbol: "NIFTY 2017-05-25 9500 CE" }]]);
    const decoder = nseCm.decoder({ masters });
    const batch = new MessageBatch(1);
    batch.bytes = order("N");
    batch.view = new DataView(batch.bytes.buffer);
    batch.length[0] = 38;
    decoder.decode(batch, 0, new OpBatch(1));
    expect(decoder.instruments.masters[0]?.symbol).toBe("NIFTY 2017-05-25 9500 CE");
  });
});
