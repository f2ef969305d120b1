/** The gap ledger of a run as rows of the lake's table of gaps, in the order of their streams. */

import type { NameTable } from "../book/rows/name-table.ts";
import { RowBatch } from "../book/rows/row-batch.ts";
import { gapColumns } from "../book/rows/schema.ts";
import type { GapRow } from "../streams/ledger.ts";
import type { Sequencer } from "../streams/sequencer.ts";

/** Gaps that are closed, repaired and lost ones, of one stream; by epoch and number. */
export function gapRows(sequencer: Sequencer, stream: number, names: NameTable): RowBatch {
  const gaps = sequencer.ledger
    .closedGaps()
    .filter((gap) => gap.stream === stream)
    .sort((a, b) => a.epoch - b.epoch || a.from - b.from);
  const batch = new RowBatch(gapColumns(), names, 0, Math.max(1, gaps.length));
  gaps.forEach((gap, at) => {
    fill(batch, at, gap);
  });
  batch.count = gaps.length;
  return batch;
}

function fill(batch: RowBatch, at: number, gap: GapRow): void {
  batch.clearRow(at);
  const sec = Math.floor(gap.detectedNs / 1e9);
  batch.time("ts_event").sec[at] = sec;
  batch.time("ts_event").nsec[at] = gap.detectedNs - sec * 1e9;
  batch.number("stream").value[at] = gap.stream;
  batch.number("sequence").value[at] = gap.from;
  batch.number("epoch").value[at] = gap.epoch;
  batch.number("row").value[at] = 0;
  batch.number("last").value[at] = gap.to;
  batch.number("numbers").value[at] = gap.to - gap.from + 1;
  batch.text("state").value[at] = gap.state;
  batch.text("cause").value[at] = gap.cause;
  batch.text("repaired_by").value[at] = gap.repairedBy ?? "";
}
