/** Opaque messages touch no book: each is an op that does nothing. */
import type { Decoder } from "../feed.ts";
import { Instruments } from "../instruments.ts";
import type { MessageBatch } from "../message-batch.ts";
import { type OpBatch, OpKind } from "../op-batch.ts";

export class SequencedDecoder implements Decoder {
  readonly instruments = new Instruments();
  readonly anomalies = new Map<string, number>();

  decode(messages: MessageBatch, at: number, ops: OpBatch): void {
    this.decodeRun(messages, at, at + 1, ops);
  }

  decodeRun(_messages: MessageBatch, from: number, to: number, ops: OpBatch): void {
    ops.kind.fill(OpKind.None, from, to);
    ops.flags.fill(0, from, to);
    ops.instrument.fill(-1, from, to);
  }
}
