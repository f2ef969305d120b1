import { expect, test } from "bun:test";
import { Random } from "../faults/random.ts";
import { OpBatch, OpKind, Side } from "../feed/op-batch.ts";
import { OrderBooks } from "./order-books.ts";

const BOOKS = 50;
const ROWS = 64;
const BEST = 10_000;
/** Ticks below the best price: outside a window of 64, inside one of 256. */
const FAR = 120;

/** Bytes of memory that the books took after ops of which `share` miss a book's first window. */
function takenBytes(share: number): number {
  let taken = 0;
  const allocate = (bytes: number) => {
    taken += bytes;
    return new ArrayBuffer(bytes);
  };
  const books = new OrderBooks({ unsignedPrices: false, effects: false, memory: { allocate } });
  const ops = new OpBatch(ROWS);
  const random = new Random(3);
  let id = 0;
  const add = (at: number, book: number, price: number) => {
    ops.kind[at] = OpKind.Add;
    ops.instrument[at] = book;
    ops.side[at] = Side.Buy;
    ops.price[at] = price;
    ops.size[at] = 1;
    ops.idLo[at] = ++id;
  };
  for (let book = 0; book < BOOKS; book++) {
    for (let level = 0; level < 8; level++) add(level, book, BEST - level);
    books.apply(ops, 0, 8, null);
  }
  for (let batch = 0; batch < 6000; batch++) {
    for (let at = 0; at < ROWS; at += 2) {
      const book = random.below(BOOKS);
      const isFar = random.below(1000) < share * 1000;
      add(at, book, BEST - (isFar ? FAR : random.below(20)));
      ops.kind[at + 1] = OpKind.Cancel;
      ops.instrument[at + 1] = book;
      ops.idLo[at + 1] = id;
    }
    books.apply(ops, 0, ROWS, null);
  }
  return taken;
}

test("windows grow where a share of the ops misses them, not in the course of a long day", () => {
  const [none, few, many] = [0, 0.008, 0.05].map(takenBytes);
  // Each book has had 60 misses by then: more than those after which their share is looked at.
  expect(few).toBe(none);
  expect(many).toBeGreaterThan(none + BOOKS * 256 * 8);
});
