/**
 * What every kind of book answers: order by order (`order-books.ts`) and price levels
 * (`level-books.ts`). One `Books` holds all the instruments of one stream.
 */
import type { OpBatch } from "../feed/op-batch.ts";
import type { Effects } from "./effects.ts";

/** Some levels of one side, best first; filled by `topLevels`, reused by the caller. */
export class Levels {
  count = 0;
  /** Integer in the feed's price unit. */
  readonly price: Float64Array;
  /** Sum of open sizes, exact below 2^53. */
  readonly size: Float64Array;
  /** Orders standing there (1 for feeds of price levels, which do not say). */
  readonly orders: Uint32Array;

  readonly capacity: number;

  constructor(capacity = 10) {
    this.capacity = capacity;
    this.price = new Float64Array(capacity);
    this.size = new Float64Array(capacity);
    this.orders = new Uint32Array(capacity);
  }
}

/** The best level of both sides; filled by `readBest`, reused by the caller. 0 where there is none. */
export class Best {
  bidPrice = 0;
  bidSize = 0;
  bidOrders = 0;
  askPrice = 0;
  askSize = 0;
  askOrders = 0;
}

/** One order as it stands in a queue. */
export interface QueuedOrder {
  /** Decimal digits. */
  readonly orderId: string;
  readonly size: number;
  /** Its place in the level's queue, from 0: the next to be executed. */
  readonly position: number;
}

/** Words of a move: instrument, bid price, bid size, ask price, ask size. */
export const MOVE_WORDS = 5;

/** Told after each op, when all of the op's effects are in the books. */
export interface BookObserver {
  /** True: it is told only of ops that touched a best level. */
  readonly bestOnly?: boolean;
  /**
   * An observer with `bestOnly` may take what it wants to know in lists, to save a call for each
   * message: for ops that touched a best level, in order, instrument and the words of
   * `Books.readBestWords` after the op. Those not in a list are told by `after`, in order with it.
   * @param moves five words each, valid during the call
   * @param count words, not moves
   */
  bestMoved?(moves: Int32Array, count: number): void;
  /**
   * @param ops the batch being applied
   * @param at index of the op in it
   * @param books the books it was applied to; `books.effects` holds this op's rows only
   */
  after(ops: OpBatch, at: number, books: Books): void;
}

/** All that a set of books must know to become the same again: plain words, ready for a disk. */
export interface BooksImage {
  /** Numbers exact as doubles. */
  readonly scalars: Readonly<Record<string, number>>;
  /** Views of live memory where that saves a copy: copy them before the next op. */
  readonly arrays: Readonly<Record<string, Int32Array | Float64Array>>;
}

export interface Books {
  /** What the last op did, row by row; empty unless the books were made with `effects: true`. */
  readonly effects: Effects;
  /** Orders (or levels) that stand in all books of the stream. */
  readonly liveOrders: number;
  /** Things that should not be, by kind: unknown ids, doubled ids, negative remainders. */
  readonly anomalies: Map<string, number>;
  /** True when the op applied last changed price, size or order count of a best level. */
  readonly touchedBest: boolean;
  /**
   * Applies ops `from` up to, not including, `to`, in order.
   * @param observer told after each op; `null` where only the end matters
   */
  apply(ops: OpBatch, from: number, to: number, observer: BookObserver | null): void;
  /** Best levels of a side (`Side.Buy`, `Side.Sell`), best first, at most `out.capacity`. */
  topLevels(instrument: number, side: number, out: Levels): void;
  /** The best levels, all that a quote needs; an order count of 0 says that the side is empty. */
  readBest(instrument: number, out: Best): void;
  /**
   * Low words of the best levels' bid price, bid size, ask price, ask size into the first four of
   * `out`; 0 where there is none. As `readBest`, for who compares and folds.
   */
  readBestWords(instrument: number, out: Int32Array): void;
  /** Best bid >= best ask, both there. */
  isCrossed(instrument: number): boolean;
  /** The orders of one level in the order of their priority; empty for feeds of levels. */
  queue(instrument: number, side: number, price: number): QueuedOrder[];
  /** Drops every book: a new epoch. */
  clear(): void;
  /** The state of all books; `anomalies` are not part of it. */
  image(): BooksImage;
  /** Becomes the books of an image, of the same kind of books; what was here is dropped. */
  restore(image: BooksImage): void;
}
