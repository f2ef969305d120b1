/** Gaps that are closed as rows of the lake's table of gaps. */
import type { GapRow } from "../../streams/ledger.ts";
import type { NameTable } from "./name-table.ts";
import { RowBatch } from "./row-batch.ts";
import { gapColumns } from "./schema.ts";

/** In the order of their places: by epoch and number. */
export function byPlace(a: GapRow, b: GapRow): number {
  return a.epoch - b.epoch || a.from - b.from;
}

/** @param gaps in the order that rows shall have */
export function gapBatch(gaps: readonly GapRow[], names: NameTable): RowBatch {
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
