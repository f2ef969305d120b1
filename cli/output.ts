/**
 * Edge: bytes out to standard output, standard error or a file, whole and in order. Writing is
 * synchronous, so a slow reader slows the work down and nothing piles up in memory.
 */
import { closeSync, existsSync, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { CliError } from "./errors.ts";

/** The reader of our pipe has gone: nothing is wrong, there is only nobody left to write for. */
export class ClosedPipe extends Error {
  readonly code = "closed_pipe";
}

const STDOUT = 1;
const STDERR = 2;

export function printOut(text: string): void {
  writeAll(STDOUT, new TextEncoder().encode(text));
}

/** Messages for people; a closed standard error is no reason to fail. */
export function printErr(text: string): void {
  try {
    writeAll(STDERR, new TextEncoder().encode(text));
  } catch {}
}

/** Writes every byte; a pipe that is full (and set not to block) is tried again after a pause. */
export function writeAll(file: number, bytes: Uint8Array): void {
  let from = 0;
  while (from < bytes.length) {
    try {
      from += writeSync(file, bytes, from, bytes.length - from);
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code;
      if (code === "EPIPE") throw new ClosedPipe("the reader closed the pipe", { cause: error });
      if (code !== "EAGAIN") throw error;
      Bun.sleepSync(1);
    }
  }
}

/** Where rows go. `close` makes them final; `discard` leaves nothing half-written behind. */
export interface Output {
  write(bytes: Uint8Array): void;
  close(): void;
  discard(): void;
}

const standardOutput: Output = {
  write: (bytes) => writeAll(STDOUT, bytes),
  close: () => {},
  discard: () => {},
};

/** @param path of `--out`; absent or `-` is standard output */
export function openOutput(path: string | undefined, force: boolean): Output {
  if (path === undefined || path === "-") return standardOutput;
  const special = existsSync(path) && !statSync(path).isFile();
  if (!special && existsSync(path) && !force) {
    throw new CliError(
      "output_exists",
      `'${path}' is already there.`,
      "--force overwrites it; or name another --out.",
    );
  }
  return new FileOutput(path, special ? path : `${path}.part`);
}

/** A file is written beside its name and renamed when whole; a device or pipe is written as it is. */
class FileOutput implements Output {
  private readonly path: string;
  private readonly partPath: string;
  private readonly file: number;

  constructor(path: string, partPath: string) {
    this.path = path;
    this.partPath = partPath;
    try {
      this.file = openSync(partPath, "w");
    } catch (cause) {
      throw new CliError(
        "file_not_writable",
        `'${path}' cannot be written: ${(cause as Error).message}`,
        "Check that the folder exists and may be written.",
        cause,
      );
    }
  }

  write(bytes: Uint8Array): void {
    writeAll(this.file, bytes);
  }

  close(): void {
    closeSync(this.file);
    if (this.partPath !== this.path) renameSync(this.partPath, this.path);
  }

  discard(): void {
    closeSync(this.file);
    if (this.partPath !== this.path) rmSync(this.partPath, { force: true });
  }
}
