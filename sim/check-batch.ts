/**
 * Cases in a row by fast-check: each a world, judged. A case that fails is shrunk for a bounded number of
 * tries, and told with what repeats it. One seed and one path, one case, on every machine.
 */
import fc from "fast-check";
import type { Zstd } from "../frames/zstd-port.ts";
import { caseArbitrary } from "./check-cases.ts";
import { addPaths, addStanding, noTotals, type Totals } from "./check-totals.ts";
import type { WorldCase } from "./world/case.ts";
import { Judge } from "./world/judge.ts";
import { countPaths } from "./world/paths.ts";
import { World } from "./world/world.ts";

export interface Problem {
  readonly property: string;
  readonly text: string;
}

export interface CheckFailure {
  readonly seed: number;
  readonly path: string;
  /** The smallest case that still fails. */
  readonly given: WorldCase;
  readonly problems: readonly Problem[];
  /** Cases tried while shrinking. */
  readonly shrinks: number;
}

export interface BatchResult {
  readonly totals: Totals;
  readonly failure: CheckFailure | null;
}

/** Cases of one batch: each has a seed of its own, so that batches may run beside each other. */
export const BATCH_RUNS = 100;

/** Runs one case to its end; adds to the totals. @returns what did not hold */
export function judgeCase(given: WorldCase, zstd: Zstd, totals: Totals): Problem[] {
  const judge = new Judge();
  let world: World;
  try {
    world = new World(given, zstd);
    world.run(judge);
    judge.end(world);
  } catch (error) {
    // A core that throws has broken a promise of its own: no bytes and no order may make it.
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return [...judge.problems, { property: "no core throws", text }];
  }
  const { standing } = totals;
  totals.cases++;
  if (given.isRepairable) totals.repairable++;
  totals.messages += world.exchange.messages;
  totals.simulatedNs += world.nowNs;
  totals.undecidable += world.centre.watch?.undecidable ?? 0;
  addStanding(given.isRepairable ? standing.repairable : standing.other, judge.standing);
  addPaths(totals, countPaths(world));
  return judge.problems;
}

export interface BatchPlan {
  readonly seed: number;
  readonly runs: number;
  /** Only this case, and smaller ones if it fails; empty: all. */
  readonly path: string;
  /** Tries to make a failing case smaller. */
  readonly shrinks: number;
}

export function runBatch(
  { seed, runs, path, shrinks: most }: BatchPlan,
  zstd: Zstd,
  onCase: () => void = () => {},
): BatchResult {
  const totals = noTotals();
  let failed: Problem[] | undefined;
  let shrinks = 0;
  const property = fc.property(caseArbitrary, (given) => {
    // Enough tries: what is smallest by now is small.
    if (failed !== undefined && ++shrinks > most) return true;
    const problems = judgeCase(given, zstd, failed === undefined ? totals : noTotals());
    onCase();
    if (problems.length === 0) return true;
    failed = problems;
    return false;
  });
  const details = fc.check(property, { seed, numRuns: runs, path, verbose: 0 });
  if (!details.failed || details.counterexample === null) return { totals, failure: null };
  const [given] = details.counterexample;
  const problems = judgeCase(given, zstd, noTotals());
  const failure: CheckFailure = {
    // As it was given: fast-check says the same 32 bits with a sign.
    seed: details.seed >>> 0,
    path: details.counterexamplePath ?? "",
    given,
    // What comes only now and then has failed once, and that counts.
    problems: problems.length > 0 ? problems : (failed ?? []),
    shrinks: Math.min(shrinks, most),
  };
  return { totals, failure };
}

/** The seeds of the batches that make up a run: the first is the run's own. */
export function* batchesOf(seed: number, runs: number, shrinks: number): Generator<BatchPlan> {
  for (let from = 0, batch = 0; from < runs; from += BATCH_RUNS, batch++) {
    // Any odd constant that spreads neighbours apart.
    const own = seed + Math.imul(batch, 0x9e3779b1);
    yield { seed: own >>> 0, runs: Math.min(BATCH_RUNS, runs - from), path: "", shrinks };
  }
}
