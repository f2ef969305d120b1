/** One file of the spool: chunks of one boot, their numbers rising. */

import { scanChunks } from "./chunk-scan.ts";
import type { SpoolFiles } from "./spool-files.ts";

const NAME = /^(\d{1,16})-(\d{1,16})\.ebch$/;

export function segmentName(boot: number, first: number): string {
  return `${boot}-${String(first).padStart(12, "0")}.ebch`;
}

export class Segment {
  readonly name: string;
  readonly boot: number;
  readonly first: number;
  bytes: number;
  /** When its last chunk was written, ms since 1970 UTC. */
  changedMs: number;
  /** Chunks whose bytes have been seen to be wrong, and how far it holds whole ones; from `index`. */
  damages = 0;
  soundBytes = 0;
  /** Where each chunk begins, by number since `first`; -1: not here. */
  private offsets: number[] | undefined;
  private readonly ends: number[] = [];

  constructor(name: string, boot: number, first: number, bytes: number, changedMs: number) {
    this.name = name;
    this.boot = boot;
    this.first = first;
    this.bytes = bytes;
    this.changedMs = changedMs;
  }

  /** Undefined if the file is none. */
  static ofFile(name: string, bytes: number, changedMs: number): Segment | undefined {
    const parts = NAME.exec(name);
    if (parts === null) return undefined;
    return new Segment(name, Number(parts[1]), Number(parts[2]), bytes, changedMs);
  }

  /** A new one, empty. */
  static begun(boot: number, first: number, nowMs: number): Segment {
    const segment = new Segment(segmentName(boot, first), boot, first, 0, nowMs);
    segment.offsets = [];
    return segment;
  }

  /** Its chunks are known without reading. */
  get isIndexed(): boolean {
    return this.offsets !== undefined;
  }

  /** Numbers that it spans; `index` first. */
  get count(): number {
    return this.offsets?.length ?? 0;
  }

  get last(): number {
    return this.first + this.count - 1;
  }

  added(bytes: number, nowMs: number): void {
    this.offsets?.push(this.bytes);
    this.bytes += bytes;
    this.ends.push(this.bytes);
    this.changedMs = nowMs;
  }

  /** Where a chunk lies; undefined if it is not here. */
  place(number: number): { at: number; bytes: number } | undefined {
    const at = this.offsets?.[number - this.first] ?? -1;
    return at < 0 ? undefined : { at, bytes: this.ends[number - this.first] - at };
  }

  /** Its file is another now, with these chunks one behind the other: number and bytes of each. */
  replaced(places: readonly number[]): void {
    const offsets: number[] = [];
    this.ends.length = 0;
    for (let i = 0, at = 0; i < places.length; i += 2) {
      const end = at + places[i + 1];
      this.note(offsets, places[i] - this.first, at, end);
      at = end;
    }
    this.offsets = offsets;
  }

  /** It cannot be read: nothing of it is known. */
  giveUp(): void {
    this.offsets = [];
    this.ends.length = 0;
  }

  /** Reads the headers of its chunks, and with `bodies` all of it. */
  index(files: SpoolFiles, bodies = false): void {
    const offsets: number[] = [];
    this.ends.length = 0;
    const readAt = (into: Uint8Array, at: number) => files.read(this.name, into, at);
    const { soundBytes, damages } = scanChunks(
      readAt,
      ({ boot, number }, at, bytes) => {
        if (boot === this.boot) this.note(offsets, number - this.first, at, at + bytes);
      },
      bodies,
    );
    this.offsets = offsets;
    this.soundBytes = soundBytes;
    this.damages = damages;
  }

  private note(offsets: number[], index: number, at: number, end: number): void {
    // Numbers rise; what is out of order was never written by a spool.
    if (index < offsets.length || index > offsets.length + SKIPPED_LIMIT) return;
    while (offsets.length < index) {
      offsets.push(-1);
      this.ends.push(-1);
    }
    offsets.push(at);
    this.ends.push(end);
  }
}

/** More numbers than this are not lost to one damaged place of a segment. */
const SKIPPED_LIMIT = 1 << 20;
