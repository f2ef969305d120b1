/**
 * Edge: runs the batches of a check on several workers. What is found does not depend on how many
 * there are; the first failure by batch ends the run.
 */
import { openZstd } from "../frames/zstd.ts";
import { type BatchPlan, type BatchResult, batchesOf, runBatch } from "./check-batch.ts";
import { addTotals, noTotals } from "./check-totals.ts";
import type { WorkerMessage } from "./check-worker.ts";

export interface PoolOptions {
  readonly seed: number;
  readonly runs: number;
  readonly path: string;
  readonly shrinks: number;
  readonly workers: number;
  readonly signal: AbortSignal;
  /** Told after each case, shrinking included. */
  readonly onCase: (cases: number) => void;
}

export async function runCheckPool(options: PoolOptions): Promise<BatchResult> {
  const { seed, runs, path, shrinks, workers } = options;
  let cases = 0;
  const onCase = () => options.onCase(++cases);
  if (path !== "") return runBatch({ seed, runs, path, shrinks }, openZstd(), onCase);
  const plans = [...batchesOf(seed, runs, shrinks)];
  const results: (BatchResult | undefined)[] = plans.map(() => undefined);
  let next = 0;
  const take = (): number | undefined => {
    const isFailed = results.some((result) => result?.failure);
    return isFailed || options.signal.aborted || next === plans.length ? undefined : next++;
  };
  const work = async () => {
    const worker = new BatchWorker(onCase, options.signal);
    try {
      for (let at = take(); at !== undefined; at = take()) {
        results[at] = await worker.run(plans[at]);
      }
    } finally {
      worker.close();
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, plans.length) }, work));
  const totals = noTotals();
  for (const result of results) if (result !== undefined) addTotals(totals, result.totals);
  const failure = results.find((result) => result?.failure)?.failure ?? null;
  return { totals, failure };
}

class BatchWorker {
  private readonly worker = new Worker(new URL("./check-worker.ts", import.meta.url));
  private readonly onCase: () => void;
  private readonly signal: AbortSignal;

  constructor(onCase: () => void, signal: AbortSignal) {
    this.onCase = onCase;
    this.signal = signal;
  }

  /** Undefined if the run was interrupted. */
  run(plan: BatchPlan): Promise<BatchResult | undefined> {
    const { worker, signal } = this;
    return new Promise((resolve, reject) => {
      const stop = () => resolve(undefined);
      signal.addEventListener("abort", stop, { once: true });
      worker.onmessage = ({ data }: MessageEvent<WorkerMessage>) => {
        if (data.kind === "case") this.onCase();
        else {
          signal.removeEventListener("abort", stop);
          resolve(data.result);
        }
      };
      worker.onerror = (event) => reject(new Error(`a worker of the check died: ${event.message}`));
      worker.postMessage(plan);
    });
  }

  close(): void {
    this.worker.terminate();
  }
}
