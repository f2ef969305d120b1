/** The gap ledger of a run as rows of the lake's table of gaps, in the order of their streams. */

import { byPlace, gapBatch } from "../book/rows/gap-rows.ts";
import type { NameTable } from "../book/rows/name-table.ts";
import type { RowBatch } from "../book/rows/row-batch.ts";
import type { Sequencer } from "../streams/sequencer.ts";

/** Gaps that are closed, repaired and lost ones, of one stream; by epoch and number. */
export function gapRows(sequencer: Sequencer, stream: number, names: NameTable): RowBatch {
  const gaps = sequencer.ledger.closedGaps().filter((gap) => gap.stream === stream);
  return gapBatch(gaps.sort(byPlace), names);
}
