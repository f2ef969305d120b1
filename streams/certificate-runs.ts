/** Runs of numbers in rising order, neighbours joined: the ranges that a certificate lists. */

/** Both ends included. */
export type Run = readonly [from: number, to: number];

/** Ranges listed; further ones are only counted. */
const RUNS_LIMIT = 4096;

export class Runs {
  /** Numbers in all runs, those that are not listed too. */
  total = 0;
  /** Runs that were not listed. */
  leftOut = 0;
  private readonly list: [number, number][] = [];
  private highest = Number.NaN;

  /** `from` is above everything added before; an empty run (`to` below `from`) is nothing. */
  add(from: number, to: number): void {
    if (to < from) return;
    this.total += to - from + 1;
    const joins = this.highest === from - 1;
    this.highest = to;
    if (joins && this.leftOut > 0) return;
    if (joins) this.list[this.list.length - 1][1] = to;
    else if (this.list.length < RUNS_LIMIT) this.list.push([from, to]);
    else this.leftOut++;
  }

  toArray(): Run[] {
    return this.list.map(([from, to]) => [from, to]);
  }

  copy(): Runs {
    const copy = new Runs();
    copy.total = this.total;
    copy.leftOut = this.leftOut;
    copy.highest = this.highest;
    for (const [from, to] of this.list) copy.list.push([from, to]);
    return copy;
  }
}

/** Numbers that are in `runs` and not in `others`; both sorted and without overlaps. */
export function runsWithout(runs: readonly Run[], others: readonly Run[]): Run[] {
  const left: Run[] = [];
  let at = 0;
  for (const [from, to] of runs) {
    let next = from;
    while (at < others.length && others[at][1] < next) at++;
    for (let i = at; i < others.length && others[i][0] <= to; i++) {
      if (others[i][0] > next) left.push([next, others[i][0] - 1]);
      next = Math.max(next, others[i][1] + 1);
    }
    if (next <= to) left.push([next, to]);
  }
  return left;
}

/** `41..44, 90`; of many only the first, and how many more there are. */
export function runsText(runs: readonly Run[], limit = 8): string {
  const shown = runs
    .slice(0, limit)
    .map(([from, to]) => (from === to ? `${from}` : `${from}..${to}`));
  if (runs.length > limit) shown.push(`and ${runs.length - limit} more`);
  return shown.join(", ");
}
