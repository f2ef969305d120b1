import { expect, test } from "bun:test";
import fc from "fast-check";
import { MessageBatch, MessageKind } from "../message-batch.ts";
import { OpBatch, OpKind } from "../op-batch.ts";
import { NseDecoder } from "./decoder.ts";
import { joined, order, trade } from "./test-bytes.ts";

/** Few, so that most messages are of an instrument already known; one beyond the small tokens. */
const token = mostly(fc.constantFrom(1, 2, 1024), fc.constantFrom(1023, 300_000, -5));
const soundId = fc.oneof(fc.maxSafeNat(), fc.integer({ min: 1, max: 1000 }));
const edgeIds = [0, -0, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 2 ** 85, -1, 0.5, Number.NaN];
const id = mostly(soundId, fc.oneof(fc.constantFrom(...edgeIds), fc.double()));
const orNoId = fc.oneof(id, fc.constant(0));
const price = fc.oneof(fc.constantFrom(0, -1), fc.integer());
const quantity = mostly(fc.integer({ min: 1 }), fc.constantFrom(0, -1, -0x80000000));
const side = mostly(fc.constantFrom("B", "S"), fc.constant("b"));
const anOrder = fc
  .tuple(fc.constantFrom(..."NMXGHJNMX"), fc.record({ id, token, side, price, quantity }))
  .map(([type, values]) => order(type, values));
const tradeValues = fc.record({ buyId: orNoId, sellId: orNoId, token, price, quantity });
const aTrade = fc
  .tuple(mostly(fc.constantFrom("T", "K"), fc.constantFrom(..."CZ?")), tradeValues)
  .map(([type, values]) => trade(type, values));
const whole = fc.oneof(anOrder, anOrder, aTrade, aTrade, fc.uint8Array({ maxLength: 50 }));
const length = fc.oneof(fc.constantFrom(37, 38, 44), fc.nat(50));
const cut = fc.tuple(whole, length).map(([bytes, end]) => bytes.slice(0, end));
const message = mostly(whole, cut);
const kind = mostly(fc.constant<number>(MessageKind.Message), fc.integer({ min: 1, max: 6 }));

function mostly<T>(usual: fc.Arbitrary<T>, odd: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: odd });
}

/** An op as text, the columns that its kind gives a meaning to. */
function opText(ops: OpBatch, at: number): string {
  const { kind: kinds, instrument, timeHi, timeLo } = ops;
  const what = [kinds[at], instrument[at], timeHi[at], timeLo[at]];
  if (kinds[at] === OpKind.None || kinds[at] > OpKind.Break) return what.join();
  const ids = [ops.idHi[at], ops.idLo[at], ops.side[at]];
  if (kinds[at] === OpKind.Cancel) return [...what, ...ids].join();
  const rest = [ops.flags[at], ops.price[at], ops.size[at]];
  const second = kinds[at] >= OpKind.Trade ? [ops.id2Hi[at], ops.id2Lo[at]] : [];
  return [...what, ...ids, ...rest, ...second].join();
}

test("the hot loop makes of every message what the slow way makes of it", () => {
  const messages = fc.array(fc.tuple(message, kind), { minLength: 40, maxLength: 60 });
  fc.assert(
    fc.property(messages, fc.boolean(), (list, zeroIsMarket) => {
      const count = list.length;
      const batch = new MessageBatch(count + 1);
      batch.bytes = joined(...list.map(([bytes]) => bytes));
      batch.view = new DataView(batch.bytes.buffer);
      let at = 0;
      for (const [i, [bytes, inStream]] of list.entries()) {
        // A snapshot's record is read from before its start, where the first message has nothing.
        batch.kind[i] = i === 0 && inStream === MessageKind.SnapshotOrder ? 0 : inStream;
        batch.offset[i] = at;
        batch.length[i] = bytes.length;
        at += bytes.length;
      }
      const [run, alone] = [new OpBatch(count + 1), new OpBatch(count + 1)];
      for (const ops of [run, alone]) ops.kind.fill(0xff);
      const runDecoder = new NseDecoder({}, zeroIsMarket);
      const aloneDecoder = new NseDecoder({}, zeroIsMarket);
      runDecoder.decodeRun(batch, 0, count, run);
      for (let i = 0; i < count; i++) aloneDecoder.decode(batch, i, alone);
      for (let i = 0; i < count; i++) expect(opText(run, i)).toBe(opText(alone, i));
      expect(runDecoder.anomalies).toEqual(aloneDecoder.anomalies);
      expect(runDecoder.instruments.names).toEqual(aloneDecoder.instruments.names);
      expect(run.kind[count]).toBe(0xff);
    }),
    { numRuns: 400 },
  );
});
