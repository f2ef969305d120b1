/** Chunks for tests of what carries and keeps them: one frame each, none of them of interest. */
import { Channels } from "../frames/channels.ts";
import { type ChunkCodec, ChunkPacker, type PackedChunk } from "../frames/chunk.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { openZstd } from "../frames/zstd.ts";

export interface ChunkWishes {
  readonly boot?: number;
  readonly stream?: number;
  /** Capture time of its frame, seconds since 1970; the chunk's number unless told. */
  readonly sec?: number;
  /** What its frame holds; a few words unless told. */
  readonly payload?: Uint8Array<ArrayBuffer>;
  readonly codec?: ChunkCodec;
}

/** The chunk of that number of `colo-1`, behind the one before it. */
export function testChunk(number: number, wishes: ChunkWishes = {}): PackedChunk {
  const { boot = 1, stream = 1, sec = number, codec } = wishes;
  const { payload = new TextEncoder().encode(`frame of chunk ${number}`) } = wishes;
  const channels = new Channels();
  channels.add({ group: "239.1.1.1", port: 1, feed: "nse-fo", stream, line: 0 });
  const frames = new FrameBatch(1);
  frames.reset(payload);
  frames.add(0, payload.length, sec, 0, 0);
  const title = {
    ...({ kind: "live", collector: "colo-1", boot, number, previous: number - 1 } as const),
    ...({ oldest: 1, feed: "nse-fo", stream, session: "", clock: "kernel" } as const),
    ...{ firstSequence: number, lastSequence: number, runs: [], copies: 0, runsDropped: 0 },
  };
  return new ChunkPacker(channels, openZstd(), codec).pack(title, frames);
}
