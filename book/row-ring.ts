/**
 * The newest rows of one stream (trades, or order events of instruments that somebody watches), in
 * typed columns. Rows of one instrument are chained backwards, so that its latest are found without
 * a search. Bounded: the oldest rows are overwritten; a reader that was overtaken can tell by the
 * instrument's count.
 */
import type { Effects } from "./effects.ts";

export class RowRing {
  readonly capacity: number;
  /** Rows ever added; the newest has the number `head - 1`. */
  head = 0;
  readonly instrument: Int32Array;
  /** ASCII code of the action. */
  readonly action: Uint8Array;
  readonly side: Uint8Array;
  readonly price: Float64Array;
  readonly size: Float64Array;
  readonly idLo: Int32Array;
  readonly idHi: Int32Array;
  /** Of trades: the other order (`id` the buyer's, this the seller's) and the trade's own id. */
  readonly id2Lo: Int32Array;
  readonly id2Hi: Int32Array;
  readonly tradeIdLo: Int32Array;
  readonly tradeIdHi: Int32Array;
  /** Of the message: epochs that had begun since the first, and its number. */
  readonly epoch: Uint32Array;
  readonly sequence: Float64Array;
  readonly recvSec: Uint32Array;
  readonly recvNsec: Uint32Array;
  readonly timeLo: Int32Array;
  readonly timeHi: Int32Array;
  readonly flags: Uint8Array;
  /** Number of the same instrument's row before; -1: none. */
  private readonly before: Float64Array;
  private newest: Float64Array = new Float64Array(256).fill(-1);
  private counts: Float64Array = new Float64Array(256);

  constructor(capacity = 16384) {
    this.capacity = capacity;
    this.instrument = new Int32Array(capacity);
    this.action = new Uint8Array(capacity);
    this.side = new Uint8Array(capacity);
    this.price = new Float64Array(capacity);
    this.size = new Float64Array(capacity);
    this.idLo = new Int32Array(capacity);
    this.idHi = new Int32Array(capacity);
    this.id2Lo = new Int32Array(capacity);
    this.id2Hi = new Int32Array(capacity);
    this.tradeIdLo = new Int32Array(capacity);
    this.tradeIdHi = new Int32Array(capacity);
    this.epoch = new Uint32Array(capacity);
    this.sequence = new Float64Array(capacity);
    this.recvSec = new Uint32Array(capacity);
    this.recvNsec = new Uint32Array(capacity);
    this.timeLo = new Int32Array(capacity);
    this.timeHi = new Int32Array(capacity);
    this.flags = new Uint8Array(capacity);
    this.before = new Float64Array(capacity);
  }

  /**
   * Opens a row with what an effect says; the caller fills the columns of its message.
   * @returns the row's slot
   */
  add(instrument: number, effects: Effects, row: number): number {
    if (instrument >= this.newest.length) this.grow(instrument);
    const slot = this.head % this.capacity;
    this.instrument[slot] = instrument;
    this.action[slot] = effects.action[row];
    this.side[slot] = effects.side[row];
    this.price[slot] = effects.price[row];
    this.size[slot] = effects.size[row];
    this.idLo[slot] = effects.idLo[row];
    this.idHi[slot] = effects.idHi[row];
    this.before[slot] = this.newest[instrument];
    this.newest[instrument] = this.head;
    this.counts[instrument]++;
    this.head++;
    return slot;
  }

  /** Rows that this instrument ever had, overwritten ones too. */
  countOf(instrument: number): number {
    return instrument < this.counts.length ? this.counts[instrument] : 0;
  }

  /** Nobody finds the rows that are here any more; counts stay. */
  forget(): void {
    this.newest.fill(-1);
  }

  /**
   * Slots of the instrument's newest rows, newest first, at most `limit`, the first `skipped` left
   * out.
   */
  latest(instrument: number, limit: number, skipped = 0): number[] {
    const slots: number[] = [];
    let left = skipped;
    const oldest = this.head - this.capacity;
    let row = instrument < this.newest.length ? this.newest[instrument] : -1;
    while (row >= 0 && row >= oldest && slots.length < limit) {
      const slot = row % this.capacity;
      if (left > 0) left--;
      else slots.push(slot);
      row = this.before[slot];
    }
    return slots;
  }

  private grow(instrument: number): void {
    const size = Math.max(instrument + 1, this.newest.length * 2);
    const newest = new Float64Array(size).fill(-1);
    newest.set(this.newest);
    this.newest = newest;
    const counts = new Float64Array(size);
    counts.set(this.counts);
    this.counts = counts;
  }
}
