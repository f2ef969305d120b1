/**
 * Edge: the frames of one or several files, captures and chunks, as batches to be pulled. Several
 * are merged by capture time, as if one host had captured them.
 */
import { captureReader, notACapture } from "../frames/capture.ts";
import type { CaptureCounters } from "../frames/capture-counters.ts";
import type { Channels } from "../frames/channels.ts";
import { ChunkFault, ChunkUnpacker } from "../frames/chunk.ts";
import { ChunkSplitter } from "../frames/chunk-stream.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import type { Input } from "../frames/input.ts";
import { Verdict } from "../frames/link.ts";
import { openZstd } from "../frames/zstd.ts";

/** Frames of a merged batch, and the bytes that they lie in. */
const MERGED_FRAMES = 1024;
const MERGED_BYTES = 1 << 20;

/** A batch is valid until the next is asked for. @throws InputError where it is neither kind */
export function frameBatches(
  input: Input,
  channels: Channels,
  counters: CaptureCounters,
  verifyChecksums: boolean,
): AsyncGenerator<FrameBatch> {
  if (input.kind === "chunks") return chunkBatches(input, channels, counters);
  return captureBatches(input, channels, counters, verifyChecksums);
}

async function* captureBatches(
  input: Input,
  channels: Channels,
  counters: CaptureCounters,
  verifyChecksums: boolean,
): AsyncGenerator<FrameBatch> {
  const reader = captureReader(input.kind, channels, counters, verifyChecksums);
  if (!reader) throw notACapture(input);
  const batch = new FrameBatch(2048);
  let bytes = 0;
  for await (const block of input.blocks()) {
    bytes += block.length;
    reader.push(block);
    while (reader.next(batch)) yield batch;
  }
  if (input.damage) {
    counters.stop(bytes, `${input.damage.reason} (packed byte ${input.damage.atByte})`);
  }
  reader.end();
}

async function* chunkBatches(
  input: Input,
  channels: Channels,
  counters: CaptureCounters,
): AsyncGenerator<FrameBatch> {
  const unpacker = new ChunkUnpacker(channels, openZstd());
  let found: Uint8Array[] = [];
  const splitter = new ChunkSplitter((bytes) => found.push(bytes.slice()));
  let damaged = 0;
  const unpacked = function* () {
    const chunks = found;
    found = [];
    for (const bytes of chunks) {
      const chunk = unpacker.unpack(bytes);
      if (chunk instanceof ChunkFault) damaged++;
      else yield counted(chunk.frames, counters);
    }
  };
  for await (const block of input.blocks()) {
    splitter.push(block);
    yield* unpacked();
  }
  splitter.finish();
  yield* unpacked();
  damaged += splitter.damages;
  if (damaged > 0) counters.stop(input.readBytes, `${damaged} damaged places in its chunks`);
}

/** Chunks keep frames, no packets: each frame counts as the packet that it was. */
function counted(frames: FrameBatch, counters: CaptureCounters): FrameBatch {
  for (let at = 0; at < frames.count; at++) {
    counters.packet(frames.length[at], Verdict.Frame, 0);
  }
  return frames;
}

/** Batches of all sources in the order of capture time; equal times in the order of the sources. */
export async function* mergedBatches(
  sources: readonly AsyncGenerator<FrameBatch>[],
): AsyncGenerator<FrameBatch> {
  if (sources.length === 1) {
    yield* sources[0];
    return;
  }
  const open: Cursor[] = [];
  for (const source of sources) {
    const cursor = new Cursor(source);
    if (await cursor.refill()) open.push(cursor);
  }
  const merged = new FrameBatch(MERGED_FRAMES);
  const bytes = new Uint8Array(MERGED_BYTES);
  let used = 0;
  merged.reset(bytes);
  while (open.length > 0) {
    const next = earliest(open);
    if (merged.count === merged.capacity || used + next.length > bytes.length) {
      yield merged;
      merged.reset(bytes);
      used = 0;
    }
    used = next.copyTo(merged, used);
    if (!next.hasMore && !(await next.refill())) open.splice(open.indexOf(next), 1);
  }
  if (merged.count > 0) yield merged;
}

/** Where one source stands. */
class Cursor {
  private readonly source: AsyncGenerator<FrameBatch>;
  private batch = new FrameBatch(0);
  private at = 0;

  constructor(source: AsyncGenerator<FrameBatch>) {
    this.source = source;
  }

  get hasMore(): boolean {
    return this.at < this.batch.count;
  }

  get length(): number {
    return this.batch.length[this.at];
  }

  async refill(): Promise<boolean> {
    do {
      const next = await this.source.next();
      if (next.done) return false;
      this.batch = next.value;
      this.at = 0;
    } while (this.batch.count === 0);
    return true;
  }

  isBefore(other: Cursor): boolean {
    const { batch, at } = this;
    const sec = other.batch.sec[other.at];
    if (batch.sec[at] !== sec) return batch.sec[at] < sec;
    return batch.nsec[at] < other.batch.nsec[other.at];
  }

  /** Copies the frame that stands here behind the `used` bytes; returns how many are used then. */
  copyTo(merged: FrameBatch, used: number): number {
    const { batch, at } = this;
    const from = batch.offset[at];
    const length = batch.length[at];
    merged.bytes.set(batch.bytes.subarray(from, from + length), used);
    merged.add(used, length, batch.sec[at], batch.nsec[at], batch.channel[at]);
    this.at++;
    return used + length;
  }
}

function earliest(cursors: readonly Cursor[]): Cursor {
  let first = cursors[0];
  for (let i = 1; i < cursors.length; i++) {
    if (cursors[i].isBefore(first)) first = cursors[i];
  }
  return first;
}
