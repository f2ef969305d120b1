import { expect, test } from "bun:test";
import fc from "fast-check";
import { testChunk } from "../tests/test-chunk.ts";
import { Channels } from "./channels.ts";
import { ChunkFault, ChunkUnpacker } from "./chunk.ts";
import { ChunkSplitter } from "./chunk-stream.ts";
import { openZstd } from "./zstd.ts";

const FILE = [1, 2, 3, 4, 5].map((number) => testChunk(number).bytes);

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
