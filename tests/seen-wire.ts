/**
 * Edge: two lines of one stream as a receiver hands them over, told what goes wrong: numbers that
 * neither brings, a line that falls silent, more bytes than a spool takes.
 */
import type { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import type { MulticastReceiver } from "../frames/multicast-port.ts";

const FRAMES = 16;
const LINES = 2;

export class SeenWire implements MulticastReceiver {
  readonly kind = "dgram";
  readonly clock = "kernel";
  readonly receiveBufferBytes = 1 << 20;
  readonly kernelDrops = 0;
  /** Bytes of a datagram; what no codec makes smaller. */
  payloadBytes = 64;
  /** How many lines bring anything, from A on. */
  linesAlive = LINES;
  private next = 1;
  private batch = new FrameBatch(FRAMES * LINES);
  private lastMs = 0;

  static channels(channels: Channels): Channels {
    for (let line = 0; line < LINES; line++) {
      const sequenceField = { offset: 0, width: 8, littleEndian: true };
      const place = { group: `239.1.1.${line + 1}`, port: 10_000, stream: 1, line };
      channels.add({ ...place, feed: "sequenced", sequenceField });
    }
    return channels;
  }

  /** So many numbers come on no line. */
  skip(numbers: number): void {
    this.next += numbers;
  }

  /** A few datagrams every few milliseconds, each on every line that is alive. */
  receive(): FrameBatch {
    const { batch, payloadBytes } = this;
    const nowMs = performance.timeOrigin + performance.now();
    batch.reset(crypto.getRandomValues(new Uint8Array(FRAMES * payloadBytes)));
    if (nowMs - this.lastMs < 5) return batch;
    this.lastMs = nowMs;
    const sec = Math.floor(nowMs / 1000);
    const nsec = Math.floor((nowMs % 1000) * 1e6);
    for (let at = 0; at < FRAMES; at++) {
      batch.view.setBigUint64(at * payloadBytes, BigInt(this.next++), true);
      for (let line = 0; line < this.linesAlive; line++) {
        batch.add(at * payloadBytes, payloadBytes, sec, nsec, line);
      }
    }
    return batch;
  }

  close(): void {}
}
