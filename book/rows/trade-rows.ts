/** Rows of the `trades` schema: one for each trade, and one for each trade that is taken back. */
import { type OpBatch, OpKind, Side } from "../../feed/op-batch.ts";
import type { BookObserver, Books } from "../books.ts";
import { Action, type Effects } from "../effects.ts";
import { SIDE_LETTERS } from "./order-rows.ts";
import type { ByteColumn, NumberColumn, WordsColumn } from "./row-batch.ts";
import { RowHead, type RowStream, type RowTarget } from "./row-head.ts";

export class TradeRows implements BookObserver {
  private readonly head: RowHead;
  private readonly price: NumberColumn;
  private readonly size: NumberColumn;
  private readonly side: ByteColumn;
  private readonly action: ByteColumn;
  private readonly tradeId: WordsColumn;
  private readonly buyId: WordsColumn;
  private readonly sellId: WordsColumn;

  constructor(target: RowTarget, stream: RowStream) {
    const { batch } = target;
    this.head = new RowHead(target, stream);
    this.price = batch.number("price");
    this.size = batch.number("size");
    this.side = batch.bytes("side");
    this.action = batch.bytes("action");
    this.tradeId = batch.words("trade_id");
    this.buyId = batch.words("buy_order_id");
    this.sellId = batch.words("sell_order_id");
  }

  after(ops: OpBatch, at: number, books: Books): void {
    const { effects } = books;
    for (let i = 0; i < effects.count; i++) {
      const action = effects.action[i];
      if (action === Action.Trade || action === Action.Break) this.row(ops, at, books, i);
    }
  }

  private row(ops: OpBatch, at: number, books: Books, effect: number): void {
    const { effects } = books;
    const instrument = effects.instrument[effect];
    if (!this.head.wants(instrument)) return;
    const crossed = instrument >= 0 && books.isCrossed(instrument);
    const row = this.head.open(ops, at, instrument, crossed);
    const price = effects.price[effect];
    this.price.value[row] = price;
    this.size.value[row] = Number.isNaN(price) ? Number.NaN : effects.size[effect];
    this.side.value[row] = SIDE_LETTERS[effects.side[effect]] ?? SIDE_LETTERS[Side.None];
    this.action.value[row] = effects.action[effect];
    this.tradeId.lo[row] = ops.tradeIdLo[at];
    this.tradeId.hi[row] = ops.tradeIdHi[at];
    this.fillOrders(row, ops, at, effects);
  }

  /** Both orders where the message names both; else the one that was executed. */
  private fillOrders(row: number, ops: OpBatch, at: number, effects: Effects): void {
    const { buyId, sellId } = this;
    const both = ops.kind[at] === OpKind.Trade || ops.kind[at] === OpKind.Break;
    buyId.lo[row] = both ? ops.idLo[at] : 0;
    buyId.hi[row] = both ? ops.idHi[at] : 0;
    sellId.lo[row] = both ? ops.id2Lo[at] : 0;
    sellId.hi[row] = both ? ops.id2Hi[at] : 0;
    for (let i = 0; i < effects.count && !both; i++) {
      if (effects.action[i] !== Action.Fill) continue;
      const column = effects.side[i] === Side.Buy ? buyId : sellId;
      column.lo[row] = effects.idLo[i];
      column.hi[row] = effects.idHi[i];
    }
  }
}
