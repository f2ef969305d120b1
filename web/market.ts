/**
 * One instrument as the panels show it: its newest book, its last trades, its mid and spread over
 * time. Fed by the live link or by a replay; however much comes, the panels are told once a frame.
 */
import { batch, signal } from "@preact/signals";
import type { Book, Trade } from "./api.ts";
import { msOf } from "./format.ts";

const TRADES = 60;
const POINTS = 1500;
/** Points nearer than this replace each other. */
const POINT_SECONDS = 0.1;

/** Mid and spread over the exchange's time, oldest first; a side that is empty leaves a hole. */
export class SpreadPoints {
  readonly seconds: number[] = [];
  readonly mid: (number | null)[] = [];
  readonly spread: (number | null)[] = [];
  /** Counts changes, so that a chart knows whether to draw. */
  version = 0;

  add({ ts_event, ts_recv, bids, asks }: Book): void {
    const at = msOf(ts_event ?? ts_recv) / 1000;
    if (Number.isNaN(at)) return;
    const last = this.seconds.at(-1) ?? Number.NEGATIVE_INFINITY;
    // A replay that was sent back begins a new curve.
    if (at < last) this.clear();
    const bid = bids[0] && Number(bids[0].price);
    const ask = asks[0] && Number(asks[0].price);
    const isWhole = bid !== undefined && ask !== undefined && ask >= bid;
    const slot = at - last < POINT_SECONDS && at >= last ? this.seconds.length - 1 : undefined;
    const index = slot ?? this.seconds.length;
    this.seconds[index] = slot === undefined ? at : last;
    this.mid[index] = isWhole ? (bid + ask) / 2 : null;
    this.spread[index] = isWhole ? ask - bid : null;
    if (this.seconds.length > POINTS) {
      for (const list of [this.seconds, this.mid, this.spread]) list.shift();
    }
    this.version++;
  }

  clear(): void {
    for (const list of [this.seconds, this.mid, this.spread]) list.length = 0;
    this.version++;
  }
}

export class Market {
  readonly book = signal<Book | null>(null);
  /** Newest first. */
  readonly trades = signal<readonly Trade[]>([]);
  readonly points = new SpreadPoints();
  private nextBook: Book | undefined;
  private nextTrades: Trade[] = [];
  private frame = 0;

  put(book: Book): void {
    this.points.add(book);
    this.nextBook = book;
    this.later();
  }

  /** @param rows oldest first */
  add(rows: readonly Trade[]): void {
    for (const row of rows.slice(-TRADES)) this.nextTrades.unshift(row);
    this.nextTrades.length = Math.min(this.nextTrades.length, TRADES);
    this.later();
  }

  /** Another instrument, or another time. */
  clear(): void {
    this.nextBook = undefined;
    this.nextTrades = [];
    this.points.clear();
    batch(() => {
      this.book.value = null;
      this.trades.value = [];
    });
  }

  /** After a break the newest trades come again. */
  forgetTrades(): void {
    this.nextTrades = [];
    this.trades.value = [];
  }

  private later(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      batch(() => {
        if (this.nextBook !== undefined) this.book.value = this.nextBook;
        this.nextBook = undefined;
        if (this.nextTrades.length === 0) return;
        this.trades.value = [...this.nextTrades, ...this.trades.value].slice(0, TRADES);
        this.nextTrades = [];
      });
    });
  }
}
