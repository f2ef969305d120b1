/**
 * Edge: the spool's files in a real folder. One file is kept open for writing and one for reading.
 * The folder is locked as long as this lives, so that no second collector cuts what this one writes.
 */
import { dlopen, FFIType } from "bun:ffi";
import {
  closeSync,
  fdatasync,
  fdatasyncSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  statfsSync,
  statSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { closedAside } from "./last-close.ts";
import type { SpoolFileEntry, SpoolFiles } from "./spool-files.ts";

const LOCK_NAME = "spool.lock";
const LOCK_NOW = 2 | 4;

interface OpenFile {
  readonly name: string;
  readonly file: number;
}

export class DiskFiles implements SpoolFiles {
  /** Syncs that the system refused. */
  syncsFailed = 0;
  private readonly directory: string;
  private readonly lock: number;
  private writing: OpenFile | undefined;
  private reading: OpenFile | undefined;
  /** Files whose names are known to survive. */
  private readonly named = new Set<string>();
  private readonly unsynced = new Set<string>();
  private syncing = false;

  /** @throws the system's error; one with the code `EBUSY` if another spool has the folder */
  constructor(directory: string) {
    this.directory = directory;
    mkdirSync(directory, { recursive: true });
    this.lock = openSync(join(directory, LOCK_NAME), "a");
    if (!isLocked(this.lock)) {
      closeSync(this.lock);
      throw Object.assign(new Error("another collector is using it"), { code: "EBUSY" });
    }
  }

  list(): readonly SpoolFileEntry[] {
    return readdirSync(this.directory, { withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map(({ name }) => {
        const { size, mtimeMs } = statSync(join(this.directory, name));
        return { name, bytes: size, changedMs: mtimeMs };
      });
  }

  create(name: string): void {
    this.closeWriting();
    const file = openSync(join(this.directory, name), "wx");
    this.writing = { name, file };
  }

  write(name: string, bytes: Uint8Array, at: number): void {
    const file = this.writable(name);
    for (let done = 0; done < bytes.length; ) {
      done += writeSync(file, bytes, done, bytes.length - done, at + done);
    }
  }

  read(name: string, into: Uint8Array, at: number): number {
    if (this.reading?.name !== name) {
      this.closeReading();
      this.reading = { name, file: openSync(join(this.directory, name), "r") };
    }
    let done = 0;
    while (done < into.length) {
      const length = readSync(this.reading.file, into, done, into.length - done, at + done);
      if (length === 0) break;
      done += length;
    }
    return done;
  }

  truncate(name: string, bytes: number): void {
    if (this.writing?.name === name) ftruncateSync(this.writing.file, bytes);
    else truncateSync(join(this.directory, name), bytes);
  }

  remove(name: string): void {
    if (this.writing?.name === name) this.closeWriting();
    if (this.reading?.name === name) this.closeReading();
    this.named.delete(name);
    const path = join(this.directory, name);
    closedAside(path, () => rmSync(path, { force: true }));
  }

  replace(name: string, bytes: Uint8Array): void {
    const path = join(this.directory, name);
    writeFileSync(`${path}.new`, bytes);
    renameSync(`${path}.new`, path);
  }

  sync(name: string): void {
    if (this.writing?.name === name) {
      fdatasyncSync(this.writing.file);
    } else {
      const file = openSync(join(this.directory, name), "r");
      try {
        fdatasyncSync(file);
      } finally {
        closeSync(file);
      }
    }
    if (this.named.has(name)) return;
    this.named.add(name);
    this.syncFolder();
  }

  syncSoon(name: string): void {
    this.unsynced.add(name);
    if (!this.syncing) this.syncNext();
  }

  freeBytes(): number {
    const { bavail, bsize } = statfsSync(this.directory);
    return bavail * bsize;
  }

  close(name: string): void {
    if (this.writing?.name === name) this.closeWriting();
    // Another file may take its place.
    if (this.reading?.name === name) this.closeReading();
  }

  /** Ends it: the folder is free for the next. */
  release(): void {
    this.closeWriting();
    this.closeReading();
    closeSync(this.lock);
  }

  /** A new file's name survives a power cut only with its folder. */
  private syncFolder(): void {
    const folder = openSync(this.directory, "r");
    try {
      fsyncSync(folder);
    } catch {
      // Some file systems do not sync folders.
    } finally {
      closeSync(folder);
    }
  }

  private syncNext(): void {
    const [name] = this.unsynced;
    this.syncing = name !== undefined;
    if (name === undefined) return;
    this.unsynced.delete(name);
    let file: number;
    try {
      // A file of its own: the one for writing may be closed before the sync is over.
      file = openSync(join(this.directory, name), "r");
    } catch {
      // The limit took it meanwhile.
      this.syncNext();
      return;
    }
    fdatasync(file, (error) => {
      if (error) this.syncsFailed++;
      closeSync(file);
      this.syncNext();
    });
  }

  private writable(name: string): number {
    if (this.writing?.name === name) return this.writing.file;
    this.closeWriting();
    this.writing = { name, file: openSync(join(this.directory, name), "r+") };
    return this.writing.file;
  }

  private closeWriting(): void {
    if (this.writing !== undefined) closeSync(this.writing.file);
    this.writing = undefined;
  }

  private closeReading(): void {
    if (this.reading !== undefined) closeSync(this.reading.file);
    this.reading = undefined;
  }
}

let flock: ((file: number, how: number) => number) | undefined;

/** True if nobody else had the lock, or this system has no such call. */
function isLocked(file: number): boolean {
  try {
    flock ??= dlopen("libc.so.6", {
      flock: { args: [FFIType.i32, FFIType.i32], returns: FFIType.i32 },
    }).symbols.flock;
  } catch {
    return true;
  }
  return flock(file, LOCK_NOW) === 0;
}
