/**
 * Edge: one segment file of the spool, chunk by chunk into a new file in which what was stored as it
 * came is compressed. Each step is short, so that whoever takes them can do something else between.
 * The old file is only read; putting the new one in its place is the spool's owner's.
 */
import { closeSync, fdatasyncSync, openSync, readSync, rmSync, writeSync } from "node:fs";
import { CHUNK_PREFIX_BYTES, ChunkFault, readChunkHeader } from "../frames/chunk.ts";
import { CHUNK_BYTES_LIMIT, CHUNK_HEADER_BYTES_LIMIT } from "../frames/chunk-header.ts";
import { type ChunkRepacker, isStored } from "../frames/chunk-repack.ts";
import type { RepackJob, RepackResult } from "./packing.ts";

/** Most headers are shorter. */
const HEADER_BYTES_USUAL = 2048;
const LARGEST = CHUNK_HEADER_BYTES_LIMIT + CHUNK_PREFIX_BYTES;

export class SegmentRepack {
  private readonly job: RepackJob;
  private readonly repacker: ChunkRepacker;
  private readonly from: number;
  /** The new file; -1 until something is to be compressed. */
  private to = -1;
  private readonly chunk = new Uint8Array(CHUNK_BYTES_LIMIT);
  private at = 0;
  private bytes = 0;
  private last = 0;
  private repacked = 0;
  /** Number and bytes of each chunk of the new file. */
  private readonly places: number[] = [];
  private readonly dictionaries = new Set<string>();

  /** @throws the system's error */
  constructor(job: RepackJob, repacker: ChunkRepacker) {
    this.job = job;
    this.repacker = repacker;
    this.from = openSync(job.path, "r");
  }

  /** Deals with one chunk; the result when there was none left. */
  step(): RepackResult | undefined {
    let found = this.read(HEADER_BYTES_USUAL);
    if (found instanceof ChunkFault && found.code === "truncated") found = this.read(LARGEST);
    if (found === undefined) return this.end(this.to >= 0);
    // What is damaged stays as it is: whoever reads it shall see it.
    if (found instanceof ChunkFault) return this.end(false);
    const { header, end } = found;
    let bytes = end;
    if (this.to >= 0 || isStored(header)) {
      if (this.to < 0) this.begin();
      const whole = this.chunk.subarray(0, end);
      if (readSync(this.from, whole, 0, end, this.at) < end) return this.end(false);
      const smaller = isStored(header) ? this.repacker.repack(whole) : undefined;
      if (smaller !== undefined) this.countSmaller();
      this.write(smaller ?? whole);
      bytes = (smaller ?? whole).length;
    }
    this.places.push(header.number, bytes);
    this.at += end;
    this.last = header.number;
    return undefined;
  }

  private countSmaller(): void {
    this.repacked++;
    const { dictionary } = this.repacker;
    if (dictionary !== undefined) this.dictionaries.add(dictionary.name);
  }

  /** The header of the next chunk, looked for in so many bytes; undefined at the end. */
  private read(most: number) {
    const length = readSync(this.from, this.chunk, 0, most, this.at);
    return length === 0 ? undefined : readChunkHeader(this.chunk.subarray(0, length));
  }

  /** The new file, with what came before as it is. */
  private begin(): void {
    this.to = openSync(this.job.into, "w");
    for (let at = 0; at < this.at; ) {
      const most = Math.min(this.chunk.length, this.at - at);
      const length = readSync(this.from, this.chunk, 0, most, at);
      this.write(this.chunk.subarray(0, length));
      at += length;
    }
  }

  private write(bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) done += writeSync(this.to, bytes, done);
    this.bytes += bytes.length;
  }

  private end(isNew: boolean): RepackResult {
    const { job, last, repacked, places } = this;
    const dictionaries = [...this.dictionaries];
    closeSync(this.from);
    if (this.to < 0) return { ...job, bytes: 0, last, repacked, places: [], dictionaries };
    if (isNew) fdatasyncSync(this.to);
    closeSync(this.to);
    const isSmaller = isNew && repacked > 0;
    if (!isSmaller) rmSync(job.into, { force: true });
    return { ...job, bytes: isSmaller ? this.bytes : 0, last, repacked, places, dictionaries };
  }
}
