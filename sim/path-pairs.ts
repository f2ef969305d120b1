/**
 * Which pairs of fault and repair path can occur, as found in some ten thousand cases: a check that
 * tries one of them too rarely, or meets one that is not here, has to say so.
 */
import type { Totals } from "./check-totals.ts";
import { type Path, pairOf } from "./world/paths.ts";

/** Of a number that a line did not bring, or not as it was sent. */
const OF_NUMBERS: readonly Path[] = [
  "not missed",
  "other line",
  "same line, late",
  "resend",
  "tick recovery",
  "snapshot",
  "new epoch",
  "flagged",
];
/** Of a number that the recovery server was asked for and did not give at once. */
const OF_ANSWERS: readonly Path[] = [
  "not missed",
  "other line",
  "resend",
  "tick recovery",
  "snapshot",
  "flagged",
];
const OF_CHUNKS: readonly Path[] = ["not missed", "resend", "tick recovery", "snapshot", "flagged"];
const OF_PROCESSES: readonly Path[] = [
  "not missed",
  "resend",
  "tick recovery",
  "snapshot",
  "flagged",
];
const OF_IMAGES: readonly Path[] = ["not missed", "snapshot", "flagged"];

const PATHS_OF: Readonly<Record<string, readonly Path[]>> = {
  ...of(
    [
      ...["drop", "outage", "delay", "duplicate"],
      ...["truncate", "corrupt", "conflict", "foreign", "stale"],
    ],
    OF_NUMBERS,
  ),
  // By chance only, and then looked at where the exchange does not restart.
  ...of(
    ["burst", "reorder"],
    OF_NUMBERS.filter((path) => path !== "new epoch"),
  ),
  ...of(
    ["cut", "error", "notyet", "short", "silence", "slow", "wrong"].map(
      (name) => `recovery ${name}`,
    ),
    OF_ANSWERS,
  ),
  ...of(
    ["cut", "error", "newer", "old", "refuse", "shuffle", "silence", "slow"].map(
      (name) => `snapshot ${name}`,
    ),
    OF_IMAGES,
  ),
  ...of(["recovery refuse"], ["not missed", "tick recovery", "snapshot", "flagged"]),
  ...of(["chunk lose", "chunk damage"], OF_CHUNKS),
  ...of(["chunk repeat", "chunk overtake"], ["not missed"]),
  ...of(["broker down", "restart shard"], OF_PROCESSES),
  ...of(["kill shard", "damage checkpoint", "tear checkpoint"], OF_PROCESSES),
  ...of(["kill collector"], [...OF_PROCESSES, "other collector"]),
  ...of(["exchange restart"], ["new epoch"]),
};

function of(faults: readonly string[], paths: readonly Path[]): Record<string, readonly Path[]> {
  return Object.fromEntries(faults.map((fault) => [fault, paths]));
}

const KNOWN: ReadonlySet<string> = new Set(
  Object.entries(PATHS_OF).flatMap(([fault, paths]) => paths.map((path) => pairOf(fault, path))),
);

/** Pairs that can occur and were taken less often than `least`, in words; those that should not be. */
export function rarePairs({ paths }: Totals, least: number): string[] {
  const rare: string[] = [];
  for (const pair of new Set([...KNOWN, ...Object.keys(paths)])) {
    const count = paths[pair] ?? 0;
    if (!KNOWN.has(pair)) rare.push(`${textOf(pair)}: ${count} (not known to occur)`);
    else if (count < least) rare.push(`${textOf(pair)}: ${count}`);
  }
  return rare;
}

/** The pair that was taken least of those that can occur. */
export function leastPair({ paths }: Totals): string {
  const counts = [...KNOWN].map((pair) => ({ pair, count: paths[pair] ?? 0 }));
  const { pair, count } = counts.reduce((a, b) => (b.count < a.count ? b : a));
  return `${textOf(pair)}, ${count} times (of ${KNOWN.size} that can occur)`;
}

const textOf = (pair: string) => pair.replace("|", " by ");
