import { expect, test } from "bun:test";
import fc from "fast-check";
import { Channels } from "./channels.ts";
import { ChunkFault, ChunkPacker, ChunkUnpacker } from "./chunk.ts";
import { ChunkSplitter } from "./chunk-stream.ts";
import { FrameBatch } from "./frame-batch.ts";
import { openZstd } from "./zstd.ts";

const channels = new Channels();
channels.add({ group: "239.1.1.1", port: 1, feed: "nse-fo", stream: 1, line: 0 });

function chunk(number: number): Uint8Array {
  const frames = new FrameBatch(1);
  frames.reset(Uint8Array.of(number, 2, 3));
  frames.add(0, 3, number, 0, 0);
  return new ChunkPacker(channels, openZstd()).pack(
    {
      kind: "live",
      collector: "colo-1",
      boot: 1,
      number,
      previous: number - 1,
      oldest: 1,
      feed: "nse-fo",
      stream: 1,
      session: "",
      firstSequence: number,
      lastSequence: number,
      clock: "kernel",
      runs: [],
      copies: 0,
      runsDropped: 0,
    },
    frames,
  ).bytes;
}

const FILE = [1, 2, 3, 4, 5].map(chunk);

/** Numbers of the chunks found in a file that comes in blocks of these sizes. */
function numbersIn(file: Uint8Array, blocks: readonly number[]) {
  const numbers: number[] = [];
  const unpacker = new ChunkUnpacker(new Channels(), openZstd());
  const splitter = new ChunkSplitter((bytes) => {
    const found = unpacker.unpack(bytes);
    if (!(found instanceof ChunkFault)) numbers.push(found.header.number);
  });
  let at = 0;
  for (let i = 0; at < file.length; i++) {
    const size = blocks[i % blocks.length];
    splitter.push(file.subarray(at, at + size));
    at += size;
  }
  splitter.finish();
  return { numbers, splitter };
}

const blockSizes = fc.array(fc.integer({ min: 1, max: 700 }), { minLength: 1, maxLength: 8 });

test("every chunk of a file is found, however the blocks are cut", () => {
  fc.assert(
    fc.property(blockSizes, (blocks) => {
      const { numbers, splitter } = numbersIn(Buffer.concat(FILE), blocks);
      expect(numbers).toEqual([1, 2, 3, 4, 5]);
      expect([splitter.damages, splitter.bytesSkipped]).toEqual([0, 0]);
    }),
    { numRuns: 100 },
  );
});

test("damage between or in chunks costs no chunk but the one it hit", () => {
  fc.assert(
    fc.property(blockSizes, fc.nat(4), fc.uint8Array({ maxLength: 40 }), (blocks, hit, noise) => {
      const file = FILE.flatMap((bytes, i) => (i === hit ? [noise, bytes.subarray(9)] : [bytes]));
      const { numbers, splitter } = numbersIn(Buffer.concat(file), blocks);
      expect(numbers).toEqual([1, 2, 3, 4, 5].filter((number) => number !== hit + 1));
      expect(splitter.damages).toBe(1);
    }),
    { numRuns: 200 },
  );
});

test("a file cut in its last chunk gives all the others", () => {
  const file = Buffer.concat(FILE);
  const { numbers, splitter } = numbersIn(file.subarray(0, file.length - 1), [64]);
  expect(numbers).toEqual([1, 2, 3, 4]);
  expect(splitter.damages).toBe(1);
});
