/**
 * A copy that is made while the books go on is what a copy at its beginning would have been, and the
 * books are what they would have been without it. The canary: who changes a record without a word is
 * found.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Random } from "../faults/random.ts";
import { OpBatch, OpKind, Side } from "../feed/op-batch.ts";
import { ID_HIGH, ID_LOW, KEY, NEXT, PLACE, RECORD_SHIFT, SLAB, VACANT } from "./book-store.ts";
import { OrderBooks } from "./order-books.ts";
import { RecordCopy } from "./record-copy.ts";

const INSTRUMENTS = 40;
const ROWS = 64;
const WORDS = 1 << RECORD_SHIFT;
const options = { unsignedPrices: false, effects: false };
const CHANGES = [OpKind.Cancel, OpKind.Reduce, OpKind.Execute, OpKind.Modify, OpKind.Replace];

/** A batch of ops on orders 1 to `known`, and some new ones behind them. @returns how many are known then */
function fill(ops: OpBatch, random: Random, known: number, isStart: boolean): number {
  let last = known;
  for (let at = 0; at < ROWS; at++) {
    const isNew = isStart || random.below(4) === 0;
    ops.kind[at] = isNew ? OpKind.Add : CHANGES[random.below(CHANGES.length)];
    if (!isStart && random.below(2000) === 0) ops.kind[at] = OpKind.Clear;
    const id = isNew ? ++last : 1 + random.below(known);
    // An order's instrument and side follow from its id, so that most changes meet one.
    ops.instrument[at] = id % INSTRUMENTS;
    ops.side[at] = (id >> 6) & 1 ? Side.Sell : Side.Buy;
    ops.price[at] = 100 + random.below(100);
    ops.size[at] = 1 + random.below(9);
    ops.idLo[at] = id;
    ops.id2Lo[at] = ops.kind[at] === OpKind.Replace ? ++last : 0;
  }
  return last;
}

/** Live records as text; the links of their chains are not part of an image. */
function recordsOf(records: Int32Array): string[] {
  const found: string[] = [];
  for (let at = SLAB * WORDS; at < records.length; at += WORDS) {
    if (records[at + PLACE] === VACANT) continue;
    const words = [...records.subarray(at, at + WORDS)];
    words[NEXT] = 0;
    found.push(`${at}: ${words}`);
  }
  return found;
}

test("a copy that takes its time is one of its beginning", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.integer({ min: 1, max: 80 }),
      fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 30 }),
      (seed, batches, steps) => {
        const random = new Random(seed);
        const books = new OrderBooks(options);
        const undisturbed = new OrderBooks(options);
        const ops = new OpBatch(ROWS);
        const apply = () => {
          books.apply(ops, 0, ROWS, null);
          undisturbed.apply(ops, 0, ROWS, null);
        };
        let known = 0;
        for (let batch = 0; batch < batches; batch++) {
          known = fill(ops, random, known, batch === 0);
          apply();
        }
        const { scalars, arrays } = books.image();
        const wanted = recordsOf(arrays.records as Int32Array);
        const crossers = arrays.crossers.slice();
        const into = new Int32Array(arrays.records.length);
        const copy = books.copyLater("records", new Uint8Array(into.buffer));
        if (copy === undefined) throw new Error("records cannot be copied later");
        for (const bytes of steps) {
          known = fill(ops, random, known, false);
          apply();
          copy.step(bytes);
        }
        while (!copy.step(4096));
        known = fill(ops, random, known, false);
        apply();
        expect(recordsOf(into)).toEqual(wanted);
        expect(recordsOf(books.image().arrays.records as Int32Array)).toEqual(
          recordsOf(undisturbed.image().arrays.records as Int32Array),
        );
        const restored = new OrderBooks(options);
        restored.restore({ scalars, arrays: { records: into, crossers } });
        expect(restored.liveOrders).toBe(wanted.length);
      },
    ),
    { numRuns: Number(process.env.EDGEBOOK_RUNS ?? 60) },
  );
});

test("a copy that is not told of a change shows it", () => {
  const records = new Int32Array(4096).fill(VACANT);
  const put = (at: number) => {
    records[at + ID_LOW] = records[at + ID_HIGH] = records[at + KEY] = at;
    records[at + PLACE] = 4;
  };
  put(2048);
  const wanted = recordsOf(records);
  const into = new Int32Array(records.length);
  const copy = new RecordCopy(records, new Uint8Array(into.buffer));
  copy.keep(2048);
  put(2048 + WORDS);
  put(3072);
  while (!copy.step(4096));
  expect(recordsOf(into)).toEqual([...wanted, expect.stringMatching(/^3072: /)]);
});
