/** What many cases of the check came to, together; plain, so that it travels between workers. */
import type { Standing } from "./world/judge.ts";
import { PATHS, type PathCounts, pairOf } from "./world/paths.ts";

export interface Totals {
  cases: number;
  repairable: number;
  messages: number;
  /** Virtual time of the exchanges, ns. */
  simulatedNs: number;
  /** Stream-time by standing, ns: of cases drawn to be repairable, and of the others. */
  readonly standing: { readonly repairable: Standing; readonly other: Standing };
  /** Times that numbers could not tell one epoch from another. */
  undecidable: number;
  readonly paths: Record<string, number>;
}

export const noStanding = (): Standing => ({ live: 0, held: 0, flagged: 0, absent: 0 });

export function noTotals(): Totals {
  const standing = { repairable: noStanding(), other: noStanding() };
  const sums = { cases: 0, repairable: 0, messages: 0, simulatedNs: 0, undecidable: 0 };
  return { ...sums, standing, paths: {} };
}

export function addPaths(totals: Totals, paths: PathCounts): void {
  for (const [pair, count] of paths) totals.paths[pair] = (totals.paths[pair] ?? 0) + count;
}

export function addStanding(to: Standing, from: Standing): void {
  for (const name of ["live", "held", "flagged", "absent"] as const) to[name] += from[name];
}

export function addTotals(to: Totals, from: Totals): void {
  to.cases += from.cases;
  to.repairable += from.repairable;
  to.messages += from.messages;
  to.simulatedNs += from.simulatedNs;
  to.undecidable += from.undecidable;
  addStanding(to.standing.repairable, from.standing.repairable);
  addStanding(to.standing.other, from.standing.other);
  addPaths(to, new Map(Object.entries(from.paths)));
}

/** What the share may be: books that are safe because they are always flagged are worth nothing. */
export const DOUBTFUL_MOST = { repairable: 0.2, other: 0.75 };

/** Part of the stream-time that the centre was up for in which books were held or flagged. */
export function doubtfulShare({ live, held, flagged }: Standing): number {
  return (held + flagged) / Math.max(1, live + held + flagged);
}

/** Rows of faults, columns of paths, counts; a pair that never happened is a dot. */
export function pathTable({ paths }: Totals): string {
  const faults = [...new Set(Object.keys(paths).map((pair) => pair.split("|")[0]))].sort();
  const width = Math.max(...faults.map((fault) => fault.length), 5);
  const head = ["fault".padEnd(width), ...PATHS.map((path) => path.padStart(columnOf(path)))];
  const rows = faults.map((fault) =>
    [
      fault.padEnd(width),
      ...PATHS.map((path) => `${paths[pairOf(fault, path)] ?? "."}`.padStart(columnOf(path))),
    ].join("  "),
  );
  return [head.join("  "), ...rows].join("\n");
}

const columnOf = (path: string) => Math.max(path.length, 7);
