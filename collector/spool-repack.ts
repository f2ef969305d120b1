/**
 * Edge: chunks that were stored as they came are compressed when there is time: segment by segment,
 * by the thread that packs, never the one that is written to. A new segment file takes the place of
 * the old one at once, so that a reader, a kill or a power cut finds the one or the other, whole.
 */
import { readdirSync, renameSync, rmSync } from "node:fs";
import { basename, join } from "node:path";
import { closedAside } from "../frames/last-close.ts";
import type { Spool } from "../frames/spool.ts";
import type { RepackJob, RepackResult } from "./packing.ts";

const LOOK_NS = 500e6;
const ENDING = ".packing";

/** Who compresses a segment when there is nothing else to do; one at a time. */
export interface SegmentPacker {
  /** False if it has no time for it now. */
  compress(job: RepackJob, done: (result: RepackResult | undefined) => void): boolean;
}

export class SpoolRepack {
  /** Chunks that were compressed later, and bytes that this gave back. */
  chunks = 0;
  bytesSaved = 0;
  private readonly spool: Spool;
  private readonly folder: string;
  private readonly boot: number;
  private readonly packer: SegmentPacker;
  /** Numbers of this boot's chunks that were stored, rising. */
  private stored: number[] = [];
  /** Segments that were seen to have nothing to compress. */
  private readonly done = new Set<string>();
  private isBusy = false;
  private lookNs = 0;

  constructor(spool: Spool, folder: string, boot: number, packer: SegmentPacker) {
    this.spool = spool;
    this.folder = folder;
    this.boot = boot;
    this.packer = packer;
    for (const name of readdirSync(folder)) {
      if (name.endsWith(ENDING)) rmSync(join(folder, name), { force: true });
    }
  }

  /** The chunk of this boot is in the spool as it came. */
  noteStored(number: number): void {
    this.stored.push(number);
  }

  /** To be called often while there is time. */
  turn(nowNs: number): void {
    if (this.isBusy || nowNs < this.lookNs) return;
    this.lookNs = nowNs + LOOK_NS;
    const name = this.next();
    if (name === undefined) return;
    const path = join(this.folder, name);
    const job = { path, into: `${path}${ENDING}` };
    this.isBusy = true;
    if (!this.packer.compress(job, (result) => this.take(name, result))) this.isBusy = false;
  }

  /** The oldest segment in which something may be stored: of this boot, or left by an earlier one. */
  private next(): string | undefined {
    const [first] = this.stored;
    for (const { name, boot, first: from, last } of this.spool.closedSegments) {
      if (this.done.has(name)) continue;
      if (boot !== this.boot) return name;
      if (first !== undefined && last >= first && this.stored.some((n) => n >= from && n <= last)) {
        return name;
      }
    }
    return undefined;
  }

  private take(name: string, result: RepackResult | undefined): void {
    this.isBusy = false;
    this.lookNs = 0;
    this.done.add(name);
    if (this.done.size > 10_000) this.done.clear();
    const segment = this.spool.closedSegments.find((one) => one.name === name);
    if (result === undefined) return;
    if (segment?.boot === this.boot) {
      this.stored = this.stored.filter((n) => n < segment.first || n > segment.last);
    }
    if (result.bytes === 0) return;
    const isHere = segment !== undefined && basename(result.path) === name;
    // Only this thread writes dictionaries into the folder, and what needs one comes after it.
    if (!isHere || !result.dictionaries.every((each) => this.spool.keepDictionary(each))) {
      rmSync(result.into, { force: true });
      return;
    }
    this.chunks += result.repacked;
    this.bytesSaved += segment.bytes - result.bytes;
    closedAside(result.path, () => renameSync(result.into, result.path));
    this.spool.renew(segment.boot, segment.first, result.bytes, result.places);
  }
}
