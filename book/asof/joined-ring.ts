/**
 * The newest joined rows of a service, for readers that come by: one ring for all streams, the rows
 * of an instrument chained backwards. The oldest are overwritten; a reader that was overtaken can
 * tell by the instrument's count. About 170 bytes a row and 16 an instrument.
 */
import type { JoinedSink } from "./answers.ts";
import { JoinedBatch } from "./joined-batch.ts";
import { copyAnswer, copyEvent } from "./joined-fill.ts";

/** Rows of one stream's instruments: the number of the newest, and how many there ever were. */
class Chains {
  newest = new Float64Array(256).fill(-1);
  counts = new Float64Array(256);

  reach(instrument: number): void {
    if (instrument < this.newest.length) return;
    const size = Math.max(instrument + 1, this.newest.length * 2);
    const newest = new Float64Array(size).fill(-1);
    newest.set(this.newest);
    this.newest = newest;
    const counts = new Float64Array(size);
    counts.set(this.counts);
    this.counts = counts;
  }
}

export class JoinedRing implements JoinedSink {
  /** The rows, by slot. */
  readonly rows: JoinedBatch;
  /** Rows ever written; the newest has the number `head - 1`. */
  head = 0;
  private readonly before: Float64Array;
  private readonly chains: Chains[] = [];

  constructor(capacity = 16384) {
    this.rows = new JoinedBatch(capacity);
    this.before = new Float64Array(capacity);
  }

  write(batch: JoinedBatch): void {
    for (let row = 0; row < batch.count; row++) {
      const stream = batch.stream[row];
      const instrument = batch.instrument[row];
      this.chains[stream] ??= new Chains();
      const chains = this.chains[stream];
      chains.reach(instrument);
      const slot = this.head % this.rows.capacity;
      copyEvent(batch, row, this.rows, slot);
      copyAnswer(batch, row, this.rows, slot);
      this.before[slot] = chains.newest[instrument];
      chains.newest[instrument] = this.head++;
      chains.counts[instrument]++;
    }
  }

  /** Rows that this instrument ever had, overwritten ones too. */
  countOf(stream: number, instrument: number): number {
    return this.chains[stream]?.counts[instrument] ?? 0;
  }

  /** Slots of the instrument's newest rows, newest first, at most `limit`. */
  latest(stream: number, instrument: number, limit: number): number[] {
    const slots: number[] = [];
    const oldest = this.head - this.rows.capacity;
    let row = this.chains[stream]?.newest[instrument] ?? -1;
    while (row >= 0 && row >= oldest && slots.length < limit) {
      const slot = row % this.rows.capacity;
      slots.push(slot);
      row = this.before[slot];
    }
    return slots;
  }
}
