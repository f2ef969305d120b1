/**
 * Rows of the `mbo` schema, one for each effect of an op, and of `mbp-1` and `mbp-10`, one for each
 * order, cancel and trade message after all of its effects, with the levels as they then are.
 */
import { type OpBatch, OpKind, Side } from "../../feed/op-batch.ts";
import { type BookObserver, type Books, Levels } from "../books.ts";
import { type Effects, NO_ACTION } from "../effects.ts";
import type { ByteColumn, NumberColumn, RowBatch, WordsColumn } from "./row-batch.ts";
import { RowHead, type RowStream, type RowTarget } from "./row-head.ts";

/** ASCII of a `Side`. */
export const SIDE_LETTERS: readonly number[] = [66, 65, 78];
const NONE = 78;

/** The columns that `mbo` and the level schemas share. */
class EffectColumns {
  readonly action: ByteColumn;
  readonly side: ByteColumn;
  readonly price: NumberColumn;
  readonly size: NumberColumn;
  readonly orderId: WordsColumn;

  constructor(batch: RowBatch) {
    this.action = batch.bytes("action");
    this.side = batch.bytes("side");
    this.price = batch.number("price");
    this.size = batch.number("size");
    this.orderId = batch.words("order_id");
  }

  fill(row: number, effects: Effects, at: number): void {
    const price = effects.price[at];
    this.action.value[row] = effects.action[at];
    this.side.value[row] = SIDE_LETTERS[effects.side[at]] ?? NONE;
    this.price.value[row] = price;
    this.size.value[row] = Number.isNaN(price) ? Number.NaN : effects.size[at];
    this.orderId.lo[row] = effects.idLo[at];
    this.orderId.hi[row] = effects.idHi[at];
  }

  /**
   * A message without an effect of its own: one that found no order, of which only the order's id is
   * known, or one that set a level.
   */
  fillNothing(row: number, ops: OpBatch, at: number): void {
    const kind = ops.kind[at];
    const named = kind <= OpKind.ExecuteAt;
    const level = kind === OpKind.Level;
    this.action.value[row] = NO_ACTION;
    this.side.value[row] = level ? (SIDE_LETTERS[ops.side[at]] ?? NONE) : NONE;
    this.price.value[row] = level ? ops.price[at] : Number.NaN;
    this.size.value[row] = level ? ops.size[at] : Number.NaN;
    this.orderId.lo[row] = named ? ops.idLo[at] : 0;
    this.orderId.hi[row] = named ? ops.idHi[at] : 0;
  }
}

export class MboRows implements BookObserver {
  private readonly head: RowHead;
  private readonly columns: EffectColumns;

  constructor(target: RowTarget, stream: RowStream) {
    this.head = new RowHead(target, stream);
    this.columns = new EffectColumns(target.batch);
  }

  after(ops: OpBatch, at: number, books: Books): void {
    const { effects } = books;
    for (let i = 0; i < effects.count; i++) {
      const instrument = effects.instrument[i];
      if (!this.head.wants(instrument)) continue;
      const crossed = instrument >= 0 && books.isCrossed(instrument);
      const row = this.head.open(ops, at, instrument, crossed);
      this.columns.fill(row, effects, i);
    }
  }
}

/** The six columns of one level. */
interface LevelColumns {
  readonly bidPrice: NumberColumn;
  readonly askPrice: NumberColumn;
  readonly bidSize: NumberColumn;
  readonly askSize: NumberColumn;
  readonly bidCount: NumberColumn;
  readonly askCount: NumberColumn;
}

export class LevelRows implements BookObserver {
  private readonly head: RowHead;
  private readonly columns: EffectColumns;
  private readonly levels: readonly LevelColumns[];
  private readonly bids: Levels;
  private readonly asks: Levels;

  /** @param depth 1 or 10 */
  constructor(target: RowTarget, stream: RowStream, depth: number) {
    this.head = new RowHead(target, stream);
    this.columns = new EffectColumns(target.batch);
    this.levels = Array.from({ length: depth }, (_, level) => levelColumns(target.batch, level));
    this.bids = new Levels(depth);
    this.asks = new Levels(depth);
  }

  after(ops: OpBatch, at: number, books: Books): void {
    const { effects } = books;
    const kind = ops.kind[at];
    if (kind === OpKind.Clear || kind === OpKind.SnapshotBegin) {
      for (let i = 0; i < effects.count; i++) this.row(ops, at, books, effects.instrument[i], i);
    } else if (isBookMessage(kind)) {
      const last = effects.count - 1;
      const instrument = last >= 0 ? effects.instrument[last] : ops.instrument[at];
      this.row(ops, at, books, instrument, last);
    }
  }

  private row(ops: OpBatch, at: number, books: Books, instrument: number, effect: number): void {
    if (!this.head.wants(instrument)) return;
    const known = instrument >= 0;
    const row = this.head.open(ops, at, instrument, known && books.isCrossed(instrument));
    if (effect >= 0) this.columns.fill(row, books.effects, effect);
    else this.columns.fillNothing(row, ops, at);
    const { bids, asks, levels } = this;
    bids.count = 0;
    asks.count = 0;
    if (known) {
      books.topLevels(instrument, Side.Buy, bids);
      books.topLevels(instrument, Side.Sell, asks);
    }
    for (let level = 0; level < levels.length; level++) {
      const { bidPrice, bidSize, bidCount, askPrice, askSize, askCount } = levels[level];
      fillLevel(row, level, bids, bidPrice, bidSize, bidCount);
      fillLevel(row, level, asks, askPrice, askSize, askCount);
    }
  }
}

/** Order, cancel and trade messages, and those that set levels. */
function isBookMessage(kind: number): boolean {
  return (kind >= OpKind.Add && kind <= OpKind.Level) || kind === OpKind.Quote;
}

function levelColumns(batch: RowBatch, level: number): LevelColumns {
  const at = String(level).padStart(2, "0");
  return {
    bidPrice: batch.number(`bid_px_${at}`),
    askPrice: batch.number(`ask_px_${at}`),
    bidSize: batch.number(`bid_sz_${at}`),
    askSize: batch.number(`ask_sz_${at}`),
    bidCount: batch.number(`bid_ct_${at}`),
    askCount: batch.number(`ask_ct_${at}`),
  };
}

function fillLevel(
  row: number,
  level: number,
  levels: Levels,
  price: NumberColumn,
  size: NumberColumn,
  count: NumberColumn,
): void {
  const there = level < levels.count;
  price.value[row] = there ? levels.price[level] : Number.NaN;
  size.value[row] = there ? levels.size[level] : 0;
  count.value[row] = there ? levels.orders[level] : 0;
}
