/**
 * The collector's spool on a disk in memory, one life after another: the production spool, killed in
 * the middle of a write, or with its power cut where it syncs every chunk.
 */

import { FaultyDisk } from "../../faults/disk.ts";
import type { PackedChunk } from "../../frames/chunk.ts";
import type { Dictionaries } from "../../frames/dictionary.ts";
import { SpoolCore } from "../../frames/spool-core.ts";

/** Small, so that a case fills several. */
const SEGMENT_BYTES = 32 << 10;

export class WorldSpool {
  readonly disk: FaultyDisk;
  private readonly bytesLimit: number;
  private readonly syncs: boolean;
  private readonly dictionaries: Dictionaries;
  private core: SpoolCore;

  constructor(bytesLimit: number, seed: number, dictionaries: Dictionaries) {
    this.disk = new FaultyDisk({}, seed);
    this.bytesLimit = bytesLimit;
    this.syncs = seed % 2 === 0;
    this.dictionaries = dictionaries;
    this.core = this.opened();
  }

  /** Of the present life. */
  get spool(): SpoolCore {
    return this.core;
  }

  append(chunk: PackedChunk, nowMs: number): void {
    this.disk.nowMs = nowMs;
    this.core.appendAt(chunk, nowMs);
  }

  tend(nowMs: number): void {
    this.core.tend(nowMs);
  }

  /** The collector dies while it writes `torn`, which nobody has seen yet. */
  kill(torn: PackedChunk | undefined, nowMs: number): void {
    if (torn !== undefined) {
      this.disk.bytesToKill = torn.header.checksum % torn.bytes.length;
      this.core.appendAt(torn, nowMs);
    }
    if (this.syncs) this.disk.cutPower();
    else this.disk.kill();
  }

  start(): void {
    this.disk.restart();
    this.core = this.opened();
  }

  private opened(): SpoolCore {
    const sync = this.syncs ? "always" : "interval";
    const options = { bytesLimit: this.bytesLimit, segmentBytes: SEGMENT_BYTES, sync } as const;
    return new SpoolCore(this.disk, options, this.dictionaries);
  }
}
