/**
 * Any sequence of ops gives the books of a slow, obvious model: an array of orders in the order of
 * their priority, searched from end to end. Ids collide, prices lie far apart and sizes overflow 32
 * bits on purpose; batches are cut anywhere.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { OpBatch, OpFlag, OpKind, Side } from "../feed/op-batch.ts";
import { Best, Levels } from "./books.ts";
import { OrderBooks } from "./order-books.ts";

const INSTRUMENTS = 4;
const KINDS = [OpKind.Add, OpKind.Modify, OpKind.Cancel, OpKind.Reduce, OpKind.Replace];
const EXECUTIONS = [OpKind.Execute, OpKind.ExecuteAt, OpKind.Trade, OpKind.Print, OpKind.Clear];

interface Op {
  readonly kind: number;
  readonly instrument: number;
  readonly side: number;
  readonly price: number;
  readonly size: number;
  readonly id: number;
  readonly id2: number;
  readonly isMarket: boolean;
}

interface ModelOrder {
  id: number;
  instrument: number;
  side: number;
  price: number;
  size: number;
  isMarket: boolean;
}

/** Orders stand in the order of their priority; nothing is indexed. */
class Model {
  orders: ModelOrder[] = [];

  apply(op: Op): void {
    const known = this.orders.find((order) => order.id === op.id);
    switch (op.kind) {
      case OpKind.Add:
        this.remove(known);
        this.append(op, op.id, op.side);
        break;
      case OpKind.Modify:
        this.modify(op, known);
        break;
      case OpKind.Cancel:
        this.remove(known);
        break;
      case OpKind.Reduce:
      case OpKind.Execute:
      case OpKind.ExecuteAt:
        if (known) this.cut(known, op.size);
        break;
      case OpKind.Replace:
        if (!known) break;
        this.remove(known);
        this.remove(this.orders.find((order) => order.id === op.id2));
        this.append(op, op.id2, known.side);
        break;
      case OpKind.Trade:
        for (const id of new Set([op.id, op.id2])) {
          const order = this.orders.find((one) => one.id === id);
          if (order && order.instrument === op.instrument) this.cut(order, op.size);
        }
        break;
      case OpKind.Clear:
        this.orders = [];
        break;
    }
  }

  levels(instrument: number, side: number): { price: number; size: number; orders: number }[] {
    const standing = this.orders.filter(
      (order) => order.instrument === instrument && order.side === side && !order.isMarket,
    );
    const prices = [...new Set(standing.map((order) => order.price))];
    prices.sort((a, b) => (side === Side.Buy ? b - a : a - b));
    return prices.map((price) => {
      const here = standing.filter((order) => order.price === price);
      const size = here.reduce((sum, order) => sum + order.size, 0);
      return { price, size, orders: here.length };
    });
  }

  queue(instrument: number, side: number, price: number): string[] {
    return this.orders
      .filter((o) => o.instrument === instrument && o.side === side && o.price === price)
      .filter((order) => !order.isMarket)
      .map((order) => `${order.id}:${order.size}`);
  }

  private append(op: Op, id: number, side: number): void {
    const { instrument, price, size, isMarket } = op;
    this.orders.push({ id, instrument, side, price, size, isMarket });
  }

  private modify(op: Op, known: ModelOrder | undefined): void {
    const keeps =
      known !== undefined &&
      known.instrument === op.instrument &&
      known.side === op.side &&
      known.isMarket === op.isMarket &&
      known.price === op.price &&
      op.size <= known.size;
    if (keeps) {
      known.size = op.size;
      return;
    }
    this.remove(known);
    this.append(op, op.id, op.side);
  }

  private cut(order: ModelOrder, size: number): void {
    order.size -= size;
    if (order.size <= 0) this.remove(order);
  }

  private remove(order: ModelOrder | undefined): void {
    if (order) this.orders.splice(this.orders.indexOf(order), 1);
  }
}

const price = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 100, max: 180 }) },
  { weight: 1, arbitrary: fc.integer({ min: -2147483648, max: 2147483647 }) },
);
const size = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 1, max: 5 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 4294967295 }) },
);
const kind = fc.oneof(
  { weight: 6, arbitrary: fc.constant(OpKind.Add) },
  { weight: 6, arbitrary: fc.constantFrom(...KINDS) },
  { weight: 3, arbitrary: fc.constantFrom(...EXECUTIONS.slice(0, 3)) },
  { weight: 1, arbitrary: fc.constantFrom(...EXECUTIONS) },
);

/** Ids that share a block, a chain, a low word, or nothing. */
const id = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: 1, max: 40 }) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 8 }).map((n) => n * 4294967296) },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 8 }).map((n) => n * 4294967296 + 7) },
);

const op: fc.Arbitrary<Op> = fc
  .record({
    kind,
    instrument: fc.integer({ min: 0, max: INSTRUMENTS - 1 }),
    side: fc.constantFrom(Side.Buy, Side.Sell),
    price,
    size,
    id,
    id2: id,
    isMarket: fc.integer({ min: 0, max: 20 }).map((n) => n === 0),
  })
  .map((one) => (one.isMarket ? { ...one, price: 0 } : one));

function write(ops: OpBatch, at: number, one: Op): void {
  ops.kind[at] = one.kind;
  ops.flags[at] = one.isMarket ? OpFlag.MarketOrder : 0;
  ops.instrument[at] = one.instrument;
  ops.side[at] = one.side;
  ops.price[at] = one.price;
  ops.size[at] = one.size;
  ops.idLo[at] = one.id | 0;
  ops.idHi[at] = Math.floor(one.id / 4294967296);
  ops.id2Lo[at] = one.id2 | 0;
  ops.id2Hi[at] = Math.floor(one.id2 / 4294967296);
}

/** Everything that may be asked of the books, as text. */
function imageOf(books: OrderBooks, model: Model | null): string[] {
  const image: string[] = [];
  const levels = new Levels(64);
  const best = new Best();
  for (let instrument = 0; instrument < INSTRUMENTS; instrument++) {
    for (const side of [Side.Buy, Side.Sell]) {
      books.topLevels(instrument, side, levels);
      const expected = model?.levels(instrument, side).slice(0, levels.capacity);
      const count = expected?.length ?? levels.count;
      for (let i = 0; i < count; i++) {
        const level = expected
          ? expected[i]
          : { price: levels.price[i], size: levels.size[i], orders: levels.orders[i] };
        const queue = model
          ? model.queue(instrument, side, level.price)
          : books.queue(instrument, side, level.price).map((o) => `${o.orderId}:${o.size}`);
        image.push(`${instrument} ${side} ${level.price} ${level.size} ${level.orders} ${queue}`);
      }
      books.readBest(instrument, best);
      const top = model?.levels(instrument, side)[0];
      const isBid = side === Side.Buy;
      const bestPrice = model ? (top?.price ?? 0) : isBid ? best.bidPrice : best.askPrice;
      const bestOrders = model ? (top?.orders ?? 0) : isBid ? best.bidOrders : best.askOrders;
      image.push(`best ${bestPrice} ${bestOrders}`);
    }
  }
  return image;
}

test("any ops in any batches give the books of the slow model, queues and all", () => {
  fc.assert(
    fc.property(
      fc.array(op, { minLength: 1, maxLength: 300 }),
      fc.integer({ min: 1, max: 100 }),
      fc.boolean(),
      (list, cut, effects) => {
        const books = new OrderBooks({ unsignedPrices: false, effects });
        const model = new Model();
        const ops = new OpBatch(cut);
        for (let from = 0; from < list.length; from += cut) {
          const piece = list.slice(from, from + cut);
          piece.forEach((one, at) => {
            write(ops, at, one);
            model.apply(one);
          });
          books.apply(ops, 0, piece.length, null);
          expect(imageOf(books, null)).toEqual(imageOf(books, model));
          expect(books.liveOrders).toBe(model.orders.length);
        }
      },
    ),
    { numRuns: Number(process.env.EDGEBOOK_RUNS ?? 300) },
  );
});

/** One step of a market that wanders: how far its middle moves, and an order about it. */
const step = fc.record({
  drift: fc.oneof(
    { weight: 40, arbitrary: fc.constant(0) },
    { weight: 10, arbitrary: fc.integer({ min: -2, max: 2 }) },
    { weight: 1, arbitrary: fc.integer({ min: -40, max: 40 }) },
    { weight: 1, arbitrary: fc.integer({ min: -4000, max: 4000 }) },
  ),
  away: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: 0, max: 300 })),
  offGrid: fc.integer({ min: 0, max: 60 }).map((n) => (n < 2 ? n + 1 : 0)),
  isHuge: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
  one: op,
});

test("a market that wanders over any ticks has the books of the slow model", () => {
  fc.assert(
    fc.property(
      fc.array(step, { minLength: 50, maxLength: 500, size: "max" }),
      fc.constantFrom(1, 5, 100, 2500, 400_000_000),
      fc.boolean(),
      (steps, tick, unsignedPrices) => {
        const books = new OrderBooks({ unsignedPrices, effects: false });
        const model = new Model();
        const ops = new OpBatch(64);
        let middle = 2_000_000_000;
        for (let from = 0; from < steps.length; from += 64) {
          const piece = steps.slice(from, from + 64);
          piece.forEach(({ drift, away, offGrid, isHuge, one }, at) => {
            middle = Math.min(2_147_000_000, Math.max(0, middle + drift * tick));
            const off = (one.side === Side.Buy ? -away : away) * tick + offGrid;
            const price = Math.min(2_147_483_647, Math.max(0, middle + off));
            const id = from + at + 1000 - (one.kind === OpKind.Add ? 0 : one.id % 41);
            const size = isHuge ? 4_000_000_000 : one.size;
            const wandering = { ...one, instrument: 0, isMarket: false, price, id, size };
            if (one.kind === OpKind.Clear) wandering.kind = OpKind.Add;
            write(ops, at, wandering);
            model.apply(wandering);
          });
          books.apply(ops, 0, piece.length, null);
          expect(imageOf(books, null)).toEqual(imageOf(books, model));
          expect(books.liveOrders).toBe(model.orders.length);
        }
      },
    ),
    { numRuns: Number(process.env.EDGEBOOK_RUNS ?? 60) },
  );
});

test("books restored from an image go on as those it was taken of", () => {
  fc.assert(
    fc.property(
      fc.array(op, { minLength: 1, maxLength: 120 }),
      fc.array(op, { minLength: 1, maxLength: 60 }),
      fc.boolean(),
      (before, after, effects) => {
        const books = new OrderBooks({ unsignedPrices: false, effects });
        const restored = new OrderBooks({ unsignedPrices: false, effects });
        const ops = new OpBatch(128);
        before.forEach((one, at) => {
          write(ops, at, one);
        });
        books.apply(ops, 0, before.length, null);
        after.forEach((one, at) => {
          write(ops, at, one);
        });
        restored.apply(ops, 0, after.length, null);
        restored.restore(books.image());
        expect(imageOf(restored, null)).toEqual(imageOf(books, null));
        books.apply(ops, 0, after.length, null);
        restored.apply(ops, 0, after.length, null);
        expect(imageOf(restored, null)).toEqual(imageOf(books, null));
        const [ours, theirs] = [restored.effects, books.effects];
        expect(ours.count).toBe(theirs.count);
        for (const column of ["action", "side", "price", "size", "idLo", "idHi"] as const) {
          const [one, other] = [ours[column], theirs[column]];
          expect([...one.subarray(0, ours.count)]).toEqual([...other.subarray(0, ours.count)]);
        }
        expect(restored.liveOrders).toBe(books.liveOrders);
      },
    ),
    { numRuns: Number(process.env.EDGEBOOK_RUNS ?? 100) },
  );
});

test("a best level that changed is always said to be touched", () => {
  fc.assert(
    fc.property(fc.array(op, { minLength: 1, maxLength: 200 }), (list) => {
      const books = new OrderBooks({ unsignedPrices: false, effects: false });
      const ops = new OpBatch(1);
      const [before, after] = [new Best(), new Best()];
      for (const one of list) {
        const images = [0, 1, 2, 3].map((i) => {
          books.readBest(i, before);
          return JSON.stringify(before);
        });
        write(ops, 0, one);
        books.apply(ops, 0, 1, null);
        for (let i = 0; i < INSTRUMENTS; i++) {
          books.readBest(i, after);
          if (JSON.stringify(after) !== images[i]) expect(books.touchedBest).toBe(true);
        }
      }
    }),
    { numRuns: Number(process.env.EDGEBOOK_RUNS ?? 100) },
  );
});

test("a side of a thousand levels in any order keeps them sorted, and empties", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 1e6 }), { minLength: 200, maxLength: 1000 }),
      fc.constantFrom(Side.Buy, Side.Sell),
      (prices, side) => {
        const books = new OrderBooks({ unsignedPrices: true, effects: false });
        const ops = new OpBatch(1);
        const base = { kind: OpKind.Add, instrument: 0, side, size: 1, id2: 0, isMarket: false };
        prices.forEach((one, at) => {
          write(ops, 0, { ...base, price: one, id: at + 1 });
          books.apply(ops, 0, 1, null);
        });
        const levels = new Levels(1000);
        books.topLevels(0, side, levels);
        const sorted = [...prices].sort((a, b) => (side === Side.Buy ? b - a : a - b));
        expect([...levels.price.subarray(0, levels.count)]).toEqual(sorted);
        prices.forEach((one, at) => {
          write(ops, 0, { ...base, kind: OpKind.Cancel, price: one, id: at + 1 });
          books.apply(ops, 0, 1, null);
        });
        expect(books.liveOrders).toBe(0);
        books.topLevels(0, side, levels);
        expect(levels.count).toBe(0);
      },
    ),
    { numRuns: 30 },
  );
});
