/** One stream of a simulated market in small chunks, as many frames in each as one likes. */
import { Channels } from "../frames/channels.ts";
import {
  ChunkFault,
  ChunkPacker,
  type ChunkTitle,
  ChunkUnpacker,
  type PackedChunk,
} from "../frames/chunk.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import type { Zstd } from "../frames/zstd-port.ts";
import { Exchange } from "../sim/exchange/exchange.ts";
import { Lines } from "../sim/exchange/lines.ts";

export interface SmallMarketOptions {
  readonly frames: number;
  readonly seed?: number;
}

/** Payload in hex and capture time. */
export type FrameText = readonly [payload: string, sec: number, nsec: number];

export interface SmallMarket {
  /** Chunks of `each` frames, numbered from 1 in boot `boot` of `colo-1`. */
  chunks(zstd: Zstd, each: number, boot?: number): PackedChunk[];
  /** The frames of chunks; throws if one of them cannot be unpacked. */
  unpacked(chunks: readonly { readonly bytes: Uint8Array }[], zstd: Zstd): FrameText[];
  /** The frames as they were captured. */
  expected(): FrameText[];
}

const START_SEC = 1_780_000_000;
const CHANNEL = { group: "239.1.0.1", port: 9000, feed: "nse-fo", stream: 1, line: 0 };

export function smallMarket({ frames: count, seed = 9 }: SmallMarketOptions): SmallMarket {
  const exchange = new Exchange({ seed, streams: 1, instruments: 60, ordersPerStream: 400 });
  const taken: { bytes: Uint8Array<ArrayBuffer>; sec: number; nsec: number }[] = [];
  const lines = new Lines(exchange, [0]);
  for (let untilNs = 1e8; taken.length < count; untilNs += 1e8) {
    lines.step(untilNs, {
      datagram(_line, _stream, sendNs, bytes, offset, length) {
        if (taken.length === count) return;
        const ns = Math.floor(sendNs);
        const sec = START_SEC + Math.floor(ns / 1e9);
        taken.push({ bytes: bytes.slice(offset, offset + length), sec, nsec: ns % 1e9 });
      },
    });
  }
  return {
    chunks(zstd, each, boot = 1) {
      const channels = new Channels();
      channels.add(CHANNEL);
      const packer = new ChunkPacker(channels, zstd);
      const chunks: PackedChunk[] = [];
      for (let at = 0; at < count; at += each) {
        const part = taken.slice(at, at + each);
        const frames = new FrameBatch(part.length);
        frames.reset(Buffer.concat(part.map(({ bytes }) => bytes)));
        let offset = 0;
        for (const { bytes, sec, nsec } of part) {
          frames.add(offset, bytes.length, sec, nsec, 0);
          offset += bytes.length;
        }
        chunks.push(packer.pack(titleOf(chunks.length + 1, boot, at, part.length), frames));
      }
      return chunks;
    },
    unpacked(chunks, zstd) {
      const unpacker = new ChunkUnpacker(new Channels(), zstd);
      return chunks.flatMap(({ bytes }) => {
        const found = unpacker.unpack(bytes);
        if (found instanceof ChunkFault) throw new Error(found.message);
        return textsOf(found.frames);
      });
    },
    expected: () => taken.map(({ bytes, sec, nsec }) => [bytes.toHex(), sec, nsec]),
  };
}

function titleOf(number: number, boot: number, at: number, frames: number): ChunkTitle {
  return {
    ...({ kind: "live", collector: "colo-1", boot, number, previous: number - 1 } as const),
    ...({ oldest: 1, feed: "nse-fo", stream: 1, session: "", clock: "kernel" } as const),
    ...{ firstSequence: at + 1, lastSequence: at + frames, runs: [], copies: 0, runsDropped: 0 },
  };
}

function textsOf({ bytes, offset, length, sec, nsec, count }: FrameBatch): FrameText[] {
  return Array.from({ length: count }, (_, i) => {
    const payload = Buffer.from(bytes.subarray(offset[i], offset[i] + length[i]));
    return [payload.toString("hex"), sec[i], nsec[i]];
  });
}
