/** What is stored as it came is compressed later, and nobody who reads sees a difference. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Channels } from "../frames/channels.ts";
import {
  ChunkFault,
  type ChunkHeader,
  ChunkPacker,
  type ChunkTitle,
  ChunkUnpacker,
  readChunkHeader,
} from "../frames/chunk.ts";
import { ChunkRepacker, isStored } from "../frames/chunk-repack.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { Spool } from "../frames/spool.ts";
import { openZstd } from "../frames/zstd.ts";
import { StoredZstd } from "../frames/zstd-stored.ts";
import { smallMarket } from "../tests/small-market.ts";
import { SegmentRepack } from "./segment-repack.ts";
import { type SegmentPacker, SpoolRepack } from "./spool-repack.ts";

const BOOT = 77;
const scratch = mkdtempSync(join(tmpdir(), "edgebook-repack-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const channels = new Channels();
for (const line of [0, 1]) {
  channels.add({ group: `239.1.1.${line}`, port: 7, feed: "", stream: 0, line });
}
const storing = new ChunkPacker(channels, new StoredZstd(openZstd()), "raw");
const packing = new ChunkPacker(channels, openZstd());

/** Messages of a feed with a layout table, and bytes that are none. */
function framesOf(number: number): FrameBatch {
  const frames = new FrameBatch(200);
  const bytes = new Uint8Array(200 * 45);
  const view = new DataView(bytes.buffer);
  frames.reset(bytes);
  for (let i = 0; i < 200; i++) {
    const at = i * 45;
    view.setInt16(at, 45, true);
    view.setInt16(at + 2, 3, true);
    view.setUint32(at + 4, number * 200 + i, true);
    bytes[at + 8] = i % 20 === 0 ? 1 : 0x4e;
    view.setUint32(at + 9, i * 1000, true);
    view.setUint32(at + 17, i, true);
    frames.add(at, 45, 1_700_000_000, i * 1000, (i >> 4) & 1);
  }
  return frames;
}

function chunk(number: number, from: ChunkPacker) {
  const title: ChunkTitle = {
    ...{ kind: "live", collector: "x", boot: BOOT, number, previous: number - 1, oldest: 1 },
    ...{ feed: "nse-fo", stream: 3, session: "", firstSequence: 1, lastSequence: 9 },
    ...{ clock: "kernel", runs: [1, 1, 9, 0, 4, 5], copies: 2, runsDropped: 1 },
  };
  return from.pack(title, framesOf(number));
}

function readable(bytes: Uint8Array | undefined): { header: ChunkHeader; text: string } {
  const unpacked = new ChunkUnpacker(new Channels(), openZstd()).unpack(bytes ?? new Uint8Array());
  if (unpacked instanceof ChunkFault) throw new Error(unpacked.message);
  const { header, frames } = unpacked;
  const rows: string[] = [];
  for (let i = 0; i < frames.count; i++) {
    const payload = frames.bytes.slice(frames.offset[i], frames.offset[i] + frames.length[i]);
    const { sec, nsec, channel } = frames;
    rows.push(`${sec[i]}.${nsec[i]} ${channel[i]} ${Buffer.from(payload).toString("hex")}`);
  }
  return { header, text: rows.join("\n") };
}

test("a chunk that was stored keeps all but codec, sizes and checksum when it is compressed", () => {
  const repacker = new ChunkRepacker(openZstd());
  const before = chunk(5, storing);
  const bytes = repacker.repack(before.bytes);
  const after = readable(bytes);
  expect(isStored(before.header)).toBe(true);
  expect(isStored(after.header)).toBe(false);
  const { codec, rawBytes: _r, bodyBytes, checksum: _c, ...rest } = after.header;
  expect(codec).toBe("columns");
  expect(bodyBytes).toBeLessThan(before.header.bodyBytes / 4);
  expect(before.header).toMatchObject(rest);
  expect(after.text).toBe(readable(before.bytes).text);
  for (const at of [30, before.bytes.length - 1]) {
    const damaged = before.bytes.slice();
    damaged[at] ^= 1;
    expect(repacker.repack(damaged)).toBeUndefined();
  }
  expect(repacker.repack(bytes ?? new Uint8Array())).toBeUndefined();
});

/** Does the work at once, on this thread. */
const atOnce: SegmentPacker = {
  compress(job, done) {
    const segment = new SegmentRepack(job, new ChunkRepacker(openZstd()));
    for (;;) {
      const result = segment.step();
      if (result === undefined) continue;
      done(result);
      return true;
    }
  },
};

test("closed segments become smaller one by one, and every chunk stays where it was", () => {
  const folder = join(scratch, "spool");
  writeFileSync(join(mkdtempSync(join(scratch, "other-")), "x"), "");
  const spool = new Spool(folder, { segmentBytes: 40_000 });
  const repack = new SpoolRepack(spool, folder, BOOT, atOnce);
  for (let number = 1; number <= 40; number++) {
    const isStoredOne = number < 20 || number === 31;
    spool.append(chunk(number, isStoredOne ? storing : packing));
    if (isStoredOne) repack.noteStored(number);
  }
  const before = new Map<number, string>();
  for (let number = 1; number <= 40; number++) {
    before.set(number, readable(spool.read(BOOT, number)).text);
  }
  const bytesBefore = spool.bytes;
  for (let turn = 1; turn <= 20; turn++) repack.turn(turn * 1e9);
  expect(repack.chunks).toBeGreaterThanOrEqual(15);
  expect(spool.bytes).toBe(bytesBefore - repack.bytesSaved);
  expect(readdirSync(folder).filter((name) => name.endsWith(".packing"))).toEqual([]);
  for (let number = 1; number <= 40; number++) {
    const { header, text } = readable(spool.read(BOOT, number));
    expect(header.number).toBe(number);
    expect(text).toBe(before.get(number) as string);
  }
  spool.close();
  const again = new Spool(folder);
  expect([again.oldest(BOOT), again.newest(BOOT)]).toEqual([1, 40]);
  again.close();
});

test("a later life compresses what the one before stored, and clears what it left half done", () => {
  const folder = join(scratch, "lives");
  const first = new Spool(folder);
  for (let number = 1; number <= 5; number++) first.append(chunk(number, storing));
  first.close();
  const [name] = readdirSync(folder).filter((one) => one.endsWith(".ebch"));
  writeFileSync(join(folder, `${name}.packing`), "half a segment");
  const second = new Spool(folder);
  const repack = new SpoolRepack(second, folder, BOOT + 1, atOnce);
  expect(existsSync(join(folder, `${name}.packing`))).toBe(false);
  for (let turn = 1; turn <= 3; turn++) repack.turn(turn * 1e9);
  expect(repack.chunks).toBe(5);
  for (let number = 1; number <= 5; number++) {
    const found = readChunkHeader(second.read(BOOT, number) ?? new Uint8Array());
    expect(found instanceof ChunkFault ? "" : found.header.codec).toBe("columns");
  }
  second.close();
});

test("the dictionary of what became smaller is here before it; without room for it all stays as it was", () => {
  const stored = smallMarket({ frames: 200 }).chunks(new StoredZstd(openZstd()), 20, BOOT);
  const outcomes = [true, false].map((hasRoom) => {
    const folder = mkdtempSync(join(scratch, "dictionary-"));
    const spool = new Spool(folder, { segmentBytes: 4000 });
    const keep = spool.keepDictionary.bind(spool);
    spool.keepDictionary = (name) => hasRoom && keep(name);
    const repack = new SpoolRepack(spool, folder, BOOT, atOnce);
    for (const each of stored) {
      spool.append(each);
      repack.noteStored(each.header.number);
    }
    for (let turn = 1; turn <= 20; turn++) repack.turn(turn * 1e9);
    for (const { header } of stored) readable(spool.read(BOOT, header.number));
    spool.close();
    const endings = readdirSync(folder).map((name) => name.split(".").at(-1));
    return [repack.chunks > 0, endings.includes("zdict"), endings.includes("packing")];
  });
  expect(outcomes).toEqual([
    [true, true, false],
    [false, false, false],
  ]);
});
