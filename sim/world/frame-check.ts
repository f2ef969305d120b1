/**
 * Holds that chunks give back every frame byte for byte: what a collector was given against what its
 * chunks unpack to. With `keep both` nothing may be missing; with `keep first` only exact copies.
 */
import { Channels } from "../../frames/channels.ts";
import { ChunkFault, ChunkUnpacker, type PackedChunk } from "../../frames/chunk.ts";
import type { FrameBatch } from "../../frames/frame-batch.ts";
import type { Zstd } from "../../frames/zstd-port.ts";
import { LEAST_BYTES, numberAt } from "./truth.ts";

/** Frames that were pushed and are in no chunk yet, alike in channel, time and bytes. */
interface Waiting {
  count: number;
  readonly unixNs: number;
  readonly isNumbered: boolean;
  /** Hash of the bytes alone. */
  readonly bytes: number;
}

export class FrameCheck {
  private readonly unpacker: ChunkUnpacker;
  private readonly channels = new Channels();
  private readonly keepsBoth: boolean;
  private number = 0;
  private readonly waiting = new Map<number, Waiting>();
  /** Hashes of the bytes that went out. */
  private readonly sent = new Set<number>();

  constructor(zstd: Zstd, keepsBoth: boolean) {
    this.unpacker = new ChunkUnpacker(this.channels, zstd);
    this.keepsBoth = keepsBoth;
  }

  pushed(frames: FrameBatch, at: number): void {
    const bytes = hashOf(frames, at);
    const key = keyOf(frames, at, frames.channel[at], bytes);
    const known = this.waiting.get(key);
    if (known !== undefined) {
      known.count++;
      return;
    }
    const { sec, nsec, view, offset, length } = frames;
    const isNumbered = length[at] > LEAST_BYTES && numberAt(view, offset[at]) > 0;
    this.waiting.set(key, { count: 1, unixNs: sec[at] * 1e9 + nsec[at], isNumbered, bytes });
  }

  /** What is wrong with a chunk, in words. */
  packed({ header: { number, kind }, bytes }: PackedChunk): string | undefined {
    if (number !== ++this.number) return `chunk ${number} follows chunk ${this.number - 1}`;
    // What was obtained by request came by no line.
    if (kind !== "live") return undefined;
    const unpacked = this.unpacker.unpack(bytes);
    if (unpacked instanceof ChunkFault) return `chunk ${number}: ${unpacked.message}`;
    const { frames } = unpacked;
    const channelOf = this.channels.list.map(({ group }) => channelOfGroup(group));
    for (let at = 0; at < frames.count; at++) {
      const hash = hashOf(frames, at);
      const key = keyOf(frames, at, channelOf[frames.channel[at]], hash);
      const known = this.waiting.get(key);
      if (known === undefined) {
        return `chunk ${number} has a frame that nobody captured: ${textOf(frames, at)}`;
      }
      if (--known.count === 0) this.waiting.delete(key);
      this.sent.add(hash);
    }
    return undefined;
  }

  /** A frame with a number, captured before `unixNs`, that ought to have gone out and did not. */
  missing(unixNs: number): string | undefined {
    for (const frame of this.waiting.values()) {
      if (frame.unixNs >= unixNs || !frame.isNumbered) continue;
      if (this.keepsBoth || !this.sent.has(frame.bytes)) return `of ${frame.unixNs} ns`;
    }
    return undefined;
  }
}

/** The world's channels: group `239.255.LINE.STREAM`. */
function channelOfGroup(group: string): number {
  const parts = group.split(".");
  return (Number(parts[3]) - 1) * 2 + Number(parts[2]);
}

/** 53 bits of two hashes: two frames alike by chance are not to be met. */
function hashOf({ bytes, offset, length }: FrameBatch, at: number): number {
  let a = length[at] ^ 0x1b873593;
  let b = length[at];
  for (let from = offset[at], end = from + length[at]; from < end; from++) {
    a = Math.imul(a ^ bytes[from], 0x01000193);
    b = Math.imul(b + bytes[from] + 1, 0x9e3779b1) ^ (b >>> 13);
  }
  return (a >>> 0) * 0x200000 + (b >>> 11);
}

function keyOf({ sec, nsec }: FrameBatch, at: number, channel: number, hash: number): number {
  const place = Math.imul(sec[at], 0x85ebca6b) ^ Math.imul(nsec[at] + channel, 0xc2b2ae35);
  return hash + (place >>> 0) * 3;
}

const textOf = ({ bytes, offset, length, sec, nsec }: FrameBatch, at: number) =>
  `${sec[at]}.${nsec[at]} ${bytes.subarray(offset[at], offset[at] + length[at]).toHex()}`;
