/**
 * Edge: the frames of one or several files, captures and chunks, as batches to be pulled. Several
 * are merged by capture time, as if one host had captured them.
 */
import { dirname } from "node:path";
import { captureReader, notACapture } from "../frames/capture.ts";
import type { CaptureCounters } from "../frames/capture-counters.ts";
import type { Channels } from "../frames/channels.ts";
import { ChunkFault, type ChunkHeader, ChunkUnpacker, readChunkHeader } from "../frames/chunk.ts";
import { ChunkSplitter } from "../frames/chunk-stream.ts";
import { learnBeside } from "../frames/dictionary-files.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import type { Input } from "../frames/input.ts";
import { Verdict } from "../frames/link.ts";
import { openZstd } from "../frames/zstd.ts";

/** Frames of a merged batch, the bytes that they lie in, and the capture time that it spans. */
const MERGED_FRAMES = 1024;
const MERGED_BYTES = 1 << 20;
const MERGED_NS = 50e6;

/** A batch is valid until the next is asked for. */
export interface SourceBatch {
  readonly frames: FrameBatch;
  /** Set where the frames are those of one chunk that was obtained by request, not captured. */
  readonly requested: ChunkHeader | undefined;
}

/**
 * @param onChunk told of each chunk before its frames come
 * @param isWanted chunks of which it says no are not unpacked
 * @throws InputError where it is neither kind
 */
export function frameBatches(
  input: Input,
  channels: Channels,
  counters: CaptureCounters,
  verifyChecksums: boolean,
  onChunk?: (header: ChunkHeader) => void,
  isWanted: (header: ChunkHeader) => boolean = () => true,
): AsyncGenerator<SourceBatch> {
  if (input.kind === "chunks") return chunkBatches(input, channels, counters, onChunk, isWanted);
  return captureBatches(input, channels, counters, verifyChecksums);
}

async function* captureBatches(
  input: Input,
  channels: Channels,
  counters: CaptureCounters,
  verifyChecksums: boolean,
): AsyncGenerator<SourceBatch> {
  const reader = captureReader(input.kind, channels, counters, verifyChecksums);
  if (!reader) throw notACapture(input);
  const batch = new FrameBatch(2048);
  let bytes = 0;
  for await (const block of input.blocks()) {
    bytes += block.length;
    reader.push(block);
    while (reader.next(batch)) yield { frames: batch, requested: undefined };
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
  onChunk: ((header: ChunkHeader) => void) | undefined,
  isWanted: (header: ChunkHeader) => boolean,
): AsyncGenerator<SourceBatch> {
  const zstd = openZstd();
  const unpacker = new ChunkUnpacker(channels, zstd);
  const folder = dirname(input.path);
  let found: Uint8Array[] = [];
  const splitter = new ChunkSplitter((bytes) => {
    const read = readChunkHeader(bytes);
    const isFound = !(read instanceof ChunkFault);
    if (isFound && !isWanted(read.header)) return;
    if (isFound) learnBeside(zstd.dictionaries, read.header.dictionary, folder);
    found.push(bytes.slice());
  });
  let damaged = 0;
  const missing = new Set<string>();
  const unpacked = function* () {
    const chunks = found;
    found = [];
    for (const bytes of chunks) {
      const chunk = unpacker.unpack(bytes);
      if (chunk instanceof ChunkFault) {
        damaged++;
        if (chunk.code === "missing_dictionary") missing.add(chunk.detail);
        continue;
      }
      const { header, frames } = chunk;
      onChunk?.(header);
      yield {
        frames: counted(frames, counters),
        requested: header.kind === "live" ? undefined : header,
      };
    }
  };
  for await (const block of input.blocks()) {
    splitter.push(block);
    yield* unpacked();
  }
  splitter.finish();
  yield* unpacked();
  damaged += splitter.damages;
  if (damaged === 0) return;
  const needed = missing.size === 0 ? "" : `; not here: dictionary ${[...missing].join(", ")}`;
  counters.stop(input.readBytes, `${damaged} damaged places in its chunks${needed}`);
}

/** Chunks keep frames, no packets: each frame counts as the packet that it was. */
function counted(frames: FrameBatch, counters: CaptureCounters): FrameBatch {
  for (let at = 0; at < frames.count; at++) {
    counters.packet(frames.length[at], Verdict.Frame, 0);
  }
  return frames;
}

/** As `mergedSources`, as mere frames: records of snapshots and clears are none, and left out. */
export async function* mergedBatches(
  sources: readonly AsyncGenerator<SourceBatch>[],
): AsyncGenerator<FrameBatch> {
  for await (const batch of mergedSources(sources)) if (isFrames(batch)) yield batch.frames;
}

/** Whether a batch is of datagrams, captured or recovered, and not of a snapshot's records. */
export function isFrames({ requested }: SourceBatch): boolean {
  return requested === undefined || requested.kind === "recovered";
}

/**
 * Batches of all sources in the order of capture time; equal times in the order of the sources. What
 * was obtained by request comes chunk by chunk, each when its turn has come.
 */
export async function* mergedSources(
  sources: readonly AsyncGenerator<SourceBatch>[],
): AsyncGenerator<SourceBatch> {
  if (sources.length === 1) {
    yield* sources[0];
    return;
  }
  const open: Cursor[] = [];
  for (const source of sources) {
    const cursor = new Cursor(source);
    if (await cursor.refill()) open.push(cursor);
  }
  const merged = new MergedBatch();
  while (open.length > 0) {
    const next = earliest(open);
    if (next.requested !== undefined || !merged.hasRoom(next)) {
      if (merged.frames.count > 0) yield merged;
      merged.reset();
    }
    if (next.requested !== undefined) yield next.takeWhole();
    else merged.take(next);
    if (!next.hasMore && !(await next.refill())) open.splice(open.indexOf(next), 1);
  }
  if (merged.frames.count > 0) yield merged;
}

class MergedBatch implements SourceBatch {
  readonly frames = new FrameBatch(MERGED_FRAMES);
  readonly requested = undefined;
  private readonly bytes = new Uint8Array(MERGED_BYTES);
  private used = 0;
  private firstNs = 0;

  constructor() {
    this.reset();
  }

  hasRoom({ length, ns }: Cursor): boolean {
    const { count, capacity } = this.frames;
    if (count === 0) return true;
    const fits = count < capacity && this.used + length <= this.bytes.length;
    return fits && ns - this.firstNs < MERGED_NS;
  }

  take(from: Cursor): void {
    if (this.frames.count === 0) this.firstNs = from.ns;
    this.used = from.copyTo(this.frames, this.used);
  }

  reset(): void {
    this.frames.reset(this.bytes);
    this.used = 0;
  }
}

const NOTHING: SourceBatch = { frames: new FrameBatch(0), requested: undefined };

/** Where one source stands. */
class Cursor {
  private readonly source: AsyncGenerator<SourceBatch>;
  private current: SourceBatch = NOTHING;
  private at = 0;

  constructor(source: AsyncGenerator<SourceBatch>) {
    this.source = source;
  }

  get requested(): ChunkHeader | undefined {
    return this.current.requested;
  }

  get hasMore(): boolean {
    return this.at < this.batch.count;
  }

  get length(): number {
    return this.batch.length[this.at];
  }

  /** Capture time of the frame that stands here, ns since 1970 within 256 ns. */
  get ns(): number {
    return this.batch.sec[this.at] * 1e9 + this.batch.nsec[this.at];
  }

  /** A chunk without frames counts where it says something by being there: an empty snapshot. */
  async refill(): Promise<boolean> {
    do {
      const next = await this.source.next();
      if (next.done) return false;
      this.current = next.value;
      this.at = 0;
    } while (this.batch.count === 0 && this.current.requested === undefined);
    return true;
  }

  takeWhole(): SourceBatch {
    this.at = this.batch.count;
    return this.current;
  }

  isBefore(other: Cursor): boolean {
    if (!this.hasMore || !other.hasMore) return !this.hasMore && other.hasMore;
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

  private get batch(): FrameBatch {
    return this.current.frames;
  }
}

function earliest(cursors: readonly Cursor[]): Cursor {
  let first = cursors[0];
  for (let i = 1; i < cursors.length; i++) {
    if (cursors[i].isBefore(first)) first = cursors[i];
  }
  return first;
}
