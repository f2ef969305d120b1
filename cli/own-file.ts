/**
 * An exchange's own file, block by block: carries a message that a block cuts over to the next, so
 * that the blocks themselves are never copied.
 */
import type { Feed } from "../feed/feed.ts";

/** Bytes taken from the next block to complete a message: longer ones do not exist. */
const BRIDGE = 4096;

export interface FileConsumer {
  fileBytes(bytes: Uint8Array, from: number, to: number): number;
}

export class OwnFileReader {
  /** Bytes of whole messages so far. */
  bytes = 0;
  private readonly feed: Feed;
  private readonly consumer: FileConsumer;
  private carry: Uint8Array = new Uint8Array(0);
  private damagedAt = -1;

  constructor(feed: Feed, consumer: FileConsumer) {
    this.feed = feed;
    this.consumer = consumer;
  }

  /** False where the file is damaged: nothing behind that can be told apart. */
  push(block: Uint8Array): boolean {
    let from = 0;
    if (this.carry.length > 0) {
      const carried = this.carry.length;
      const bridge = new Uint8Array(carried + Math.min(BRIDGE, block.length));
      bridge.set(this.carry);
      bridge.set(block.subarray(0, BRIDGE), carried);
      const next = this.take(bridge, 0);
      if (next < 0) return false;
      if (next < carried) {
        this.carry = bridge.slice(next);
        return true;
      }
      from = next - carried;
    }
    const next = this.take(block, from);
    if (next < 0) return false;
    this.carry = block.slice(next);
    return true;
  }

  /** What was wrong with the file; empty if nothing. */
  end(): string {
    if (this.damagedAt >= 0) return `damaged at byte ${this.damagedAt}: no message has this length`;
    const left = this.carry.length;
    if (left === 0 || this.isEndMark()) return "";
    return `ends inside a message, ${left} bytes after byte ${this.bytes}`;
  }

  private take(bytes: Uint8Array, from: number): number {
    const next = this.consumer.fileBytes(bytes, from, bytes.length);
    if (next < 0) {
      const at = -1 - next;
      this.bytes += at - from;
      this.damagedAt = this.bytes;
    } else this.bytes += next - from;
    return next;
  }

  private isEndMark(): boolean {
    const { buffer, byteOffset, length } = this.carry;
    const view = new DataView(buffer, byteOffset, length);
    return this.feed.file?.isEnd(view, 0, length) ?? false;
  }
}
