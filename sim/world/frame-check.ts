/**
 * Holds that chunks give back every frame byte for byte: what a collector was given against what its
 * chunks unpack to. With `keep both` nothing may be missing; with `keep first` only exact copies.
 */
import { Channels } from "../../frames/channels.ts";
import { ChunkFault, ChunkUnpacker, type PackedChunk } from "../../frames/chunk.ts";
import type { FrameBatch } from "../../frames/frame-batch.ts";
import type { Zstd } from "../../frames/zstd-port.ts";

export class FrameCheck {
  private readonly unpacker: ChunkUnpacker;
  private readonly channels = new Channels();
  private readonly keepsBoth: boolean;
  private number = 0;
  /** Frames that were pushed and are in no chunk yet: how many of the same channel, time and bytes. */
  private readonly waiting = new Map<string, number>();
  /** Bytes that went out. */
  private readonly sent = new Set<string>();

  constructor(zstd: Zstd, keepsBoth: boolean) {
    this.unpacker = new ChunkUnpacker(this.channels, zstd);
    this.keepsBoth = keepsBoth;
  }

  pushed(frames: FrameBatch, at: number): void {
    const key = keyOf(frames, at, frames.channel[at]);
    this.waiting.set(key, (this.waiting.get(key) ?? 0) + 1);
  }

  /** What is wrong with a chunk, in words. */
  packed({ header: { number, kind }, bytes }: PackedChunk): string | undefined {
    if (number !== ++this.number) return `chunk ${number} follows chunk ${this.number - 1}`;
    // What was obtained by request came by no line.
    if (kind !== "live") return undefined;
    const unpacked = this.unpacker.unpack(bytes);
    if (unpacked instanceof ChunkFault) return `chunk ${number}: ${unpacked.message}`;
    const { frames } = unpacked;
    for (let at = 0; at < frames.count; at++) {
      const { group } = this.channels.list[frames.channel[at]];
      const key = keyOf(frames, at, channelOfGroup(group));
      const count = this.waiting.get(key) ?? 0;
      if (count === 0) return `chunk ${number} has a frame that nobody captured: ${key}`;
      if (count > 1) this.waiting.set(key, count - 1);
      else this.waiting.delete(key);
      this.sent.add(bytesOf(key));
    }
    return undefined;
  }

  /** A frame with a number, captured before `unixNs`, that ought to have gone out and did not. */
  missing(unixNs: number): string | undefined {
    for (const key of this.waiting.keys()) {
      const bytes = bytesOf(key);
      if (timeOf(key) >= unixNs) continue;
      if (isNumbered(bytes) && (this.keepsBoth || !this.sent.has(bytes))) return key;
    }
    return undefined;
  }
}

/** The world's channels: group `239.255.LINE.STREAM`. */
function channelOfGroup(group: string): number {
  const parts = group.split(".");
  return (Number(parts[3]) - 1) * 2 + Number(parts[2]);
}

function keyOf({ bytes, offset, length, sec, nsec }: FrameBatch, at: number, channel: number) {
  const hex = bytes.subarray(offset[at], offset[at] + length[at]).toHex();
  return `${channel} ${sec[at]}.${String(nsec[at]).padStart(9, "0")} ${hex}`;
}

const timeOf = (key: string) => Number(key.split(" ")[1]) * 1e9;

const bytesOf = (key: string) => key.slice(key.lastIndexOf(" ") + 1);

/** The sequence number, at 4 to 7, is not 0: no heartbeat. */
const isNumbered = (hex: string) => hex.length >= 26 && hex.slice(8, 16) !== "00000000";
