/**
 * The settled best prices of each instrument as they were told last, and whether they must be told
 * anew: what `bbo --settled` shows, op by op (`settled.ts` says when a book may be quoted).
 *
 * Looks at a book only if an op moved its best or left it unsettled. About 60 bytes an instrument.
 */
import { type OpBatch, OpFlag, OpKind } from "../../feed/op-batch.ts";
import { Best, type Books } from "../books.ts";
import { isSettled } from "../settled.ts";

const SHOWN = 6;
/** Inside an event of the exchange: its next level message ends it or not. */
const INSIDE = 1;
/** The best moved while the book was not settled. */
const UNTOLD = 2;

export class SettledQuotes {
  /** The quote that the last call of `moves` or `tell` found. */
  readonly best = new Best();
  /** Instruments that were ever told. */
  count = 0;
  private told = new Float64Array(SHOWN * 256);
  private state = new Uint8Array(256);

  /** True if after op `at` of an instrument there is another settled quote than was told; tells it. */
  moves(ops: OpBatch, at: number, books: Books): boolean {
    const instrument = ops.instrument[at];
    if (instrument >= this.state.length) this.grow(instrument);
    if (ops.kind[at] === OpKind.Level) {
      const ends = (ops.flags[at] & OpFlag.EventEnd) !== 0;
      this.state[instrument] = ends
        ? this.state[instrument] & ~INSIDE
        : this.state[instrument] | INSIDE;
    }
    const state = this.state[instrument];
    if (!books.touchedBest && (state & UNTOLD) === 0) return false;
    if (state & INSIDE || !isSettled(ops, at, books)) {
      this.state[instrument] |= UNTOLD;
      return false;
    }
    return this.tell(instrument, books);
  }

  /** Reads the instrument's best as it is, settled or not. @returns true if it was not told before */
  tell(instrument: number, books: Books): boolean {
    if (instrument >= this.state.length) this.grow(instrument);
    if (instrument >= this.count) this.count = instrument + 1;
    const { best, told } = this;
    books.readBest(instrument, best);
    this.state[instrument] &= ~UNTOLD;
    const at = instrument * SHOWN;
    const isSame =
      told[at] === best.bidPrice &&
      told[at + 1] === best.bidSize &&
      told[at + 2] === best.bidOrders &&
      told[at + 3] === best.askPrice &&
      told[at + 4] === best.askSize &&
      told[at + 5] === best.askOrders;
    if (isSame) return false;
    told[at] = best.bidPrice;
    told[at + 1] = best.bidSize;
    told[at + 2] = best.bidOrders;
    told[at + 3] = best.askPrice;
    told[at + 4] = best.askSize;
    told[at + 5] = best.askOrders;
    return true;
  }

  /** Every book was dropped: no instrument is inside an event. */
  leaveEvents(): void {
    this.state.fill(0);
  }

  private grow(instrument: number): void {
    const size = Math.max(instrument + 1, this.state.length * 2);
    const state = new Uint8Array(size);
    state.set(this.state);
    this.state = state;
    const told = new Float64Array(size * SHOWN);
    told.set(this.told);
    this.told = told;
  }
}
