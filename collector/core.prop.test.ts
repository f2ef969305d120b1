import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { feedById } from "../feed/registry.ts";
import { Channels } from "../frames/channels.ts";
import { ChunkFault, ChunkUnpacker, type PackedChunk } from "../frames/chunk.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { openZstd } from "../frames/zstd.ts";
import { COLLECTOR_DEFAULTS, CollectorCore } from "./core.ts";

/** A datagram of an opaque feed: four bytes of number, then content. */
interface Sent {
  line: number;
  sequence: number;
  content: number;
  timeMs: number;
}

const FIELD = { offset: 0, width: 4, littleEndian: true };

function channelTable(): Channels {
  const channels = new Channels();
  for (const line of [0, 1]) {
    const group = `239.1.1.${line + 1}`;
    const feed = "sequenced";
    channels.add({ group, port: 1, feed, stream: 7, line, sequenceField: FIELD });
  }
  return channels;
}

function batchOf(sent: readonly Sent[]): FrameBatch {
  const batch = new FrameBatch(Math.max(1, sent.length));
  batch.reset(new Uint8Array(sent.length * 8));
  sent.forEach(({ line, sequence, content, timeMs }, i) => {
    batch.view.setUint32(i * 8, sequence, true);
    batch.view.setUint32(i * 8 + 4, content, true);
    batch.add(i * 8, 8, Math.floor(timeMs / 1000), (timeMs % 1000) * 1e6, line);
  });
  return batch;
}

function collect(sent: readonly Sent[], keep: "first" | "both") {
  const chunks: PackedChunk[] = [];
  const core = new CollectorCore(
    channelTable(),
    ({ feed }) => feedById(feed),
    openZstd(),
    (chunk) => chunks.push(chunk),
    { ...COLLECTOR_DEFAULTS, collector: "colo-1", boot: 1, clock: "capture", keep },
  );
  for (const one of sent) core.push(batchOf([one]), one.timeMs * 1e6);
  core.finish();
  const unpacker = new ChunkUnpacker(new Channels(), openZstd());
  const frames: { sequence: number; content: number }[] = [];
  for (const { bytes } of chunks) {
    const chunk = unpacker.unpack(bytes);
    if (chunk instanceof ChunkFault) throw new Error(chunk.message);
    const { view, offset, count } = chunk.frames;
    for (let i = 0; i < count; i++) {
      const sequence = view.getUint32(offset[i], true);
      frames.push({ sequence, content: view.getUint32(offset[i] + 4, true) });
    }
  }
  return { chunks, frames, counters: core.counters };
}

const traffic = fc.array(
  fc.record({
    line: fc.nat(1),
    sequence: fc.integer({ min: 1, max: 30 }),
    content: fc.nat(1),
    timeMs: fc.nat(300),
  }),
  { maxLength: 80 },
);

const key = ({ sequence, content }: { sequence: number; content: number }) =>
  `${sequence}:${content}`;

describe("the collector", () => {
  test("with --keep first forwards every distinct message, and nothing twice in a row", () => {
    fc.assert(
      fc.property(traffic, (sent) => {
        const { frames, counters } = collect(sent, "first");
        expect(new Set(frames.map(key))).toEqual(new Set(sent.map(key)));
        expect(counters.framesForwarded + counters.copies).toBe(sent.length);
        const last = new Map<number, number>();
        for (const { sequence, content } of frames) {
          expect(last.get(sequence)).not.toBe(content);
          last.set(sequence, content);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("with --keep both forwards every frame in its order", () => {
    fc.assert(
      fc.property(traffic, (sent) => {
        expect(collect(sent, "both").frames.map(key)).toEqual(sent.map(key));
      }),
      { numRuns: 100 },
    );
  });

  test("numbers its chunks without a hole and chains those of a stream", () => {
    fc.assert(
      fc.property(traffic, (sent) => {
        const { chunks } = collect(sent, "first");
        chunks.forEach(({ header }, i) => {
          expect([header.number, header.previous, header.stream]).toEqual([i + 1, i, 7]);
        });
      }),
      { numRuns: 100 },
    );
  });

  test("tells the runs of each line, copies that it left out included", () => {
    const sent = [1, 2, 4].flatMap((sequence) => [
      { line: 0, sequence, content: 0, timeMs: 1 },
      { line: 1, sequence, content: 0, timeMs: 1 },
    ]);
    const late = { line: 1, sequence: 3, content: 0, timeMs: 2 };
    const [{ header }] = collect([...sent, late], "first").chunks;
    expect(header.runs).toEqual([0, 1, 2, 1, 1, 2, 0, 4, 4, 1, 4, 4, 1, 3, 3]);
    expect([header.frames, header.copies]).toEqual([4, 3]);
    expect([header.firstSequence, header.lastSequence]).toEqual([1, 4]);
  });

  test("closes a chunk by age, by count and by size", () => {
    const core = (onChunk: (chunk: PackedChunk) => void) =>
      new CollectorCore(channelTable(), ({ feed }) => feedById(feed), openZstd(), onChunk, {
        ...COLLECTOR_DEFAULTS,
        collector: "colo-1",
        boot: 1,
        clock: "capture",
      });
    const sizes: number[] = [];
    const bySize = core(({ header, bytes }) => {
      sizes.push(header.frames);
      expect(bytes.length).toBeLessThan(1 << 20);
    });
    const frames = new FrameBatch(64);
    // Noise does not compress: the chunk must fit all the same.
    frames.reset(crypto.getRandomValues(new Uint8Array(60_000)));
    for (let sequence = 1; sequence <= 40; sequence++) {
      frames.count = 0;
      frames.view.setUint32(0, sequence, true);
      frames.add(0, 60_000, 0, 0, 0);
      bySize.push(frames, 0);
    }
    expect(sizes).toEqual([13, 13, 13]);
    bySize.advance(COLLECTOR_DEFAULTS.chunkAgeNs - 1);
    expect(sizes.length).toBe(3);
    bySize.advance(COLLECTOR_DEFAULTS.chunkAgeNs);
    expect(sizes).toEqual([13, 13, 13, 1]);
  });
});
