/**
 * Rows of the `bbo` schema: one whenever price, size or order count of an instrument's best bid or
 * ask is not what it was in its last row. Settled rows keep back what lies inside an event of the
 * exchange: the state after it is compared with the one before.
 */
import { type OpBatch, OpFlag, OpKind, Side } from "../../feed/op-batch.ts";
import { type BookObserver, type Books, Levels } from "../books.ts";
import { isSettled } from "../settled.ts";
import type { NumberColumn } from "./row-batch.ts";
import { RowHead, type RowStream, type RowTarget } from "./row-head.ts";

/** Price, size and count of bid and ask. */
const SHOWN = 6;

export class BestRows implements BookObserver {
  private readonly head: RowHead;
  private readonly columns: readonly NumberColumn[];
  private readonly bid = new Levels(1);
  private readonly ask = new Levels(1);
  private readonly now = new Float64Array(SHOWN);
  /** What the last row of each instrument showed, six numbers each; a price that is not there is 0. */
  private last = new Float64Array(SHOWN * 1024);
  private readonly settled: boolean;
  /** Instruments that stand inside an event of the exchange: its next level message ends it or not. */
  private readonly inside: boolean[] = [];

  constructor(target: RowTarget, stream: RowStream, settled: boolean) {
    this.head = new RowHead(target, stream);
    const names = ["bid_px", "bid_sz", "bid_ct", "ask_px", "ask_sz", "ask_ct"];
    this.columns = names.map((name) => target.batch.number(name));
    this.settled = settled;
  }

  after(ops: OpBatch, at: number, books: Books): void {
    const kind = ops.kind[at];
    if (kind === OpKind.Clear || kind === OpKind.SnapshotBegin) {
      const instruments = this.last.length / SHOWN;
      this.inside.length = 0;
      for (let i = 0; i < instruments; i++) this.show(ops, at, books, i);
    } else if (ops.instrument[at] >= 0 && (this.settled || books.touchedBest)) {
      if (!this.settled || this.isOutside(ops, at, books)) {
        this.show(ops, at, books, ops.instrument[at]);
      }
    }
  }

  /** A message that is no level's says nothing of the event: the level message before it decides. */
  private isOutside(ops: OpBatch, at: number, books: Books): boolean {
    const instrument = ops.instrument[at];
    if (ops.kind[at] === OpKind.Level) {
      this.inside[instrument] = (ops.flags[at] & OpFlag.EventEnd) === 0;
    }
    return this.inside[instrument] !== true && isSettled(ops, at, books);
  }

  private show(ops: OpBatch, at: number, books: Books, instrument: number): void {
    const { now, bid, ask } = this;
    books.topLevels(instrument, Side.Buy, bid);
    books.topLevels(instrument, Side.Sell, ask);
    fill(now, 0, bid);
    fill(now, 3, ask);
    if (!this.changed(instrument) || !this.head.wants(instrument)) return;
    const row = this.head.open(ops, at, instrument, books.isCrossed(instrument));
    for (let i = 0; i < SHOWN; i++) {
      const missing = (i === 0 && bid.count === 0) || (i === 3 && ask.count === 0);
      this.columns[i].value[row] = missing ? Number.NaN : now[i];
    }
  }

  /** Compares with what the last row showed, and remembers. */
  private changed(instrument: number): boolean {
    const base = instrument * SHOWN;
    if (base >= this.last.length) this.grow(base);
    const { last, now } = this;
    let changed = false;
    for (let i = 0; i < SHOWN; i++) {
      if (last[base + i] !== now[i]) changed = true;
      last[base + i] = now[i];
    }
    return changed;
  }

  private grow(base: number): void {
    const wider = new Float64Array(Math.max(this.last.length * 2, base + SHOWN));
    wider.set(this.last);
    this.last = wider;
  }
}

function fill(now: Float64Array, at: number, best: Levels): void {
  const there = best.count > 0;
  now[at] = there ? best.price[0] : 0;
  now[at + 1] = there ? best.size[0] : 0;
  now[at + 2] = there ? best.orders[0] : 0;
}
