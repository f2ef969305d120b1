/** Where a sequencer's output goes. */
import type { MessageBatch } from "../feed/message-batch.ts";

export interface DeliverySink {
  /** Messages in order; the batch and its buffer are only valid during the call. */
  deliver(batch: MessageBatch): void;
}
