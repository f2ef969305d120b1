import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CaptureCounters } from "./capture-counters.ts";
import { Channels } from "./channels.ts";
import { FrameBatch } from "./frame-batch.ts";
import { PcapWriter } from "./pcap-writer.ts";
import { type SeekFileOptions, seekIndexOf, spanFrames, type TimeOfFrame } from "./seek-file.ts";
import type { Moment, SeekIndex } from "./seek-index.ts";
import type { InputKind } from "./sniff.ts";

const FRAMES = 30_000;
const PAYLOAD = 700;
const START = 1_700_000_000;
let folder = "";
let packets = new Uint8Array(0);

const captured: TimeOfFrame = (batch, at, time) => {
  time.sec = batch.sec[at];
  time.nsec = batch.nsec[at];
};

/** A frame a second, numbered; every seventh is stamped 5,000 seconds early. */
const secOf = (i: number) => START + i - (i % 7 === 0 ? 5000 : 0);

function written(): { file: Uint8Array; packets: Uint8Array<ArrayBuffer> } {
  const channels = new Channels();
  channels.add({ group: "239.1.2.3", port: 7, feed: "", stream: 0, line: 0 });
  const frames = new FrameBatch(FRAMES);
  frames.reset(new Uint8Array(FRAMES * 4 + PAYLOAD));
  for (let i = 0; i < FRAMES; i++) frames.view.setUint32(i * 4, i);
  for (let i = 0; i < FRAMES; i++) frames.add(i * 4, PAYLOAD, secOf(i), 0, 0);
  const writer = new PcapWriter(channels);
  return { file: writer.fileHeader().slice(), packets: writer.packets(frames).slice() };
}

/**
 * The same packets as pcapng: in two sections, the second with another clock before its packets.
 */
function pcapng(from: Uint8Array): Uint8Array {
  const out: Uint8Array[] = [];
  const block = (type: number, body: Uint8Array) => {
    const length = 12 + ((body.length + 3) & ~3);
    const bytes = new Uint8Array(length);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, type, true);
    view.setUint32(4, length, true);
    bytes.set(body, 8);
    view.setUint32(length - 4, length, true);
    out.push(bytes);
  };
  const section = (resolution: number) => {
    block(0x0a0d0d0a, Uint8Array.of(0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, ...Array(8).fill(255)));
    block(1, Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 9, 0, 1, 0, resolution, 0, 0, 0, 0, 0, 0, 0));
  };
  const view = new DataView(from.buffer, from.byteOffset, from.length);
  for (let at = 0, i = 0; at < from.length; i++) {
    if (i === 0) section(6);
    if (i === FRAMES / 2) section(9);
    const length = view.getUint32(at + 8, true);
    const units = BigInt(view.getUint32(at, true)) * (i < FRAMES / 2 ? 1_000_000n : 1_000_000_000n);
    const body = new Uint8Array(20 + length);
    const head = new DataView(body.buffer);
    head.setUint32(4, Number(units >> 32n), true);
    head.setUint32(8, Number(units & 0xffffffffn), true);
    head.setUint32(12, length, true);
    head.setUint32(16, length, true);
    body.set(from.subarray(at + 16, at + 16 + length), 20);
    block(6, body);
    at += 16 + length;
  }
  return Buffer.concat(out);
}

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "edgebook-seek-"));
  const capture = written();
  packets = capture.packets;
  writeFileSync(join(folder, "a.pcap"), Buffer.concat([capture.file, packets]));
  writeFileSync(join(folder, "a.pcapng"), pcapng(packets));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function options(kind: InputKind, builds: number[], cache = "cache"): SeekFileOptions {
  const kept = join(folder, cache);
  const onBuild = (bytes: number) => builds.push(bytes);
  const channels = new Channels();
  return { kind, channels, clock: "recv", timeOf: captured, folder: kept, onBuild };
}

/** Numbers of the frames in the span that are in the moments, and how many frames were read. */
async function read(
  path: string,
  kind: InputKind,
  index: SeekIndex,
  from?: Moment,
  until?: Moment,
) {
  const span = index.span(from, until);
  const found: number[] = [];
  let count = 0;
  const counters = new CaptureCounters();
  for await (const batch of spanFrames(path, kind, span, new Channels(), counters)) {
    for (let i = 0; i < batch.count; i++, count++) {
      const sec = batch.sec[i];
      if (from !== undefined && sec < from.sec) continue;
      if (until !== undefined && sec >= until.sec) continue;
      found.push(batch.view.getUint32(batch.offset[i]));
    }
  }
  expect(counters.truncated).toBe(false);
  return { found, count };
}

describe("a seek index", () => {
  for (const kind of ["pcap", "pcapng"] as const) {
    test(`of a ${kind} leaves no frame out, wherever one begins, though times step back`, async () => {
      const path = join(folder, `a.${kind}`);
      const index = await seekIndexOf(path, options(kind, []));
      expect(index.parts.length).toBeGreaterThan(3);
      const all = Array.from({ length: FRAMES }, (_, i) => i);
      for (const [from, until] of [
        [0, 0],
        [14_000, 0],
        [26_000, 0],
        [9_000, 9_100],
        [0, 6_000],
        [24_000, 40_000],
        [90_000, 0],
      ]) {
        const first = from === 0 ? undefined : { sec: START + from, nsec: 0 };
        const end = until === 0 ? undefined : { sec: START + until, nsec: 0 };
        const { found } = await read(path, kind, index, first, end);
        const wanted = all.filter(
          (i) => (!first || secOf(i) >= first.sec) && (!end || secOf(i) < end.sec),
        );
        expect(found).toEqual(wanted);
      }
      const late = await read(path, kind, index, { sec: START + 29_000, nsec: 0 });
      expect(late.count).toBeLessThan(FRAMES / 2);
    });
  }

  test("is kept, and built again for another file, another clock, or when it is damaged", async () => {
    const path = join(folder, "b.pcap");
    writeFileSync(path, Buffer.concat([written().file, packets]));
    const builds: number[] = [];
    const opening = () => seekIndexOf(path, options("pcap", builds, "kept"));
    const first = await opening();
    expect(await opening()).toEqual(first);
    expect(builds.length).toBe(1);
    appendFileSync(path, packets.subarray(0, 16 + 14 + 28 + PAYLOAD));
    expect((await opening()).end).toBeGreaterThan(first.end);
    expect(builds.length).toBe(2);
    utimesSync(path, 1, 1);
    await opening();
    expect(builds.length).toBe(3);
    await seekIndexOf(path, { ...options("pcap", builds, "kept"), clock: "exchange" });
    expect(builds.length).toBe(4);
    for (const name of readdirSync(join(folder, "kept"))) {
      appendFileSync(join(folder, "kept", name), "0");
    }
    await opening();
    expect(builds.length).toBe(5);
  });
});
