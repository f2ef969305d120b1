/**
 * A disk that fills, tears and forgets, from one seed: what a spool must live with.
 *
 *   kill        the process ends in the middle of a write: what it wrote so far stays; of a replaced
 *               file the old one
 *   power cut   of what was not synced only a beginning stays, pages of it as zeros; a file that was
 *               never synced may be gone; one that was replaced and not synced may be old, new or empty
 *   full        a write takes what fits and fails with ENOSPC
 *   failing     a write fails with EIO after some bytes
 *
 * A sync that was begun is over at some later call. All in memory, bounded by `capacityBytes`.
 */
import type { SpoolFileEntry, SpoolFiles } from "../frames/spool-files.ts";
import { Random } from "./random.ts";

const PAGE_BYTES = 4096;
/** How long a sync takes, as the chance that it is over at a call. */
const SYNC_ENDS = 0.25;

interface MemoryFile {
  bytes: Uint8Array;
  length: number;
  /** So many bytes survive a power cut. */
  synced: number;
  changedMs: number;
  /** Of a replaced file until it is synced: what stood there before; null: nothing. */
  before?: Uint8Array | null;
}

export interface DiskFaultOptions {
  readonly capacityBytes: number;
  /** Chance of each write to fail after some of its bytes. */
  readonly errorRate: number;
}

export class FaultyDisk implements SpoolFiles {
  capacityBytes: number;
  /** Writes until the process is killed, the last one torn; infinite: it lives. */
  bytesToKill = Number.POSITIVE_INFINITY;
  /** What the files say they were changed at. */
  nowMs = 0;
  private readonly random: Random;
  private readonly errorRate: number;
  private readonly filesByName = new Map<string, MemoryFile>();
  private readonly syncing = new Map<string, number>();
  private isDead = false;

  constructor(options: Partial<DiskFaultOptions>, seed: number) {
    this.capacityBytes = options.capacityBytes ?? Number.POSITIVE_INFINITY;
    this.errorRate = options.errorRate ?? 0;
    this.random = new Random(seed, 6);
  }

  /** The process that used it was killed: nothing of what it still tries happens. */
  get isKilled(): boolean {
    return this.isDead;
  }

  get usedBytes(): number {
    let sum = 0;
    for (const { length } of this.filesByName.values()) sum += length;
    return sum;
  }

  /** A new process. */
  restart(): void {
    this.isDead = false;
    this.bytesToKill = Number.POSITIVE_INFINITY;
  }

  kill(): void {
    this.isDead = true;
  }

  /** The process dies, and the kernel's memory with it. */
  cutPower(): void {
    this.isDead = true;
    this.syncing.clear();
    for (const [name, file] of this.filesByName) {
      if (file.before !== undefined) this.undoReplace(name, file, file.before);
      else if (file.synced === 0 && this.random.chance(0.3)) this.filesByName.delete(name);
      else this.forget(file);
      file.synced = file.length;
    }
  }

  list(): readonly SpoolFileEntry[] {
    return [...this.filesByName].map(([name, { length, changedMs }]) => {
      return { name, bytes: length, changedMs };
    });
  }

  create(name: string): void {
    this.step();
    if (this.filesByName.has(name)) throw systemError("EEXIST");
    const bytes = new Uint8Array(PAGE_BYTES);
    this.filesByName.set(name, { bytes, length: 0, synced: 0, changedMs: this.nowMs });
  }

  write(name: string, bytes: Uint8Array, at: number): void {
    this.step();
    const file = this.file(name);
    const room = Math.max(0, this.capacityBytes - this.usedBytes + file.length - at);
    let taken = Math.min(bytes.length, room);
    let code = taken < bytes.length ? "ENOSPC" : "";
    if (this.random.chance(this.errorRate)) {
      taken = this.random.below(taken + 1);
      code = "EIO";
    }
    if (taken > this.bytesToKill) {
      taken = this.bytesToKill;
      this.isDead = true;
    }
    this.bytesToKill -= taken;
    put(file, bytes.subarray(0, taken), at);
    file.changedMs = this.nowMs;
    if (this.isDead) throw systemError("EIO");
    if (code !== "") throw systemError(code);
  }

  read(name: string, into: Uint8Array, at: number): number {
    this.step();
    const file = this.file(name);
    const part = file.bytes.subarray(at, Math.max(at, Math.min(file.length, at + into.length)));
    into.set(part);
    return part.length;
  }

  truncate(name: string, bytes: number): void {
    this.step();
    const file = this.file(name);
    file.length = Math.min(file.length, bytes);
    file.synced = Math.min(file.synced, bytes);
  }

  remove(name: string): void {
    this.step();
    this.filesByName.delete(name);
  }

  replace(name: string, bytes: Uint8Array): void {
    this.step();
    if (this.usedBytes + bytes.length > this.capacityBytes) throw systemError("ENOSPC");
    if (bytes.length > this.bytesToKill) {
      // What it wrote stands aside, and nobody looks there.
      this.isDead = true;
      throw systemError("EIO");
    }
    this.bytesToKill -= bytes.length;
    const old = this.filesByName.get(name);
    const before = old === undefined ? null : lasting(old);
    const file: MemoryFile = {
      bytes: bytes.slice(),
      length: bytes.length,
      synced: 0,
      changedMs: this.nowMs,
      before,
    };
    this.filesByName.set(name, file);
  }

  /** What is at `to` goes; the name is there at once. */
  rename(from: string, to: string): void {
    this.step();
    this.filesByName.set(to, this.file(from));
    this.filesByName.delete(from);
  }

  /** All of a file's bytes. */
  whole(name: string): Uint8Array {
    const { bytes, length } = this.file(name);
    return bytes.slice(0, length);
  }

  sync(name: string): void {
    this.step();
    synced(this.file(name), Number.POSITIVE_INFINITY);
  }

  syncSoon(name: string): void {
    this.step();
    this.syncing.set(name, this.file(name).length);
  }

  freeBytes(): number {
    return this.capacityBytes - this.usedBytes;
  }

  close(): void {}

  private step(): void {
    if (this.isDead) throw systemError("EIO");
    if (this.syncing.size === 0 || !this.random.chance(SYNC_ENDS)) return;
    for (const [name, length] of this.syncing) {
      const file = this.filesByName.get(name);
      if (file !== undefined) synced(file, length);
    }
    this.syncing.clear();
  }

  private file(name: string): MemoryFile {
    const file = this.filesByName.get(name);
    if (file === undefined) throw systemError("ENOENT");
    return file;
  }

  private undoReplace(name: string, file: MemoryFile, before: Uint8Array | null): void {
    const which = this.random.below(3);
    if (which === 0) file.length = 0;
    if (which === 1 && before === null) this.filesByName.delete(name);
    if (which === 1 && before !== null) {
      file.bytes = before;
      file.length = before.length;
    }
    delete file.before;
  }

  /** Of what was not synced a beginning stays, and of that some pages as zeros. */
  private forget(file: MemoryFile): void {
    file.length = file.synced + this.random.below(file.length - file.synced + 1);
    for (let page = 0; page < file.length; page += PAGE_BYTES) {
      const from = Math.max(page, file.synced);
      const to = Math.min(page + PAGE_BYTES, file.length);
      if (to > from && this.random.chance(0.2)) file.bytes.fill(0, from, to);
    }
  }
}

/** What a power cut may bring back of it. */
function lasting({ before, bytes, length }: MemoryFile): Uint8Array | null {
  return before === undefined ? bytes.slice(0, length) : before;
}

/** So many bytes of it, at most, are there for good. */
function synced(file: MemoryFile, bytes: number): void {
  file.synced = Math.max(file.synced, Math.min(bytes, file.length));
  if (file.synced === file.length) delete file.before;
}

function put(file: MemoryFile, bytes: Uint8Array, at: number): void {
  if (at + bytes.length > file.bytes.length) {
    const grown = new Uint8Array(Math.max(at + bytes.length, file.bytes.length * 2));
    grown.set(file.bytes.subarray(0, file.length));
    file.bytes = grown;
  }
  file.bytes.set(bytes, at);
  file.length = Math.max(file.length, at + bytes.length);
}

function systemError(code: string): Error & { code: string } {
  return Object.assign(new Error(`the disk says ${code}`), { code });
}
