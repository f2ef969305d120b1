import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { capturePath, messageBytes } from "../../tests/feed-reading.ts";
import { PacketBatch } from "../packet-batch.ts";
import { nasdaqItch50 as feed } from "./feed.ts";

const file = feed.file as NonNullable<typeof feed.file>;

interface Split {
  readonly types: string[];
  readonly mended: number;
  /** Where reading stopped; negative for damage. */
  readonly end: number;
}

/** Splits the file in blocks of this size, as a reader does: what a block cuts comes again. */
function split(bytes: Uint8Array, blockBytes = bytes.length): Split {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const out = new PacketBatch(1, 4);
  const types: string[] = [];
  let mended = 0;
  let at = 0;
  for (let to = 0; to < bytes.length && at >= 0; ) {
    to = Math.min(to + blockBytes, bytes.length);
    out.clear();
    at = file.split(view, at, to, out);
    mended += out.mendedLengths;
    for (let i = 0; i < out.numbers[0]; i++) {
      types.push(String.fromCharCode(bytes[out.messageOffset[i]]));
    }
  }
  return { types, mended, end: at };
}

function prefixed(messages: readonly Uint8Array[], zero = false): Uint8Array {
  const parts = messages.map((message) => [0, zero ? 0 : message.length, ...message]);
  return Uint8Array.from(parts.flat());
}

const messages = [..."SRHAFECXDUPQBI"].map((type) => messageBytes(feed, type, {}));
const types = [..."SRHAFECXDUPQBI"];

describe("the file of length-prefixed messages", () => {
  test("gives every message, however it is cut in blocks", () => {
    const bytes = prefixed(messages);
    for (let size = 1; size < 120; size++) {
      expect(split(bytes, size)).toEqual({ types, mended: 0, end: bytes.length });
    }
  });

  test("with all lengths 0 gives the same messages, counted as mended", () => {
    const bytes = prefixed(messages, true);
    for (let size = 1; size < 120; size++) {
      expect(split(bytes, size)).toEqual({ types, mended: types.length, end: bytes.length });
    }
  });

  test("stops at a length that can be none, after what stands before it", () => {
    const good = prefixed(messages);
    for (const damage of [
      [0xff, 0xff, 0x41],
      [0, 0, 0x7a],
    ]) {
      const bytes = Uint8Array.from([...good, ...damage, ...good]);
      expect(split(bytes)).toEqual({ types, mended: 0, end: -1 - good.length });
    }
  });

  test("leaves a cut message to the next block, and tells the end mark from it", () => {
    const good = prefixed(messages);
    const cut = good.subarray(0, good.length - 1);
    const marked = Uint8Array.from([...good, 0, 0]);
    const isEnd = (bytes: Uint8Array, from: number) =>
      file.isEnd(new DataView(bytes.buffer), from, bytes.length);
    expect(split(cut).end).toBe(good.length - 52);
    expect(isEnd(cut.slice(), good.length - 52)).toBe(false);
    expect(split(marked)).toEqual({ types, mended: 0, end: good.length });
    expect(isEnd(marked, good.length)).toBe(true);
  });

  test("is told from other files by its first messages", () => {
    expect(file.sniff(prefixed(messages))).toBe(true);
    expect(file.sniff(prefixed(messages, true))).toBe(true);
    expect(file.sniff(prefixed(messages).subarray(0, 20))).toBe(true);
    const pcap = Uint8Array.of(0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0);
    const pcapng = Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a, 28, 0, 0, 0);
    const wrongLength = prefixed(messages).fill(13, 1, 2);
    const other = [new Uint8Array(0), new Uint8Array(100), pcap, pcapng, wrongLength];
    for (const bytes of other) expect(file.sniff(bytes)).toBe(false);
  });
});

describe("real and published files", () => {
  const counts = (found: readonly string[]) => {
    const byType: Record<string, number> = {};
    for (const type of found) byType[type] = (byType[type] ?? 0) + 1;
    return byType;
  };
  const content = (path: string) => {
    const bytes = readFileSync(path);
    return new Uint8Array(path.endsWith(".gz") ? gunzipSync(bytes) : bytes);
  };

  test("the head of a NASDAQ day is split to its last whole message", () => {
    const path = capturePath("captures/itch/bbekele-head.itch");
    if (path === undefined) return;
    const bytes = content(path);
    expect(file.sniff(bytes.subarray(0, 4096))).toBe(true);
    expect(counts(split(bytes, 4096).types)).toEqual({ S: 1, R: 993, H: 3, Y: 3 });
  });

  test("a file whose lengths are all 0 gives what its mended copy gives", () => {
    const broken = capturePath("captures/itch/ritch-synthetic.itch50.gz");
    const mended = capturePath("captures/itch/ritch-synthetic.lenfixed.itch50.gz");
    if (broken === undefined || mended === undefined) return;
    const expected = { S: 6, R: 3, H: 3, A: 4997, F: 3, E: 198, X: 45, D: 1745, U: 12, P: 5000 };
    const found = split(content(broken), 10_000);
    expect(found.mended).toBe(12_012);
    expect(counts(found.types)).toEqual(expected);
    expect(split(content(mended), 10_000)).toEqual({ ...found, mended: 0 });
    expect(file.sniff(content(broken))).toBe(true);
  });

  test("a day of AMZN is split whole", () => {
    const path = capturePath("books/amzn_l5.itch50.gz");
    if (path === undefined) return;
    const expected = { S: 2, R: 1, P: 2445, A: 84_256, E: 9417, X: 5607, D: 76_639 };
    expect(counts(split(content(path), 1 << 16).types)).toEqual(expected);
  });
});
