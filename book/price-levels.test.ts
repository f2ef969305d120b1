import { expect, test } from "bun:test";
import { Random } from "../faults/random.ts";
import { OpBatch, OpKind, Side } from "../feed/op-batch.ts";
import { BookStore } from "./book-store.ts";
import { PLAIN_MEMORY } from "./memory.ts";
import { OrderBooks } from "./order-books.ts";
import { HEAD_SHIFT, WIDTH } from "./price-levels.ts";

const BOOKS = 20;
const ROWS = 64;
const BEST = 10_000;
/** Ticks below the best price: outside a window of 64, inside one of 256. */
const FAR = 120;
/** Orders of each book that stand there from the beginning on. */
const STANDING = 100;

/** Books whose memory is told, and that have had `batches` of which a share misses the first window. */
class Flow {
  /** Bytes of memory that the books took. */
  taken = 0;
  readonly books: OrderBooks;
  private readonly random = new Random(3);
  private readonly ops = new OpBatch(ROWS);
  private id = 0;

  constructor() {
    const allocate = (bytes: number) => {
      this.taken += bytes;
      return new ArrayBuffer(bytes);
    };
    this.books = new OrderBooks({ unsignedPrices: false, effects: false, memory: { allocate } });
  }

  begin(): this {
    for (let book = 0; book < BOOKS; book++) {
      for (let level = 0; level < 8; level++) this.add(level, book, BEST - level);
      this.books.apply(this.ops, 0, 8, null);
    }
    return this;
  }

  run(batches: number, share: number): this {
    const { ops, random } = this;
    for (let batch = 0; batch < batches; batch++) {
      for (let at = 0; at < ROWS; at += 2) {
        const book = random.below(BOOKS);
        const isFar = random.below(1000) < share * 1000;
        this.add(at, book, BEST - (isFar ? FAR : random.below(20)));
        ops.kind[at + 1] = OpKind.Cancel;
        ops.instrument[at + 1] = book;
        ops.idLo[at + 1] = this.id;
      }
      this.books.apply(ops, 0, ROWS, null);
    }
    return this;
  }

  stand(): this {
    for (let order = 0; order < STANDING; order++) {
      for (let book = 0; book < BOOKS; book++) this.add(book, book, BEST - FAR - order);
      this.books.apply(this.ops, 0, BOOKS, null);
      this.run(20, 0);
    }
    return this;
  }

  private add(at: number, book: number, price: number): void {
    const { ops } = this;
    ops.kind[at] = OpKind.Add;
    ops.instrument[at] = book;
    ops.side[at] = Side.Buy;
    ops.price[at] = price;
    ops.size[at] = 1;
    ops.idLo[at] = ++this.id;
  }
}

const GROWN = BOOKS * 256 * 8;

test("windows grow where a share of the ops misses them, not in the course of a long day", () => {
  const batches = 20_000;
  const none = new Flow().begin().run(batches, 0).taken;
  // By then each book has had 256 misses, and its share of them has been looked at eight times.
  expect(new Flow().begin().run(batches, 0.004).taken).toBe(none);
  expect(new Flow().begin().run(batches / 10, 0.08).taken).toBeGreaterThanOrEqual(none + GROWN);
});

test("orders that stand far away make no window grow when books are restored", () => {
  const store = new BookStore(PLAIN_MEMORY);
  store.restore(new Flow().begin().stand().books.image());
  const { heads } = store.levels;
  const widths = Array.from({ length: BOOKS }, (_, book) => heads[(book << HEAD_SHIFT) + WIDTH]);
  expect(widths).toEqual(Array(BOOKS).fill(64));
});
