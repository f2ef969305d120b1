/**
 * Damaged captures: mutations of every file of the captures folder go through the readers. Whatever
 * the bytes, reading ends, counts every packet once, keeps its frames inside their buffer, and says
 * the same in blocks of any size.
 *
 * `EDGEBOOK_RUNS` is the number of mutations (2,000; the full proof is 200,000), `EDGEBOOK_SEED`
 * repeats a run.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import zlib from "node:zlib";
import fc from "fast-check";
import { captureFrames, captureReader } from "../frames/capture.ts";
import { CaptureCounters } from "../frames/capture-counters.ts";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { openInput } from "../frames/input.ts";
import { InputError } from "../frames/input-error.ts";
import { sniffKind } from "../frames/sniff.ts";
import { cpuMs } from "./cpu-time.ts";

const folder = join(import.meta.dir, "../../shared/data");
const present = existsSync(folder);
if (!present) console.log("not run: no captures");

const runs = Number(process.env.EDGEBOOK_RUNS ?? 2000);
const seed = Number(process.env.EDGEBOOK_SEED ?? Date.now() % 0x7fffffff);
/** Of a larger file its beginning is mutated, so that runs stay short. */
const FILE_BYTES = 16_384;
const RUN_MS = 2000;
const MEMORY_BYTES = 400e6;

const originals = present ? loadOriginals() : [];

function loadOriginals(): Uint8Array[] {
  const files = new Bun.Glob("{captures,robustness,books}/**/*.{pcap,pcapng,bin,pcap.gz}");
  return [...files.scanSync(folder)].sort().map((file) => {
    const bytes = new Uint8Array(readFileSync(join(folder, file)));
    const plain = bytes[0] === 0x1f ? new Uint8Array(zlib.gunzipSync(bytes)) : bytes;
    return plain.slice(0, FILE_BYTES);
  });
}

/** Fractions of the file, evenly: a bias to the first bytes would damage nothing but the magic. */
const place = fc.noBias(fc.nat(999_999)).map((millionths) => millionths / 1e6);
const nasty = fc.constantFrom(
  [0, 0, 0, 0],
  [0xff, 0xff, 0xff, 0xff],
  [0, 0, 0, 0x80],
  [0x7f, 0xff, 0xff, 0xff],
  [0, 0, 4, 0],
  [0, 4, 0, 0],
  [1, 0, 4, 0],
  [0x0a, 0x0d, 0x0d, 0x0a],
  [12, 0, 0, 0],
  [0, 0, 0, 12],
  [6, 0, 0, 0],
);
const mutation = fc.oneof(
  fc.record({
    kind: fc.constant("flip" as const),
    at: place,
    bits: fc.integer({ min: 1, max: 255 }),
  }),
  fc.record({ kind: fc.constant("word" as const), at: place, bytes: nasty }),
  fc.record({ kind: fc.constant("cut" as const), at: place }),
  fc.record({ kind: fc.constant("remove" as const), at: place, length: fc.nat(64) }),
  fc.record({ kind: fc.constant("repeat" as const), at: place, length: fc.nat(2000) }),
  fc.record({ kind: fc.constant("splice" as const), at: place, from: place, with: fc.nat(10_000) }),
);
type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never;

function mutated(original: Uint8Array, steps: readonly Mutation[]): Uint8Array {
  let bytes: Uint8Array = original.slice();
  for (const step of steps) {
    const at = Math.floor(step.at * bytes.length);
    switch (step.kind) {
      case "flip":
        if (bytes.length > 0) bytes[at] ^= step.bits;
        break;
      case "word":
        // Lengths stand at whole words of most formats.
        if ((at & ~3) + 4 <= bytes.length) bytes.set(step.bytes, at & ~3);
        break;
      case "cut":
        bytes = bytes.slice(0, at);
        break;
      case "remove":
        bytes = joined(bytes.subarray(0, at), bytes.subarray(at + step.length));
        break;
      case "repeat":
        bytes = joined(bytes.subarray(0, at + step.length), bytes.subarray(at));
        break;
      case "splice": {
        const other = originals[step.with % originals.length];
        bytes = joined(bytes.subarray(0, at), other.subarray(Math.floor(step.from * other.length)));
        break;
      }
    }
  }
  return bytes.slice(0, 4 * FILE_BYTES);
}

function joined(head: Uint8Array, tail: Uint8Array): Uint8Array {
  const both = new Uint8Array(head.length + tail.length);
  both.set(head);
  both.set(tail, head.length);
  return both;
}

/** What a reading comes to, as one comparable line; undefined where it is no capture. */
function reading(file: Uint8Array, blockBytes: number): string | undefined {
  const counters = new CaptureCounters();
  const channels = new Channels();
  const reader = captureReader(sniffKind(file), channels, counters, true);
  if (reader === undefined) return undefined;
  const batch = new FrameBatch(32);
  let digest = 0;
  let frames = 0;
  let calls = 0;
  for (let at = 0; at < file.length; at += blockBytes) {
    reader.push(file.subarray(at, at + blockBytes));
    while (reader.next(batch)) {
      calls++;
      frames += batch.count;
      digest = fold(digest, batch);
    }
  }
  reader.end();
  const verdicts = [...counters.byVerdict];
  // Every call of `next` gave frames, a packet has one verdict and takes bytes of the file.
  expect(calls).toBeLessThanOrEqual(frames);
  expect(frames).toBe(counters.frames);
  expect(verdicts.reduce((sum, count) => sum + count, 0)).toBe(counters.packets);
  expect(counters.packets).toBeLessThanOrEqual(file.length / 12);
  expect(counters.bytes).toBeLessThanOrEqual(file.length);
  const { firstSec, firstNsec, lastSec, lastNsec, timed, stoppedAtByte, stopReason } = counters;
  const span = [firstSec, firstNsec, lastSec, lastNsec, timed, counters.badChecksums];
  return [digest, verdicts, span, channels.list.length, stoppedAtByte, stopReason].join(" ");
}

function fold(start: number, batch: FrameBatch): number {
  let digest = start;
  for (let i = 0; i < batch.count; i++) {
    const from = batch.offset[i];
    const to = from + batch.length[i];
    if (from < 0 || batch.length[i] < 0 || to > batch.bytes.length) {
      throw new Error(`frame ${from}..${to} lies outside its ${batch.bytes.length} bytes`);
    }
    if (batch.nsec[i] > 999_999_999) throw new Error(`${batch.nsec[i]} nanoseconds`);
    for (let at = from; at < to; at++) digest = (Math.imul(digest, 31) + batch.bytes[at]) | 0;
    digest = (Math.imul(digest, 31) + batch.sec[i] + batch.nsec[i] + batch.channel[i]) | 0;
  }
  return digest;
}

describe.if(present)("mutated captures", () => {
  test(
    "reading ends, counts every packet once, and does not depend on the blocks",
    () => {
      const started = performance.now();
      // Other tests share the process: what counts is what this one adds.
      const before = process.memoryUsage().rss;
      let captures = 0;
      let slowestMs = 0;
      fc.assert(
        fc.property(
          fc.nat(originals.length - 1),
          fc.array(mutation, { minLength: 1, maxLength: 6 }),
          fc.integer({ min: 1, max: 3000 }),
          (index, steps, blockBytes) => {
            const file = mutated(originals[index], steps);
            const begun = cpuMs();
            const whole = reading(file, FILE_BYTES * 4);
            expect(reading(file, blockBytes)).toBe(whole);
            const tookMs = cpuMs() - begun;
            expect(tookMs).toBeLessThan(RUN_MS);
            slowestMs = Math.max(slowestMs, tookMs);
            if (whole !== undefined) captures++;
          },
        ),
        { numRuns: runs, seed },
      );
      const seconds = ((performance.now() - started) / 1000).toFixed(1);
      console.log(
        `${runs} mutations of ${originals.length} captures, ${captures} still captures, in ` +
          `${seconds} s, slowest ${slowestMs.toFixed(0)} ms (EDGEBOOK_SEED=${seed})`,
      );
      Bun.gc(true);
      expect(process.memoryUsage().rss - before).toBeLessThan(MEMORY_BYTES);
      // A test of mutations that are all rejected at the door would prove nothing.
      expect(captures).toBeGreaterThan(runs / 2);
    },
    { timeout: 60_000 + runs * 20 },
  );

  test("damaged packing ends with what it gave, or with a typed error", async () => {
    const scratch = mkdtempSync(join(tmpdir(), "edgebook-mutations-"));
    const path = join(scratch, "packed");
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.nat(originals.length - 1),
          fc.boolean(),
          fc.array(mutation, { minLength: 1, maxLength: 3 }),
          async (index, gzip, steps) => {
            const pack = gzip ? zlib.gzipSync : zlib.zstdCompressSync;
            const packed = new Uint8Array(pack(originals[index]));
            writeFileSync(path, mutated(packed, steps));
            expect(await packedReading(path)).toBeLessThan(2 * RUN_MS);
          },
        ),
        { numRuns: Math.min(200, runs), seed },
      );
    } finally {
      rmSync(scratch, { recursive: true });
    }
  }, 60_000);
});

/** Reads a packed file; how long it took, in ms. */
async function packedReading(path: string): Promise<number> {
  const started = performance.now();
  const counters = new CaptureCounters();
  try {
    await captureFrames(await openInput(path), new Channels(), counters, () => {});
  } catch (error) {
    if (!(error instanceof InputError)) throw error;
  }
  return performance.now() - started;
}
