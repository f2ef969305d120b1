import { expect, test } from "bun:test";
import zlib from "node:zlib";
import { bytesOf } from "../tests/capture-files.ts";
import { ZstdFrames } from "./input-zstd-frames.ts";

const content = new Uint8Array(200_000).map((_, i) => (Math.imul(i, 2_654_435_761) >>> 20) & 255);
const checked = { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } };
const skippable = bytesOf([0x5a, 0x2a, 0x4d, 0x18, 5, 0, 0, 0], [1, 2, 3, 4, 5]);
const parts = [
  new Uint8Array(zlib.zstdCompressSync(content)),
  skippable,
  new Uint8Array(zlib.zstdCompressSync(content.subarray(0, 300), checked)),
  new Uint8Array(zlib.zstdCompressSync(new Uint8Array(500_000))),
  new Uint8Array(zlib.zstdCompressSync(new Uint8Array(0), checked)),
];
const file = bytesOf(...parts);

test("a file may end after a frame and nowhere else", () => {
  const ends = new Set([0]);
  let end = 0;
  for (const part of parts) {
    end += part.length;
    ends.add(end);
  }
  const frames = new ZstdFrames();
  for (let at = 0; at < file.length; at++) {
    if (frames.complete !== ends.has(at)) throw new Error(`complete is wrong at byte ${at}`);
    expect(frames.push(file.subarray(at, at + 1))).toBe(1);
  }
  expect(frames.complete).toBe(true);
});

test("what is no frame is found, whatever the pieces", () => {
  const stray = bytesOf(file, [1, 2, 3, 4, 5, 6, 7, 8]);
  for (const size of [stray.length, 100_000, 7]) {
    const frames = new ZstdFrames();
    let belongs = 0;
    for (let at = 0; at < stray.length && frames.strayAt < 0; at += size) {
      belongs = at + frames.push(stray.subarray(at, at + size));
    }
    expect(frames.strayAt).toBe(file.length);
    if (size === stray.length) expect(belongs).toBe(file.length);
  }
});
