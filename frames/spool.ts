/**
 * Edge: the collector's disk spool: every chunk of every boot, in segment files
 * `{boot}-{first number}.ebch`, so that it can be sent again when the centre asks.
 *
 * Kept by size alone, never by acknowledgement: the oldest segment goes when the limit is passed.
 * Writes reach the kernel before `append` returns: a killed process loses nothing, a power cut may
 * lose the last seconds. A chunk torn by either is cut off when the spool is opened. Worst case on
 * disk: the limit and one segment.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import type { PackedChunk } from "./chunk.ts";
import { scanChunkFile } from "./spool-scan.ts";

export interface SpoolOptions {
  readonly bytesLimit: number;
  readonly segmentBytes: number;
}

export const SPOOL_DEFAULTS: SpoolOptions = { bytesLimit: 4 * 2 ** 30, segmentBytes: 64 << 20 };

interface Segment {
  readonly path: string;
  readonly boot: number;
  readonly first: number;
  bytes: number;
  /** Where each chunk begins, by number since `first`; absent until somebody asks. */
  offsets?: number[];
}

const SEGMENT_NAME = /^(\d+)-(\d+)\.ebch$/;

export class Spool {
  /** Chunks that the limit pushed out, as far as this process knows their count. */
  chunksDropped = 0;
  /** Chunks that the disk did not take. */
  appendsFailed = 0;
  /** Bytes of torn chunks cut off at the opening. */
  bytesTorn = 0;
  bytes = 0;
  private readonly directory: string;
  private readonly options: SpoolOptions;
  private segments: Segment[] = [];
  private file = -1;

  constructor(directory: string, options: Partial<SpoolOptions> = {}) {
    this.directory = directory;
    this.options = { ...SPOOL_DEFAULTS, ...options };
    mkdirSync(directory, { recursive: true });
    this.findSegments();
  }

  /** The oldest number of this boot that can be read; 0 if there is none. */
  oldest(boot: number): number {
    return this.segments.find((segment) => segment.boot === boot)?.first ?? 0;
  }

  /** The newest number of this boot that can be read; 0 if there is none. */
  newest(boot: number): number {
    const last = this.segments.findLast((segment) => segment.boot === boot);
    return last === undefined ? 0 : last.first + indexed(last).length - 1;
  }

  /** What it may grow to. */
  get bytesLimit(): number {
    return this.options.bytesLimit;
  }

  /** False if the disk did not take it: the chunk is then only where it was sent. */
  append({ header, bytes }: PackedChunk): boolean {
    try {
      const segment = this.writable(header.boot, header.number);
      let written = 0;
      while (written < bytes.length) written += writeSync(this.file, bytes, written);
      segment.offsets?.push(segment.bytes);
      segment.bytes += bytes.length;
      this.bytes += bytes.length;
      this.shrink();
      return true;
    } catch {
      this.appendsFailed++;
      this.abandon();
      return false;
    }
  }

  /** The bytes of a chunk, or `undefined` if it is not here (any more). */
  read(boot: number, number: number): Uint8Array | undefined {
    const segment = this.segments.findLast((one) => one.boot === boot && one.first <= number);
    if (segment === undefined) return undefined;
    const offsets = indexed(segment);
    const at = number - segment.first;
    if (at >= offsets.length) return undefined;
    const end = at + 1 < offsets.length ? offsets[at + 1] : segment.bytes;
    const bytes = new Uint8Array(end - offsets[at]);
    const file = openSync(segment.path, "r");
    try {
      return readSync(file, bytes, 0, bytes.length, offsets[at]) === bytes.length
        ? bytes
        : undefined;
    } finally {
      closeSync(file);
    }
  }

  close(): void {
    if (this.file >= 0) closeSync(this.file);
    this.file = -1;
  }

  private findSegments(): void {
    for (const name of readdirSync(this.directory)) {
      const parts = SEGMENT_NAME.exec(name);
      if (parts === null) continue;
      const path = join(this.directory, name);
      const { size } = statSync(path);
      this.segments.push({ path, boot: Number(parts[1]), first: Number(parts[2]), bytes: size });
    }
    this.segments.sort((a, b) => a.boot - b.boot || a.first - b.first);
    // Only the segment written last can be torn; the one before it was closed whole.
    const last = this.segments.at(-1);
    if (last !== undefined) {
      const sound = index(last);
      this.bytesTorn = last.bytes - sound;
      if (this.bytesTorn > 0) truncateSync(last.path, sound);
      last.bytes = sound;
    }
    this.bytes = this.segments.reduce((sum, segment) => sum + segment.bytes, 0);
  }

  /** The open segment, or a new one when it is full, of another boot, or its numbers have a hole. */
  private writable(boot: number, number: number): Segment {
    const last = this.segments.at(-1);
    if (this.file >= 0 && last?.boot === boot && last.bytes < this.options.segmentBytes) {
      if (last.first + (last.offsets?.length ?? 0) === number) return last;
    }
    this.close();
    const path = join(this.directory, `${boot}-${String(number).padStart(12, "0")}.ebch`);
    this.file = openSync(path, "wx");
    const segment: Segment = { path, boot, first: number, bytes: 0, offsets: [] };
    this.segments.push(segment);
    return segment;
  }

  private shrink(): void {
    while (this.bytes > this.options.bytesLimit && this.segments.length > 1) this.dropOldest();
  }

  private dropOldest(): void {
    const [oldest] = this.segments.splice(0, 1);
    this.bytes -= oldest.bytes;
    const next = this.segments[0];
    if (oldest.offsets !== undefined) this.chunksDropped += oldest.offsets.length;
    else if (next?.boot === oldest.boot) this.chunksDropped += next.first - oldest.first;
    rmSync(oldest.path, { force: true });
  }

  /** After a failed write: cut what was half written, and make room for the next. */
  private abandon(): void {
    const last = this.segments.at(-1);
    this.close();
    try {
      if (last !== undefined) truncateSync(last.path, last.bytes);
      if (this.segments.length > 1) this.dropOldest();
    } catch {}
  }
}

/** Reads the segment's headers; returns how far it holds whole chunks. */
function index(segment: Segment): number {
  const offsets: number[] = [];
  segment.offsets = offsets;
  return scanChunkFile(segment.path, (_header, at) => offsets.push(at));
}

function indexed(segment: Segment): number[] {
  if (segment.offsets === undefined) index(segment);
  return segment.offsets ?? [];
}
