/**
 * Frames lost, doubled and out of order on purpose: `faults/` between the capture and the wire.
 * Each channel is a line of its own there; its time is counted from the first frame's second, so
 * that it stays exact.
 */
import { FrameFaults, type FrameSink } from "../faults/frames.ts";
import type { LineFaults } from "../faults/line-faults.ts";
import { FrameBatch } from "../frames/frame-batch.ts";

/** `faults/` knows this many lines; channels beyond share the last. */
const LINES_LIMIT = 63;

export class Impairment implements FrameSink {
  private readonly faults: FrameFaults;
  private out = new FrameBatch(4096);
  private bytes = new Uint8Array(1 << 20);
  private used = 0;
  private originSec = -1;

  constructor(faults: Partial<LineFaults>, seed: number) {
    this.faults = new FrameFaults({ all: faults, numbers: null }, seed, this);
    this.out.reset(this.bytes);
  }

  /** What arrives of the batch, and of those before it; valid until the next call. */
  apply(batch: FrameBatch): FrameBatch {
    this.begin();
    for (let at = 0; at < batch.count; at++) {
      if (this.originSec < 0) this.originSec = batch.sec[at];
      const timeNs = (batch.sec[at] - this.originSec) * 1e9 + batch.nsec[at];
      const line = Math.min(batch.channel[at], LINES_LIMIT);
      this.faults.push(line, timeNs, batch.bytes, batch.offset[at], batch.length[at]);
    }
    return this.out;
  }

  /** What is still on its way. */
  finish(): FrameBatch {
    this.begin();
    this.faults.finish();
    return this.out;
  }

  frame(line: number, timeNs: number, bytes: Uint8Array, offset: number, length: number): void {
    if (this.out.count === this.out.capacity) this.growFrames();
    if (this.used + length > this.bytes.length) this.growBytes(this.used + length);
    this.bytes.set(bytes.subarray(offset, offset + length), this.used);
    const seconds = Math.floor(timeNs / 1e9);
    this.out.add(
      this.used,
      length,
      this.originSec + seconds,
      Math.round(timeNs - seconds * 1e9),
      line,
    );
    this.used += length;
  }

  private begin(): void {
    this.used = 0;
    this.out.reset(this.bytes);
  }

  private growBytes(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes);
    this.bytes = grown;
    const { count } = this.out;
    this.out.reset(grown);
    this.out.count = count;
  }

  private growFrames(): void {
    const old = this.out;
    this.out = new FrameBatch(old.capacity * 2);
    this.out.reset(this.bytes);
    this.out.offset.set(old.offset);
    this.out.length.set(old.length);
    this.out.sec.set(old.sec);
    this.out.nsec.set(old.nsec);
    this.out.channel.set(old.channel);
    this.out.count = old.count;
  }
}
