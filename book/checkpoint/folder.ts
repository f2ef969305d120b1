/**
 * Edge: checkpoints as files of one directory, `000000000042.ebcp`. A file gets its name only when
 * all of it is on the disk; the newest two are kept, so that a damaged one is not the last.
 *
 * Waiting for the disk takes as long as it takes: `seal` does that apart from writing, where it
 * keeps nobody from applying chunks. Where the state is kept elsewhere too, each goes there then.
 */
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeSync,
} from "node:fs";
import { open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { CheckpointWriter } from "./saver.ts";
import {
  CHECKPOINTS_KEPT,
  checkpointName,
  checkpointNumbers,
  copyCheckpoint,
  type StateStore,
} from "./state-store.ts";

const UNFINISHED = ".part";

/** Where sealed checkpoints go too. */
export interface CheckpointCopy {
  readonly store: StateStore;
  /** It could not be reached; the checkpoint is on this disk all the same. */
  failed(error: Error): void;
}

export class CheckpointFolder implements StateStore {
  readonly path: string;
  private readonly copy: CheckpointCopy | undefined;

  /** @throws if the directory cannot be made */
  constructor(path: string, copy?: CheckpointCopy) {
    this.path = path;
    this.copy = copy;
    mkdirSync(path, { recursive: true });
    for (const name of readdirSync(path)) {
      if (name.endsWith(UNFINISHED)) rmSync(join(path, name), { force: true });
    }
  }

  /** Numbers of the checkpoints that are there, newest first. */
  numbers(): number[] {
    return checkpointNumbers(readdirSync(this.path));
  }

  get place(): string {
    return this.path;
  }

  async list(): Promise<string[]> {
    return readdirSync(this.path);
  }

  get(name: string): Promise<Uint8Array> {
    return readFile(join(this.path, name));
  }

  async put(name: string, bytes: Uint8Array): Promise<void> {
    const whole = join(this.path, name);
    await writeFile(whole + UNFINISHED, bytes);
    await this.name(whole);
  }

  remove(name: string): Promise<void> {
    return rm(join(this.path, name), { force: true });
  }

  read(number: number): Uint8Array {
    return readFileSync(this.fileOf(number));
  }

  /**
   * @param onWritten the file is there under another name, and is to be sealed
   * @throws if it cannot be written
   */
  writer(number: number, onWritten: (number: number) => void): CheckpointWriter {
    mkdirSync(this.path, { recursive: true });
    const part = this.fileOf(number) + UNFINISHED;
    const file = openSync(part, "w");
    return {
      write(bytes) {
        for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      },
      commit() {
        closeSync(file);
        onWritten(number);
      },
      abort() {
        closeSync(file);
        rmSync(part, { force: true });
      },
    };
  }

  /** Waits until the disk has it, then gives it its name; older ones go. */
  async seal(number: number): Promise<void> {
    await this.name(this.fileOf(number));
    for (const old of this.numbers().slice(CHECKPOINTS_KEPT)) {
      rmSync(this.fileOf(old), { force: true });
    }
    if (this.copy === undefined) return;
    try {
      await copyCheckpoint(number, this, this.copy.store);
    } catch (error) {
      this.copy.failed(error as Error);
    }
  }

  /** What was written gets its name when the disk has it. */
  private async name(whole: string): Promise<void> {
    await syncFile(whole + UNFINISHED);
    await rename(whole + UNFINISHED, whole);
    // A new name is on the disk only when its directory is.
    await syncFile(this.path);
  }

  private fileOf(number: number): string {
    return join(this.path, checkpointName(number));
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
