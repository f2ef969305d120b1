/** Recovered messages gathered into frame batches, each message a datagram as a line brings it. */
import { FrameBatch } from "../frames/frame-batch.ts";

const BATCH_FRAMES = 2048;
const BATCH_BYTES = 1 << 18;

export class RecoveredFrames {
  private batch = new FrameBatch(BATCH_FRAMES);
  private bytes = new Uint8Array(BATCH_BYTES);
  private used = 0;

  /** Gathered and not taken yet; valid until `clear`. */
  get frames(): FrameBatch {
    return this.batch;
  }

  /** False if the batch must be taken first. */
  hasRoom(length: number): boolean {
    return this.batch.count < BATCH_FRAMES && this.used + length <= this.bytes.length;
  }

  /** @param atNs when it came, ns since 1970: the frame's capture time */
  add(from: Uint8Array, offset: number, length: number, atNs: number, channel: number): void {
    if (this.batch.count === 0) this.clear(length);
    const { bytes, used } = this;
    for (let i = 0; i < length; i++) bytes[used + i] = from[offset + i];
    const sec = Math.floor(atNs / 1e9);
    this.batch.add(used, length, sec, Math.floor(atNs - sec * 1e9), channel);
    this.used += length;
  }

  /** Empties it; `needed` bytes have room afterwards. */
  clear(needed = 0): void {
    if (needed > this.bytes.length) this.bytes = new Uint8Array(needed);
    this.batch.reset(this.bytes);
    this.used = 0;
  }
}
