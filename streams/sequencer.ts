/**
 * Contract sketch: replaced by the implementation. See docs/ARCHITECTURE.md, "streams".
 */
import type { Framing } from "../feed/feed.ts";
import type { Channels } from "../frames/channels.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import type { DeliverySink } from "./delivery.ts";

export interface SequencerOptions {
  /** Reordering window in ns of capture time; 0 runs on at once. */
  readonly windowNs: number;
  /** Held messages of one stream at most, before its oldest gap is lost. */
  readonly windowMessages: number;
  /** Held bytes of all streams at most. */
  readonly windowBytes: number;
  /** Count what is missing before the first number too (`--from-start`). */
  readonly fromStart: boolean;
}

export declare class Sequencer {
  constructor(
    framing: Framing,
    channels: Channels,
    sink: DeliverySink,
    options?: Partial<SequencerOptions>,
  );
  /** Dense; a message's `stream` is an index in it. */
  readonly streams: readonly unknown[];
  push(frames: FrameBatch): void;
  /** Capture time moves on without frames (live): windows close. */
  advance(nowNs: number): void;
  /** The input is over: what is missing is lost, what is held is delivered. */
  finish(): void;
}
