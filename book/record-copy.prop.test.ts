/**
 * A copy that is made while the books go on is what a copy at its beginning would have been, and the
 * books are what they would have been without it. The canary: who changes a record without a word is
 * found.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { Random } from "../faults/random.ts";
import { OpBatch, OpFlag, OpKind, Side } from "../feed/op-batch.ts";
import { ID_HIGH, ID_LOW, KEY, NEXT, PLACE, RECORD_SHIFT, SLAB, VACANT } from "./book-store.ts";
import type { Books } from "./books.ts";
import { OrderBooks } from "./order-books.ts";
import { RecordCopy } from "./record-copy.ts";

const ROWS = 64;
/** Of so many books each has a full slab after so many batches: the next orders outgrow the records. */
const INSTRUMENTS = 400;
const MANY = 100;
const WORDS = 1 << RECORD_SHIFT;
const CHANGES = [
  ...[OpKind.Cancel, OpKind.Reduce, OpKind.Execute, OpKind.ExecuteAt, OpKind.Modify],
  ...[OpKind.Replace, OpKind.Trade],
];

/** Books, and all that an observer of every op is told. */
class Watched {
  readonly books = new OrderBooks({ unsignedPrices: false, effects: true });
  private readonly best = new Int32Array(4);
  private hash = 0;

  get told(): unknown {
    return [this.hash, this.books.liveOrders, [...this.books.anomalies]];
  }

  apply(ops: OpBatch): void {
    this.books.apply(ops, 0, ROWS, this);
  }

  after(ops: OpBatch, at: number, { effects, touchedBest }: Books): void {
    this.books.readBestWords(ops.instrument[at], this.best);
    const words = [at, touchedBest ? 1 : 0, effects.count, ...this.best];
    for (let row = 0; row < effects.count; row++) {
      words.push(effects.action[row], effects.price[row], effects.size[row], effects.idLo[row]);
    }
    for (const word of words) this.hash = Math.imul(this.hash ^ word, 16_777_619);
  }
}

/** A batch of ops on orders 1 to `known`, and some new ones behind them. @returns how many are known then */
function fill(ops: OpBatch, random: Random, known: number, isStart: boolean): number {
  let last = known;
  for (let at = 0; at < ROWS; at++) {
    const isNew = isStart || random.below(3) === 0;
    const kind = isNew ? OpKind.Add : CHANGES[random.below(CHANGES.length)];
    const id = isNew ? ++last : 1 + random.below(known);
    ops.kind[at] = !isStart && random.below(3000) === 0 ? OpKind.Clear : kind;
    ops.flags[at] = isNew && random.below(50) === 0 ? OpFlag.MarketOrder : 0;
    // An order's instrument and side follow from its id, so that most changes meet one.
    ops.instrument[at] = id % INSTRUMENTS;
    ops.side[at] = (id >> 6) & 1 ? Side.Sell : Side.Buy;
    ops.price[at] = 100 + random.below(100);
    ops.size[at] = 1 + random.below(9);
    ops.idLo[at] = id;
    ops.id2Lo[at] = 0;
    if (kind === OpKind.Replace) ops.id2Lo[at] = ++last;
    if (kind === OpKind.Trade) ops.id2Lo[at] = Math.max(0, id - INSTRUMENTS * random.below(4));
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

const imageOf = ({ books }: Watched) => recordsOf(books.image().arrays.records as Int32Array);

test("a copy that takes its time is one of its beginning", () => {
  let grown = 0;
  fc.assert(
    fc.property(
      fc.integer(),
      fc.constantFrom(1, 10, MANY),
      fc.array(fc.integer({ min: 0, max: 20_000 }), { minLength: 1, maxLength: 20 }),
      (seed, batches, steps) => {
        const random = new Random(seed);
        const watched = new Watched();
        const undisturbed = new Watched();
        const ops = new OpBatch(ROWS);
        let known = 0;
        const go = (isStart: boolean) => {
          known = fill(ops, random, known, isStart);
          watched.apply(ops);
          undisturbed.apply(ops);
        };
        for (let batch = 0; batch < batches; batch++) go(true);
        go(false);
        const { scalars, arrays } = watched.books.image();
        const wanted = recordsOf(arrays.records as Int32Array);
        const crossers = arrays.crossers.slice();
        const into = new Int32Array(arrays.records.length);
        const copy = watched.books.copyLater("records", new Uint8Array(into.buffer));
        if (copy === undefined) throw new Error("records cannot be copied later");
        const { buffer } = arrays.records;
        for (const bytes of steps) {
          const isCopying = !copy.isWhole;
          go(random.below(3) === 0);
          if (isCopying && watched.books.image().arrays.records.buffer !== buffer) grown++;
          copy.step(bytes);
        }
        while (!copy.isWhole) copy.step(4096);
        go(false);
        expect(recordsOf(into)).toEqual(wanted);
        expect(imageOf(watched)).toEqual(imageOf(undisturbed));
        expect(watched.told).toEqual(undisturbed.told);
        const restored = new Watched();
        restored.books.restore({ scalars, arrays: { records: into, crossers } });
        expect(imageOf(restored).length).toBe(wanted.length);
      },
    ),
    { numRuns: Number(process.env.EDGEBOOK_RUNS ?? 60) },
  );
  // A single run, as when one is repeated, need not come so far.
  if (process.env.EDGEBOOK_RUNS === undefined) expect(grown).toBeGreaterThan(0);
});

test("an abandoned copy touches nothing any more, and another may begin", () => {
  const { books } = new Watched();
  const ops = new OpBatch(ROWS);
  const random = new Random(5);
  const known = fill(ops, random, 0, true);
  books.apply(ops, 0, ROWS, null);
  const room = () => new Uint8Array(books.image().arrays.records.byteLength);
  const into = room();
  const copy = books.copyLater("records", into);
  expect(() => books.copyLater("records", room())).toThrow("already");
  copy?.abandon();
  fill(ops, random, known, false);
  books.apply(ops, 0, ROWS, null);
  expect(into.every((byte) => byte === 0)).toBe(true);
  expect(books.copyLater("records", room())?.isWhole).toBe(false);
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
  while (!copy.isWhole) copy.step(4096);
  expect(recordsOf(into)).toEqual([...wanted, expect.stringMatching(/^3072: /)]);
});
