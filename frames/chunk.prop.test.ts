import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { forgedChunk } from "../tests/chunk-forge.ts";
import { bodyChecksum } from "./body-checksum.ts";
import { Channels } from "./channels.ts";
import { ChunkFault, ChunkPacker, type ChunkTitle, ChunkUnpacker } from "./chunk.ts";
import { crc32c } from "./chunk-checksum.ts";
import { FrameBatch } from "./frame-batch.ts";
import { builtinZstd, nativeZstd, openZstd } from "./zstd.ts";

interface Frame {
  bytes: Uint8Array;
  sec: number;
  nsec: number;
  channel: number;
}

const CHANNELS = [
  { group: "239.1.1.1", port: 10001, feed: "nse-fo", stream: 1, line: 0 },
  { group: "239.1.1.2", port: 10001, feed: "nse-fo", stream: 1, line: 1 },
  { group: "ff05::1", port: 65535, feed: "", stream: 0, line: -1 },
];

const aFrame: fc.Arbitrary<Frame> = fc.record({
  bytes: fc.uint8Array({ maxLength: 200 }),
  sec: fc.nat(0xffffffff),
  nsec: fc.nat(0xffffffff),
  channel: fc.nat(CHANNELS.length - 1),
});

const title: ChunkTitle = {
  kind: "live",
  collector: "colo-1",
  boot: 1_700_000_000_000,
  number: 7,
  previous: 3,
  oldest: 1,
  feed: "nse-fo",
  stream: 1,
  session: "",
  firstSequence: 1,
  lastSequence: 2 ** 53 - 1,
  clock: "kernel",
  runs: [1, 1, 2 ** 53 - 1],
  copies: 2,
  runsDropped: 0,
};

function table(): Channels {
  const channels = new Channels();
  for (const channel of CHANNELS) channels.add(channel);
  return channels;
}

function batchOf(frames: readonly Frame[]): FrameBatch {
  const batch = new FrameBatch(Math.max(1, frames.length));
  batch.reset(Buffer.concat(frames.map((frame) => frame.bytes)));
  let offset = 0;
  for (const frame of frames) {
    batch.add(offset, frame.bytes.length, frame.sec, frame.nsec, frame.channel);
    offset += frame.bytes.length;
  }
  return batch;
}

function framesOf(batch: FrameBatch, channels: Channels): unknown[] {
  return Array.from({ length: batch.count }, (_, i) => ({
    bytes: batch.bytes.slice(batch.offset[i], batch.offset[i] + batch.length[i]),
    sec: batch.sec[i],
    nsec: batch.nsec[i],
    group: channels.list[batch.channel[i]].group,
  }));
}

const expected = (frames: readonly Frame[]) =>
  frames.map(({ bytes, sec, nsec, channel }) => ({
    bytes: new Uint8Array(bytes),
    sec,
    nsec,
    group: CHANNELS[channel].group,
  }));

const pack = (frames: readonly Frame[], zstd = openZstd()) =>
  new ChunkPacker(table(), zstd).pack(title, batchOf(frames));

describe("a chunk", () => {
  const implementations = [builtinZstd(), nativeZstd()].filter((zstd) => zstd !== undefined);
  for (const packing of implementations) {
    for (const unpacking of implementations) {
      test(`packed by ${packing.name} comes back byte for byte by ${unpacking.name}`, () => {
        fc.assert(
          fc.property(fc.array(aFrame, { maxLength: 60 }), (frames) => {
            const channels = new Channels();
            const { bytes, header } = pack(frames, packing);
            const back = new ChunkUnpacker(channels, unpacking).unpack(bytes);
            if (back instanceof ChunkFault) throw new Error(back.message);
            expect(framesOf(back.frames, channels)).toEqual(expected(frames));
            expect(back.header).toEqual(header);
          }),
          { numRuns: 100 },
        );
      });
    }
  }

  test("with any byte changed is refused", () => {
    fc.assert(
      fc.property(
        fc.array(aFrame, { minLength: 1, maxLength: 20 }),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (frames, where, flip) => {
          const { bytes } = pack(frames);
          bytes[where % bytes.length] ^= flip;
          expect(new ChunkUnpacker(table(), openZstd()).unpack(bytes)).toBeInstanceOf(ChunkFault);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("cut anywhere is told to be truncated", () => {
    const { bytes } = pack([{ bytes: new Uint8Array(50), sec: 1, nsec: 2, channel: 0 }]);
    for (let length = 0; length < bytes.length; length++) {
      const fault = new ChunkUnpacker(table(), openZstd()).unpack(bytes.subarray(0, length));
      expect(fault).toMatchObject({ code: "truncated" });
    }
  });

  test("names only the channels it uses, runs included", () => {
    const { header } = pack([{ bytes: new Uint8Array(1), sec: 1, nsec: 2, channel: 2 }]);
    expect(header.channels.map((channel) => channel.group)).toEqual(["ff05::1", "239.1.1.2"]);
    expect(header.runs).toEqual([1, 1, 2 ** 53 - 1]);
  });

  test("of any bytes at all never throws and never unpacks a bomb", () => {
    const zstd = openZstd();
    const unpacker = new ChunkUnpacker(table(), zstd);
    const { bytes } = pack([{ bytes: new Uint8Array(9), sec: 1, nsec: 2, channel: 0 }]);
    const bomb = zstd.compress(new Uint8Array(64 << 20)).slice();
    const forged = forgedChunk(bytes, {}, bomb);
    expect(unpacker.unpack(forged)).toMatchObject({ code: "bad_body" });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (body) => {
        expect(unpacker.unpack(forgedChunk(bytes, {}, zstd.compress(body)))).toEqual(
          expect.any(ChunkFault),
        );
        expect(unpacker.unpack(body)).toBeInstanceOf(ChunkFault);
      }),
      { numRuns: 200 },
    );
  });
});

test("a chunk of version 1, whose body has CRC-32C, is read; a changed byte of either is found", () => {
  const channels = table();
  const frame = { bytes: Uint8Array.of(1, 2, 3), sec: 1, nsec: 2, channel: 0 };
  const { bytes } = new ChunkPacker(channels, openZstd()).pack(title, batchOf([frame]));
  const old = forgedChunk(bytes, { version: 1 });
  const unpacker = new ChunkUnpacker(channels, openZstd());
  for (const chunk of [bytes, old]) {
    const unpacked = unpacker.unpack(chunk);
    if (unpacked instanceof ChunkFault) throw unpacked;
    expect(framesOf(unpacked.frames, channels)).toEqual(framesOf(batchOf([frame]), channels));
    chunk[chunk.length - 1] ^= 1;
    expect(unpacker.unpack(chunk)).toMatchObject({ code: "bad_checksum" });
  }
});

test("the checksum of a body is CRC-32 as others compute it, also of shared memory", () => {
  const shared = new Uint8Array(new SharedArrayBuffer(9));
  shared.set(new TextEncoder().encode("123456789"));
  expect(bodyChecksum(2, shared)).toBe(0xcbf43926);
  expect(bodyChecksum(2, shared.slice())).toBe(0xcbf43926);
  expect(bodyChecksum(2, new Uint8Array(0))).toBe(0);
});

test("the checksum is CRC-32C as others compute it", () => {
  expect(crc32c(new TextEncoder().encode("123456789"))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(0))).toBe(0);
});
