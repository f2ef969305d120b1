/**
 * The gaps of a feed's streams as rows for whoever is outside, each once it is closed and everything
 * before it too: so a stream's gaps come in the order of their numbers, and a reader drops those at or
 * below the last that it has, as of all rows.
 *
 * A life that begins from a checkpoint tells all that the ledger has again. More gaps between two looks
 * than the ledger has rows (16,384 of each state) are told only as far as it has them.
 */
import type { Bounded } from "../../streams/bounded.ts";
import type { GapRow } from "../../streams/ledger.ts";
import type { Sequencer } from "../../streams/sequencer.ts";
import type { Stream } from "../../streams/stream.ts";
import { byPlace } from "../rows/gap-rows.ts";

export class GapsClosed {
  private readonly sequencer: Sequencer;
  private lostSeen = 0;
  private repairedSeen = 0;
  /** By the exchange's number of the stream: what is closed while something before it is open. */
  private readonly waiting = new Map<number, GapRow[]>();

  constructor(sequencer: Sequencer) {
    this.sequencer = sequencer;
  }

  /** What can be told since the last look, a stream at a time. */
  *news(): Generator<{ readonly stream: number; readonly gaps: readonly GapRow[] }> {
    const { lost, repaired } = this.sequencer.ledger;
    for (const gap of fresh(lost, this.lostSeen)) this.wait(gap);
    for (const gap of fresh(repaired, this.repairedSeen)) this.wait(gap);
    this.lostSeen = lost.total;
    this.repairedSeen = repaired.total;
    if (this.waiting.size === 0) return;
    for (const stream of this.sequencer.streams) {
      const waiting = this.waiting.get(stream.id);
      if (waiting === undefined) continue;
      const gaps = waiting.filter((gap) => isPast(gap, stream)).sort(byPlace);
      const left = waiting.filter((gap) => !isPast(gap, stream));
      if (left.length === 0) this.waiting.delete(stream.id);
      else this.waiting.set(stream.id, left);
      if (gaps.length > 0) yield { stream: stream.id, gaps };
    }
  }

  private wait(gap: GapRow): void {
    const waiting = this.waiting.get(gap.stream);
    if (waiting === undefined) this.waiting.set(gap.stream, [gap]);
    else waiting.push(gap);
  }
}

/** Nothing at or before it is open. One that its neighbour still may lengthen is not past. */
function isPast({ epoch, to }: GapRow, stream: Stream): boolean {
  if (epoch < stream.epoch) return true;
  return to <= stream.position && stream.gaps.list[0]?.from !== to + 1;
}

function fresh(rows: Bounded<GapRow>, seen: number): GapRow[] {
  return rows.total === seen ? [] : rows.list().slice(-(rows.total - seen));
}
