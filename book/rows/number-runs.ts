/**
 * Columns of numbers that stand side by side (the levels of `mbp-10` are sixty of them): a text writer
 * puts such a run in one loop over plain arrays, and only looks at what kind a column is for the rest.
 */
import type { Column, RowBatch } from "./row-batch.ts";

export interface NumberRun {
  /** Index of the first column. */
  readonly from: number;
  /** Index behind the last one. */
  readonly to: number;
  readonly values: readonly Float64Array[];
  readonly decimals: Uint8Array;
}

/** Follows the batch that is being written; one output has one all the time. */
export class NumberRuns {
  /** By the index of a run's first column. */
  private runs: (NumberRun | undefined)[] = [];
  private batch: RowBatch | undefined;
  private readonly belongs: (column: Column) => boolean;

  /** @param belongs true for columns that the writer puts alike */
  constructor(belongs: (column: Column) => boolean) {
    this.belongs = belongs;
  }

  of(batch: RowBatch): readonly (NumberRun | undefined)[] {
    if (this.batch === batch) return this.runs;
    this.batch = batch;
    this.runs = batch.columns.map(() => undefined);
    let from = 0;
    for (let at = 0; at <= batch.columns.length; at++) {
      if (at < batch.columns.length && this.belongs(batch.columns[at])) continue;
      if (at > from) this.runs[from] = runOf(batch.columns, from, at);
      from = at + 1;
    }
    return this.runs;
  }
}

function runOf(columns: readonly Column[], from: number, to: number): NumberRun {
  const values: Float64Array[] = [];
  const decimals = new Uint8Array(to - from);
  for (let at = from; at < to; at++) {
    const column = columns[at];
    if (!("decimals" in column)) continue;
    decimals[values.length] = column.decimals;
    values.push(column.value);
  }
  return { from, to, values, decimals };
}
