/**
 * Edge: checkpoints as files of one directory, `000000000042.ebcp`. A file gets its name only when
 * all of it is on the disk; the newest two are kept, so that a damaged one is not the last.
 *
 * Waiting for the disk takes as long as it takes: `seal` does that apart from writing, where it
 * keeps nobody from applying chunks.
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
import { open, rename } from "node:fs/promises";
import { join } from "node:path";
import type { CheckpointWriter } from "./saver.ts";

const NAME = /^(\d{12})\.ebcp$/;
const UNFINISHED = ".part";
const KEPT = 2;

export class CheckpointFolder {
  readonly path: string;

  /** @throws if the directory cannot be made */
  constructor(path: string) {
    this.path = path;
    mkdirSync(path, { recursive: true });
    for (const name of readdirSync(path)) {
      if (name.endsWith(UNFINISHED)) rmSync(join(path, name), { force: true });
    }
  }

  /** Numbers of the checkpoints that are there, newest first. */
  numbers(): number[] {
    const names = readdirSync(this.path).map((name) => NAME.exec(name)?.[1]);
    return names.flatMap((digits) => (digits === undefined ? [] : [Number(digits)])).sort(newest);
  }

  read(number: number): Uint8Array {
    return readFileSync(this.fileOf(number));
  }

  /**
   * @param onWritten the file is there under another name, and is to be sealed
   * @throws if it cannot be written
   */
  writer(number: number, onWritten: (number: number) => void): CheckpointWriter {
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
    const whole = this.fileOf(number);
    await syncFile(whole + UNFINISHED);
    await rename(whole + UNFINISHED, whole);
    // A new name is on the disk only when its directory is.
    await syncFile(this.path);
    for (const old of this.numbers().slice(KEPT)) rmSync(this.fileOf(old), { force: true });
  }

  private fileOf(number: number): string {
    return join(this.path, `${String(number).padStart(12, "0")}.ebcp`);
  }
}

const newest = (a: number, b: number) => b - a;

async function syncFile(path: string): Promise<void> {
  const file = await open(path, "r");
  try {
    await file.sync();
  } finally {
    await file.close();
  }
}
