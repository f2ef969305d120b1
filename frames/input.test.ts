import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import zlib from "node:zlib";
import { bytesOf, ethernet, ipv4, pcapFile, udp } from "../tests/capture-files.ts";
import { captureFrames } from "./capture.ts";
import { CaptureCounters } from "./capture-counters.ts";
import { Channels } from "./channels.ts";
import { openInput } from "./input.ts";
import { InputError } from "./input-error.ts";

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "edgebook-input-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

/** Bytes that do not pack well, so that packed files are long; the same in every run. */
function noise(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  let state = 1;
  for (let i = 0; i < length; i++) {
    state = Math.imul(state, 1_664_525) + 1_013_904_223;
    bytes[i] = (state >>> 24) & 63;
  }
  return bytes;
}

const payload = noise(1000);
const packets = Array.from({ length: 5000 }, (_, i) => ({
  sec: 1000 + i,
  fraction: 0,
  bytes: ethernet(0x0800, ipv4("239.1.1.1", udp(1, bytesOf(payload.subarray(0, i % 1000))))),
}));
const capture = pcapFile(packets);
const gzip = new Uint8Array(zlib.gzipSync(capture));
const checked = { params: { [zlib.constants.ZSTD_c_checksumFlag]: 1 } };
const zstd = new Uint8Array(zlib.zstdCompressSync(capture, checked));

async function read(bytes: Uint8Array, name = "capture.bin") {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  const counters = new CaptureCounters();
  let frames = 0;
  await captureFrames(await openInput(path), new Channels(), counters, (batch) => {
    frames += batch.count;
  });
  expect(frames).toBe(counters.frames);
  return counters;
}

async function content(bytes: Uint8Array): Promise<{ bytes: Uint8Array; damaged: boolean }> {
  const path = join(folder, "content.bin");
  writeFileSync(path, bytes);
  const input = await openInput(path);
  const blocks: Uint8Array[] = [];
  for await (const block of input.blocks()) blocks.push(block.slice());
  input.close();
  return { bytes: bytesOf(...blocks), damaged: input.damage !== undefined };
}

describe("content decides, never the name", () => {
  const half = capture.length >> 1;
  const skippable = bytesOf([0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0], [1, 2, 3]);
  const halves = [capture.subarray(0, half), capture.subarray(half)];
  const forms: [string, Uint8Array][] = [
    ["plain", capture],
    ["gzip", gzip],
    ["gzip in two members", bytesOf(...halves.map((part) => new Uint8Array(zlib.gzipSync(part))))],
    ["zstd", zstd],
    [
      "zstd in two frames behind a skippable one",
      bytesOf(skippable, ...halves.map((part) => new Uint8Array(zlib.zstdCompressSync(part)))),
    ],
  ];
  test.each(forms)("%s", async (_, bytes) => {
    for (const name of ["x.pcap", "x.gz", "x.zst", "x"]) {
      const counters = await read(bytes, name);
      expect([counters.packets, counters.truncated]).toEqual([5000, false]);
    }
  });

  test("a file that is no capture keeps its bytes and shows its head", async () => {
    const bytes = bytesOf(noise(3_000_000));
    const found = await content(bytes);
    expect(found.damaged).toBe(false);
    expect(Buffer.compare(found.bytes, bytes)).toBe(0);
    const input = await openInput(join(folder, "content.bin"));
    expect(input.kind).toBe("other");
    expect(input.head).toEqual(bytes.slice(0, 4096));
    input.close();
  });
});

describe("damaged packing gives all that unpacks before the damage", () => {
  test("a cut gzip file", async () => {
    const half = gzip.subarray(0, gzip.length >> 1);
    const finishFlush = zlib.constants.Z_SYNC_FLUSH;
    const expected = new Uint8Array(zlib.gunzipSync(half, { finishFlush }));
    const found = await content(half);
    expect(found).toEqual({ bytes: expected, damaged: true });
    const counters = await read(half);
    expect(counters.packets).toBeGreaterThan(500);
    expect(counters.stopReason).toContain("ends before its last member does");
  });

  test("a cut zstd file", async () => {
    const counters = await read(zstd.subarray(0, zstd.length >> 1));
    expect(counters.packets).toBeGreaterThan(500);
    expect(counters.stopReason).toContain("ends inside a frame");
  });

  test("something else behind the last member or frame", async () => {
    for (const whole of [gzip, zstd]) {
      const counters = await read(bytesOf(whole, noise(50)));
      expect([counters.packets, counters.truncated]).toEqual([5000, true]);
    }
  });

  test("a wrong check sum at the very end", async () => {
    const broken = gzip.slice();
    broken[broken.length - 6] ^= 1;
    const counters = await read(broken);
    expect([counters.packets, counters.truncated]).toEqual([5000, true]);
    expect(counters.stopReason).toContain("incorrect data check");
  });

  test("flipped bytes in the middle: as much as of a file cut there", async () => {
    for (const whole of [gzip, zstd]) {
      const broken = whole.slice();
      const where = broken.length >> 1;
      broken.fill(0xff, where, where + 40);
      const before = await content(whole.subarray(0, where));
      const found = await content(broken);
      expect(before.bytes.length).toBeGreaterThan(100_000);
      expect(found.bytes.subarray(0, before.bytes.length)).toEqual(before.bytes);
      expect(found.damaged).toBe(true);
    }
  });
});

describe("an input that cannot be read is a typed error", () => {
  const code = async (bytes: Uint8Array) => {
    try {
      await read(bytes);
    } catch (error) {
      return error instanceof InputError ? error.code : String(error);
    }
  };

  test("no capture, empty, chunks", async () => {
    expect(await code(bytesOf(1, 2, 3))).toBe("not_a_capture");
    expect(await code(new Uint8Array(0))).toBe("not_a_capture");
    expect(await code(bytesOf(0x45, 0x42, 0x43, 0x48, 1, 2, 3))).toBe("not_a_capture");
    expect(await code(new Uint8Array(zlib.gzipSync(bytesOf(1, 2, 3))))).toBe("not_a_capture");
  });

  test("a packing that does not even begin", async () => {
    expect(await code(bytesOf(0x1f, 0x8b, 0x08, 0xff, noise(100)))).toBe("bad_compression");
    expect(await code(bytesOf(0x28, 0xb5, 0x2f, 0xfd, noise(100)))).toBe("bad_compression");
  });

  test("no file, a folder", async () => {
    const opened = async (path: string) => openInput(path).catch((error) => error.code);
    expect(await opened(join(folder, "absent"))).toBe("file_not_found");
    expect(await opened(folder)).toBe("file_unreadable");
  });
});

describe("standard input", () => {
  const script = `
    import { captureFrames } from "${import.meta.dir}/capture.ts";
    import { CaptureCounters } from "${import.meta.dir}/capture-counters.ts";
    import { Channels } from "${import.meta.dir}/channels.ts";
    import { openInput } from "${import.meta.dir}/input.ts";
    const counters = new CaptureCounters();
    await captureFrames(await openInput("-"), new Channels(), counters, () => Bun.sleep(1));
    console.log(counters.frames, counters.truncated);
  `;

  test("a pipe and a redirected file, plain and packed, by a slow consumer", async () => {
    for (const bytes of [capture, gzip, zstd]) {
      const path = join(folder, "stdin.bin");
      writeFileSync(path, bytes);
      for (const stdin of [new Blob([bytes.slice()]), Bun.file(path)]) {
        const child = Bun.spawn([process.execPath, "-e", script], { stdin, stdout: "pipe" });
        expect(await new Response(child.stdout).text()).toBe("5000 false\n");
      }
    }
  });
});

test("a consumer that stops in the middle leaves nothing open", async () => {
  for (const bytes of [capture, gzip, zstd]) {
    const path = join(folder, "stopped.bin");
    writeFileSync(path, bytes);
    const reading = captureFrames(
      await openInput(path),
      new Channels(),
      new CaptureCounters(),
      () => {
        throw new Error("enough");
      },
    );
    expect(await reading.catch((error) => error.message)).toBe("enough");
  }
});
