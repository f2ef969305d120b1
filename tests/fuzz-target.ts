/** What a fuzz target is, and how a run of them goes. */
import { cpuMs } from "./cpu-time.ts";
import { FuzzRandom } from "./fuzz-random.ts";

export interface FuzzTarget {
  readonly name: string;
  /** Inputs of this target for each input of the slowest ones. */
  readonly share: number;
  /** Whole inputs, which are mutated. */
  readonly seeds: readonly Uint8Array[];
  /** Takes one input. Whatever it throws is a finding: errors that belong are caught in here. */
  take(input: Uint8Array): void;
}

export interface FuzzReport {
  readonly inputs: number;
  readonly seconds: number;
  readonly byTarget: ReadonlyMap<string, { inputs: number; slowestMs: number }>;
  /** Resident memory, beyond what it was before, after a collection. */
  readonly grownBytes: number;
}

/** How long a run goes on: whichever end comes first. */
export interface FuzzLength {
  readonly inputs: number;
  readonly seconds?: number;
}

/** One input may take so much of a processor, with a collection in between. */
const INPUT_MS = 2000;
const BATCH = 64;

export class FuzzFinding extends Error {
  readonly target: string;
  readonly input: Uint8Array;

  constructor(target: string, input: Uint8Array, why: string, cause?: unknown) {
    super(`${target}: ${why}; for tests/corpus: ${corpusLine(target, input)}`, { cause });
    this.name = "FuzzFinding";
    this.target = target;
    this.input = input;
  }
}

/** A finding as a line of `tests/corpus/`. */
function corpusLine(target: string, input: Uint8Array): string {
  return JSON.stringify({ target, hex: Buffer.from(input).toString("hex") });
}

/**
 * Gives one input to a target.
 * @returns the ms it took by the clock, which a busy machine makes longer
 * @throws FuzzFinding
 */
export function tryInput(target: FuzzTarget, input: Uint8Array, cpuBeforeMs = cpuMs()): number {
  const before = performance.now();
  try {
    target.take(input);
  } catch (error) {
    throw new FuzzFinding(target.name, input, String((error as Error).stack ?? error), error);
  }
  const tookMs = performance.now() - before;
  // A process that had to wait for a processor is not slow: what it computed counts.
  if (tookMs > INPUT_MS && cpuMs() - cpuBeforeMs > INPUT_MS) {
    throw new FuzzFinding(target.name, input, `took ${tookMs.toFixed(0)} ms`);
  }
  return tookMs;
}

/**
 * Mutated inputs, spread over the targets by their shares, until the end of `length`.
 * @throws FuzzFinding with the input, and the seed that makes it again
 */
export async function fuzz(
  targets: readonly FuzzTarget[],
  length: FuzzLength,
  seed: number,
  onProgress: (done: number) => void = () => {},
): Promise<FuzzReport> {
  const random = new FuzzRandom(seed);
  const shares = targets.reduce((sum, { share }) => sum + share, 0);
  const byTarget = new Map(targets.map(({ name }) => [name, { inputs: 0, slowestMs: 0 }]));
  Bun.gc(true);
  const rss = process.memoryUsage.rss();
  const started = performance.now();
  const endMs = started + (length.seconds ?? Number.POSITIVE_INFINITY) * 1000;
  let done = 0;
  while (done < length.inputs && performance.now() < endMs) {
    for (const target of targets) {
      const tally = byTarget.get(target.name) ?? { inputs: 0, slowestMs: 0 };
      const most = Math.min(
        length.inputs - done,
        Math.ceil((BATCH * target.share * targets.length) / shares),
      );
      const cpuBeforeMs = cpuMs();
      for (let i = 0; i < most; i++) {
        const tookMs = tryInput(target, random.mutated(target.seeds), cpuBeforeMs);
        if (tookMs > tally.slowestMs) tally.slowestMs = tookMs;
      }
      tally.inputs += most;
      done += most;
    }
    onProgress(done);
    // Whatever a target began without waiting for it comes to its end.
    await new Promise((resolve) => setImmediate(resolve));
  }
  const seconds = (performance.now() - started) / 1000;
  Bun.gc(true);
  return { inputs: done, seconds, byTarget, grownBytes: process.memoryUsage.rss() - rss };
}
