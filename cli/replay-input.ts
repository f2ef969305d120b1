/**
 * Edge: the files of a replay as passes over their frames: captures, chunk files, spools and
 * directories of them, merged by capture time. A pass that begins or ends in the middle reads large
 * plain captures by their seek index, and leaves chunks packed that lie outside.
 */
import { homedir } from "node:os";
import { join } from "node:path";
import { CaptureCounters } from "../frames/capture-counters.ts";
import type { Channels } from "../frames/channels.ts";
import type { ChunkHeader } from "../frames/chunk.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { type Input, openInput } from "../frames/input.ts";
import { seekIndexOf, spanFrames } from "../frames/seek-file.ts";
import type { Selection } from "../replayer/filter.ts";
import { frameBatches, isFrames, mergedSources, type SourceBatch } from "./frame-source.ts";
import { filesBelow } from "./input-files.ts";
import { printErr } from "./output.ts";

/** Smaller files are read whole: that takes no time. */
const LARGE_BYTES = 32 << 20;

export interface ReplayInputOptions {
  readonly selection: Selection | undefined;
  /** Names what the selection's clock depends on: an index serves only the same. */
  readonly clockName: string;
}

export class ReplayInput {
  /** What was damaged; each file once, however many passes. */
  readonly complaints: string[] = [];
  private readonly paths: readonly string[];
  private readonly channels: Channels;
  private readonly options: ReplayInputOptions;
  /** Packed files of which it was said that they are read from their start. */
  private readonly told = new Set<string>();

  /** @throws CliError where a directory holds no chunks */
  constructor(paths: readonly string[], channels: Channels, options: ReplayInputOptions) {
    this.paths = paths.flatMap(filesBelow);
    this.channels = channels;
    this.options = options;
  }

  /** All frames that the selection's span may need, in order of capture time. */
  async *pass(): AsyncGenerator<FrameBatch> {
    for await (const batch of this.batches()) if (isFrames(batch)) yield batch.frames;
  }

  /**
   * The same, with what was obtained by request as such, snapshots and clears too.
   * @param onChunk told of each chunk before its frames come, perhaps long before
   */
  async *batches(onChunk?: (header: ChunkHeader) => void): AsyncGenerator<SourceBatch> {
    const inputs: Input[] = [];
    const counters: CaptureCounters[] = [];
    try {
      for (const path of this.paths) inputs.push(await openInput(path));
      const sources = inputs.map((input) => {
        const counting = new CaptureCounters();
        counters.push(counting);
        return this.source(input, counting, onChunk);
      });
      yield* mergedSources(sources);
    } finally {
      for (const input of inputs) input.close();
    }
    counters.forEach((counting, i) => {
      if (counting.truncated) this.complain(`${this.paths[i]}: ${counting.stopReason}`);
    });
  }

  private source(
    input: Input,
    counters: CaptureCounters,
    onChunk: ((header: ChunkHeader) => void) | undefined,
  ): AsyncGenerator<SourceBatch> {
    const { selection, clockName } = this.options;
    const { channels } = this;
    const span = selection?.span;
    const isPart = span?.from !== undefined || span?.until !== undefined;
    const isLarge = isPart && (input.sizeBytes ?? 0) >= LARGE_BYTES;
    const isCapture = input.kind === "pcap" || input.kind === "pcapng";
    if (selection && isLarge && isCapture && input.compression === "none") {
      return partFrames(input, channels, counters, selection, clockName);
    }
    if (isLarge && span?.from && input.compression !== "none") this.sayPacked(input);
    const isWanted =
      selection?.clock === "recv" && span
        ? (header: ChunkHeader) => isTouched(header, span)
        : undefined;
    return frameBatches(input, channels, counters, false, onChunk, isWanted);
  }

  private sayPacked({ path, compression }: Input): void {
    if (this.told.has(path)) return;
    this.told.add(path);
    const how = `it is ${compression}, so it is unpacked from its start to get there`;
    printErr(`edgebook: ${path}: ${how}; unpacked once, it would be quick\n`);
  }

  private complain(text: string): void {
    if (!this.complaints.includes(text)) this.complaints.push(text);
  }
}

async function* partFrames(
  input: Input,
  channels: Channels,
  counters: CaptureCounters,
  selection: Selection,
  clockName: string,
): AsyncGenerator<SourceBatch> {
  const { path, kind } = input;
  const judge = selection.again();
  const index = await seekIndexOf(path, {
    kind,
    channels,
    clock: clockName,
    timeOf: (batch, at, time) => judge.timeOf(batch, at, time),
    folder: cacheFolder(),
    onBuild: (bytes) => {
      const size = (bytes / 2 ** 30).toFixed(1);
      printErr(`edgebook: ${path}: reading its ${size} GiB once, for an index of its times\n`);
    },
  });
  const { from, until } = selection.span;
  const span = index.span(from, until);
  for await (const frames of spanFrames(path, kind, span, channels, counters)) {
    yield { frames, requested: undefined };
  }
}

/** Where the index of a capture is kept for the next time. */
function cacheFolder(): string {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), ".cache");
  return join(caches, "edgebook", "seek");
}

/** Whether a chunk has capture times in the span. */
function isTouched(header: ChunkHeader, { from, until }: Selection["span"]): boolean {
  const { firstSec, firstNsec, lastSec, lastNsec } = header;
  const isOver = from && (lastSec < from.sec || (lastSec === from.sec && lastNsec < from.nsec));
  if (isOver) return false;
  return !until || firstSec < until.sec || (firstSec === until.sec && firstNsec < until.nsec);
}
