/**
 * Edge: the bytes of a file or of standard input, in pieces. A regular file is read synchronously
 * into one buffer that is used again, which is what makes a large capture cheap; a pipe hands on
 * what arrives, so that a live capture is not held back.
 */
import { closeSync, createReadStream, fstatSync, openSync, readSync } from "node:fs";
import { InputError } from "./input-error.ts";

/** Blocks between two turns of the event loop, so that signals and timers are served. */
const BLOCKS_PER_TURN = 16;

export class ByteSource {
  readonly path: string;
  /** Size of a regular file in bytes; undefined for a pipe. */
  readonly sizeBytes: number | undefined;
  /** Bytes read so far; a second reading counts from the start again. */
  readBytes = 0;
  private readonly fd: number;
  private open = true;

  constructor(path: string) {
    this.path = path;
    this.fd = path === "-" ? 0 : openFile(path);
    const stat = fstatSync(this.fd);
    if (stat.isDirectory()) {
      this.close();
      throw new InputError("file_unreadable", path, `${path} is a directory`, "name a file in it");
    }
    this.sizeBytes = stat.isFile() ? stat.size : undefined;
  }

  /** Whether `pieces` can be asked for a second time. */
  get rereadable(): boolean {
    return this.sizeBytes !== undefined;
  }

  /** Pieces of at most `pieceBytes`; each is valid until the next one is asked for. */
  pieces(pieceBytes: number): AsyncGenerator<Uint8Array> {
    this.readBytes = 0;
    return this.rereadable ? this.fileBlocks(pieceBytes) : this.pipePieces(pieceBytes);
  }

  close(): void {
    if (this.open && this.fd > 0) closeSync(this.fd);
    this.open = false;
  }

  private async *fileBlocks(blockBytes: number): AsyncGenerator<Uint8Array> {
    const buffer = new Uint8Array(blockBytes);
    for (let turn = 1; this.open; turn++) {
      const length = this.readAt(buffer);
      if (length === 0) return;
      this.readBytes += length;
      yield length === blockBytes ? buffer : buffer.subarray(0, length);
      if (turn % BLOCKS_PER_TURN === 0) await new Promise((resume) => setImmediate(resume));
    }
  }

  private readAt(buffer: Uint8Array): number {
    try {
      return readSync(this.fd, buffer, 0, buffer.length, this.readBytes);
    } catch (cause) {
      throw unreadable(this.path, cause);
    }
  }

  private async *pipePieces(pieceBytes: number): AsyncGenerator<Uint8Array> {
    const options = { fd: this.fd, highWaterMark: pieceBytes, autoClose: false };
    try {
      for await (const piece of createReadStream("", options)) {
        const bytes = piece as Uint8Array;
        this.readBytes += bytes.length;
        yield bytes;
      }
    } catch (cause) {
      throw unreadable(this.path, cause);
    }
  }
}

function openFile(path: string): number {
  try {
    return openSync(path, "r");
  } catch (cause) {
    throw unreadable(path, cause);
  }
}

function unreadable(path: string, cause: unknown): InputError {
  const code = (cause as { code?: string }).code ?? "";
  if (code === "ENOENT") {
    const hint = "check the path; - reads standard input";
    return new InputError("file_not_found", path, `${path} was not found`, hint);
  }
  const why = cause instanceof Error ? cause.message : String(cause);
  return new InputError("file_unreadable", path, `${path} cannot be read: ${why}`, "check it");
}
