/** Packing on a thread of its own: whatever becomes of that thread, every chunk comes, in order. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { WorkerEdge } from "../actors/worker-edge.ts";
import { Channels } from "../frames/channels.ts";
import {
  ChunkFault,
  ChunkPacker,
  type ChunkTitle,
  ChunkUnpacker,
  type PackedChunk,
} from "../frames/chunk.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { openZstd } from "../frames/zstd.ts";
import { StoredZstd } from "../frames/zstd-stored.ts";
import type { RepackResult } from "./packing.ts";
import { ThreadPacking } from "./packing-edge.ts";

const SPAN_MS = 20_000;
const scratch = mkdtempSync(join(tmpdir(), "edgebook-packing-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function channelTable(): Channels {
  const channels = new Channels();
  const sequenceField = { offset: 0, width: 4, littleEndian: true };
  for (const line of [0, 1]) {
    channels.add({
      group: `239.1.1.${line}`,
      port: 7,
      feed: "sequenced",
      stream: 1,
      line,
      sequenceField,
    });
  }
  return channels;
}

function titleOf(number: number): ChunkTitle {
  return {
    ...{ kind: "live", collector: "x", boot: 7, number, previous: number - 1, oldest: 1 },
    ...{ feed: "sequenced", stream: 1, session: "", firstSequence: 1, lastSequence: 2 },
    ...{ clock: "kernel", runs: [1, 1, 2, 0, 1, 1], copies: 0, runsDropped: 0 },
  };
}

function framesOf(number: number): FrameBatch {
  const frames = new FrameBatch(300);
  const bytes = new Uint8Array(40_000);
  for (let i = 0; i < bytes.length; i++) bytes[i] = (i * number) >> 5;
  frames.reset(bytes);
  for (let i = 0, at = 0; i < 250; at += 20 + (i % 90), i++) {
    frames.add(at, 20 + (i % 90), 1_700_000_000, i * number, i % 2);
  }
  return frames;
}

function open() {
  const channels = channelTable();
  const taken: PackedChunk[] = [];
  const now = () => performance.now() * 1e6;
  const done = ({ header, bytes }: PackedChunk, isLent = false) =>
    taken.push({ header, bytes: isLent ? bytes.slice() : bytes });
  const packing = new ThreadPacking(channels, openZstd(), undefined, done, now());
  const until = async (count: number) => {
    packing.turn(now());
    for (const end = performance.now() + SPAN_MS; taken.length < count; await Bun.sleep(2)) {
      packing.turn(now());
      if (performance.now() > end) throw new Error(`${taken.length} of ${count} chunks came`);
    }
  };
  return { channels, taken, packing, until };
}

/** Every chunk in its place, with the frames and the title that it was given. */
function expectAll(taken: readonly PackedChunk[], count: number): void {
  expect(taken.map(({ header }) => header.number)).toEqual(
    Array.from({ length: count }, (_, i) => i + 1),
  );
  const unpacker = new ChunkUnpacker(channelTable(), openZstd());
  for (const { header, bytes } of taken) {
    const unpacked = unpacker.unpack(bytes);
    if (unpacked instanceof ChunkFault) throw new Error(unpacked.message);
    const inline = new ChunkPacker(channelTable(), openZstd());
    const { header: expected } = inline.pack(titleOf(header.number), framesOf(header.number));
    const { codec: _, rawBytes, bodyBytes, checksum, ...rest } = expected;
    expect(unpacked.header).toMatchObject(rest);
    const given = framesOf(header.number);
    const { frames } = unpacked;
    expect(frames.count).toBe(given.count);
    for (let i = 0; i < given.count; i++) {
      const [from, to] = [given.offset[i], given.offset[i] + given.length[i]];
      const at = frames.offset[i];
      expect(frames.bytes.slice(at, at + frames.length[i])).toEqual(given.bytes.slice(from, to));
      expect([frames.sec[i], frames.nsec[i]]).toEqual([given.sec[i], given.nsec[i]]);
      expect(frames.channel[i]).toBe(given.channel[i]);
    }
  }
}

test("what another thread packs comes back whole and in order, a death of it or not", async () => {
  const { packing, taken, until } = open();
  let number = 0;
  const packSome = async (count: number) => {
    for (let i = 0; i < count; i++) packing.pack(titleOf(++number), framesOf(number));
    await until(number);
  };
  // Until it has begun, chunks are stored.
  for (let stored = -1; stored !== packing.stored; ) {
    if (number > 200) throw new Error("the other thread packs nothing");
    stored = packing.stored;
    await packSome(1);
    await Bun.sleep(100);
  }
  // From then on none is, but for what a busy machine keeps it from; then it rests for a second.
  const end = performance.now() + SPAN_MS;
  for (let packed = 0; packed < 5; ) {
    if (performance.now() > end) throw new Error("the other thread packs no more");
    const before = packing.stored;
    await packSome(3);
    packed = packing.stored === before ? packed + 1 : 0;
    if (packed === 0) await Bun.sleep(100);
  }
  const { stored } = packing;
  const { worker } = packing as unknown as { worker: WorkerEdge };
  packing.pack(titleOf(++number), framesOf(number));
  worker.kill();
  for (let i = 0; i < 5; i++) await packSome(3);
  expect(packing.stored).toBeGreaterThan(stored);
  packing.finish();
  expectAll(taken, number);
}, 60_000);

test("a chunk that has to hurry is stored, and does not overtake those before it", async () => {
  const { packing, taken, until } = open();
  for (let number = 1; number <= 20; number++) {
    packing.isHurried = number % 3 === 0;
    packing.pack(titleOf(number), framesOf(number));
  }
  expect(packing.stored).toBeGreaterThanOrEqual(6);
  await until(20);
  packing.finish();
  expectAll(taken, 20);
}, 30_000);

test("no chunk waits longer for the other thread than its patience lasts", () => {
  const { packing, taken } = open();
  const nowNs = performance.now() * 1e6;
  packing.turn(nowNs);
  for (let number = 1; number <= 5; number++) packing.pack(titleOf(number), framesOf(number));
  packing.turn(nowNs + 260e6);
  expectAll(taken, 5);
  expect(packing.depth).toBe(0);
  packing.finish();
});

test("the end leaves nothing behind, whatever the other thread was doing", () => {
  const { packing, taken } = open();
  for (let number = 1; number <= 30; number++) packing.pack(titleOf(number), framesOf(number));
  packing.finish();
  expectAll(taken, 30);
});

test("a segment is compressed by the other thread while chunks are packed", async () => {
  const { packing, taken, until } = open();
  const path = join(scratch, "segment.ebch");
  const storing = new ChunkPacker(channelTable(), new StoredZstd(openZstd()), "raw");
  const stored = [1, 2, 3].map((number) => storing.pack(titleOf(number), framesOf(number)));
  writeFileSync(path, Buffer.concat(stored.map(({ bytes }) => bytes)));
  const { promise, resolve } = Promise.withResolvers<RepackResult | undefined>();
  const job = { path, into: `${path}.new` };
  let number = 0;
  for (const end = performance.now() + SPAN_MS; !packing.compress(job, resolve); ) {
    if (performance.now() > end) throw new Error("the other thread never has time");
    packing.pack(titleOf(++number), framesOf(number));
    await until(number);
    await Bun.sleep(20);
  }
  for (let i = 0; i < 10; i++) packing.pack(titleOf(++number), framesOf(number));
  const turning = setInterval(() => packing.turn(performance.now() * 1e6), 5);
  const result = await promise;
  clearInterval(turning);
  await until(number);
  packing.finish();
  expectAll(taken, number);
  expect(result).toMatchObject({ ...job, last: 3, repacked: 3 });
  expect(statSync(job.into).size).toBe(result?.bytes ?? 0);
  expect(statSync(job.into).size).toBeLessThan(statSync(path).size / 2);
}, 30_000);
