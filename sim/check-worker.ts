/** Edge: one worker of `sim check`: takes batches, gives their results. */
import { openZstd } from "../frames/zstd.ts";
import { type BatchPlan, type BatchResult, runBatch } from "./check-batch.ts";

export type WorkerMessage =
  | { readonly kind: "case" }
  | { readonly kind: "batch"; readonly result: BatchResult };

declare const self: Worker;

self.onmessage = ({ data }: MessageEvent<BatchPlan>) => {
  const tell = (message: WorkerMessage) => self.postMessage(message);
  const result = runBatch(data, openZstd(), () => tell({ kind: "case" }));
  tell({ kind: "batch", result });
};
