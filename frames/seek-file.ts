/**
 * Edge: reads parts of a plain capture by its seek index, and builds the index: one walk over the
 * file, kept in a folder under what the file is (size, time, first and last bytes), so that an
 * index never outlives the capture that it is of. One that is damaged or cannot be kept is built
 * again.
 */
import {
  closeSync,
  fstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { captureReader } from "./capture.ts";
import { CaptureCounters } from "./capture-counters.ts";
import type { CaptureReader } from "./capture-reader.ts";
import type { Channels } from "./channels.ts";
import { crc32c } from "./chunk-checksum.ts";
import { FrameBatch } from "./frame-batch.ts";
import { readSeekIndex, SeekIndex, type SeekSpan, seekIndexText } from "./seek-index.ts";
import type { InputKind } from "./sniff.ts";

const BLOCK_BYTES = 1 << 20;
/** A part of the index: what a start in the middle reads too much at most. */
const PART_BYTES = 4 << 20;
const BLOCKS_PER_TURN = 16;
const ENDS_BYTES = 65_536;
const KEPT_FILES = 128;
const VERSION = 1;

/** Gives the time of frame `at` that the index is to go by. */
export type TimeOfFrame = (
  batch: FrameBatch,
  at: number,
  time: { sec: number; nsec: number },
) => void;

export interface SeekFileOptions {
  readonly kind: InputKind;
  /** Takes the channels that are found; frames given to `timeOf` refer to it. */
  readonly channels: Channels;
  /** Names whose time it is; an index is found again only under the same name. */
  readonly clock: string;
  readonly timeOf: TimeOfFrame;
  /** Where indexes are kept; undefined: nowhere. */
  readonly folder: string | undefined;
  /** Told before the file is walked over, of its size in bytes. */
  readonly onBuild?: (bytes: number) => void;
}

/** The index of the file, kept or built. */
export async function seekIndexOf(path: string, options: SeekFileOptions): Promise<SeekIndex> {
  const file = openSync(path, "r");
  try {
    const stamp = stampOf(file, options.clock);
    const kept = options.folder === undefined ? undefined : join(options.folder, `${stamp}.json`);
    const known = kept === undefined ? undefined : readKept(kept);
    if (known !== undefined) return known;
    options.onBuild?.(fstatSync(file).size);
    const index = await built(file, options);
    // A capture that grew while it was read is another one now.
    if (kept !== undefined && stampOf(file, options.clock) === stamp) keep(kept, index);
    return index;
  } finally {
    closeSync(file);
  }
}

/** Frames of a span of the file; a batch is valid until the next. */
export async function* spanFrames(
  path: string,
  kind: InputKind,
  span: SeekSpan,
  channels: Channels,
  counters: CaptureCounters,
): AsyncGenerator<FrameBatch> {
  const reader = captureReader(kind, channels, counters);
  if (reader === undefined) throw new Error(`${path} is no capture`);
  if (span.from >= span.to) return;
  const file = openSync(path, "r");
  const batch = new FrameBatch(2048);
  try {
    const pieces = [...span.preamble, [span.from, span.to - span.from] as const];
    for (const [at, bytes] of pieces) {
      for await (const block of blocks(file, at, at + bytes)) {
        reader.push(block);
        while (reader.next(batch)) yield batch;
      }
    }
    if (span.to >= fstatSync(file).size) reader.end();
  } finally {
    closeSync(file);
  }
}

async function built(file: number, options: SeekFileOptions): Promise<SeekIndex> {
  const reader = captureReader(options.kind, options.channels, new CaptureCounters());
  if (reader === undefined) throw new Error("not a capture");
  const index = new SeekIndex();
  index.begin(0, []);
  const batch = new FrameBatch(2048);
  const time = { sec: 0, nsec: 0 };
  let partFrom = 0;
  for await (const block of blocks(file, 0, Number.POSITIVE_INFINITY)) {
    if (reader.nextRecordAt - partFrom >= PART_BYTES) partFrom = beginPart(index, reader);
    reader.push(block);
    while (reader.next(batch)) {
      for (let i = 0; i < batch.count; i++) {
        options.timeOf(batch, i, time);
        index.add(time.sec, time.nsec);
      }
    }
    index.end += block.length;
  }
  return index;
}

function beginPart(index: SeekIndex, reader: CaptureReader): number {
  index.begin(reader.nextRecordAt, reader.preamble);
  return reader.nextRecordAt;
}

async function* blocks(file: number, from: number, to: number): AsyncGenerator<Uint8Array> {
  const buffer = new Uint8Array(Math.min(BLOCK_BYTES, to - from));
  let at = from;
  for (let turn = 1; at < to; turn++) {
    const length = readSync(file, buffer, 0, Math.min(buffer.length, to - at), at);
    if (length === 0) return;
    at += length;
    yield length === buffer.length ? buffer : buffer.subarray(0, length);
    if (turn % BLOCKS_PER_TURN === 0) await new Promise((resume) => setImmediate(resume));
  }
}

function stampOf(file: number, clock: string): string {
  const { size, mtimeMs } = fstatSync(file);
  const hasher = new Bun.CryptoHasher("sha256");
  const end = new Uint8Array(ENDS_BYTES);
  for (const at of [0, Math.max(0, size - ENDS_BYTES)]) {
    hasher.update(end.subarray(0, readSync(file, end, 0, ENDS_BYTES, at)));
  }
  hasher.update(JSON.stringify([VERSION, size, mtimeMs, clock]));
  return hasher.digest("hex").slice(0, 32);
}

/** The index in the file, its checksum in front; undefined where there is none that is whole. */
function readKept(path: string): SeekIndex | undefined {
  try {
    const bytes = readFileSync(path);
    const text = bytes.subarray(9);
    if (bytes.toString("latin1", 0, 8) !== checksum(text)) return undefined;
    return readSeekIndex(text.toString());
  } catch {
    return undefined;
  }
}

/** An index that cannot be kept is built again next time. */
function keep(path: string, index: SeekIndex): void {
  const folder = join(path, "..");
  try {
    mkdirSync(folder, { recursive: true });
    const text = Buffer.from(seekIndexText(index));
    writeFileSync(`${path}.${process.pid}`, `${checksum(text)}\n${text}`);
    renameSync(`${path}.${process.pid}`, path);
    const ages = readdirSync(folder)
      .map((name) => ({ name, age: statSync(join(folder, name)).mtimeMs }))
      .sort((a, b) => b.age - a.age);
    for (const { name } of ages.slice(KEPT_FILES)) rmSync(join(folder, name), { force: true });
  } catch {}
}

function checksum(bytes: Uint8Array): string {
  return crc32c(bytes).toString(16).padStart(8, "0");
}
