/**
 * Edge: chunks as files of a directory, one folder a stream, one file an hour of capture time (UTC):
 * `PATH/{feed}/{stream}/2023-10-02T11.ebch`. Each file is chunks one after another, so `cat`
 * joins them and any of them reads alone.
 */
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readSync,
  statSync,
  truncateSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { ChunkFault, type ChunkHeader, type PackedChunk, readChunkHeader } from "./chunk.ts";
import { CHUNK_BYTES_LIMIT } from "./chunk-header.ts";
import { ChunkSplitter } from "./chunk-stream.ts";
import { soundBytes } from "./spool-scan.ts";
import type { ChunkSink, ChunkSource } from "./transport.ts";
import { TransportError } from "./transport-error.ts";

export const CHUNK_FILE_ENDING = ".ebch";
/** Files kept open: a stream writes to one at a time, and hours end. */
const OPEN_FILES_LIMIT = 128;

export class DirChunkSink implements ChunkSink {
  readonly name: string;
  private readonly path: string;
  private readonly files = new Map<string, number>();

  /** @throws TransportError if the directory cannot be made */
  constructor(path: string) {
    this.path = path;
    this.name = `dir:${path}`;
    try {
      mkdirSync(path, { recursive: true });
    } catch (cause) {
      throw new TransportError(
        "file_not_writable",
        `The directory '${path}' cannot be written: ${(cause as Error).message}`,
        "Check the path of dir: and its permissions.",
      );
    }
  }

  async send({ header, bytes }: PackedChunk): Promise<void> {
    const file = this.open(header);
    for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
  }

  async close(): Promise<void> {
    for (const file of this.files.values()) closeSync(file);
    this.files.clear();
  }

  private open(header: ChunkHeader): number {
    const folder = join(this.path, header.feed || "unknown", String(header.stream));
    const hour = new Date(header.firstSec * 1000).toISOString().slice(0, 13);
    const path = join(folder, `${hour}${CHUNK_FILE_ENDING}`);
    const known = this.files.get(path);
    if (known !== undefined) return known;
    if (this.files.size >= OPEN_FILES_LIMIT) {
      const [oldest, file] = this.files.entries().next().value as [string, number];
      closeSync(file);
      this.files.delete(oldest);
    }
    mkdirSync(folder, { recursive: true });
    // A writer that was killed may have left half a chunk: what follows it must stand on its own.
    if (existsSync(path)) truncateSync(path, soundBytes(path));
    const file = openSync(path, "a");
    this.files.set(path, file);
    return file;
  }
}

/** Reads a directory once, all streams merged by the first capture time of their chunks. */
export class DirChunkSource implements ChunkSource {
  readonly name: string;
  /** Damaged places in the files. */
  damages = 0;
  private readonly path: string;
  private closed = false;

  constructor(path: string) {
    this.path = path;
    this.name = `dir:${path}`;
  }

  async run(onChunk: (bytes: Uint8Array) => Promise<void> | void): Promise<void> {
    const streams = this.streams();
    while (!this.closed) {
      let earliest: StreamReader | undefined;
      for (const stream of streams) {
        if (stream.header === undefined) continue;
        if (earliest === undefined || stream.isBefore(earliest)) earliest = stream;
      }
      if (earliest === undefined) break;
      await onChunk(earliest.take());
    }
    for (const stream of streams) {
      stream.close();
      this.damages += stream.damages;
    }
  }

  async close(): Promise<void> {
    this.closed = true;
  }

  private streams(): StreamReader[] {
    if (!existsSync(this.path) || !statSync(this.path).isDirectory()) {
      throw new TransportError(
        "file_not_readable",
        `There is no directory '${this.path}'.`,
        "Check the path of dir:.",
      );
    }
    return chunkFolders(this.path).map((files) => new StreamReader(files));
  }
}

/** The chunk files below a directory, folder by folder, in the order of their hours. */
function chunkFolders(path: string): string[][] {
  const entries = readdirSync(path, { withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && entry.name.endsWith(CHUNK_FILE_ENDING))
    .map((entry) => join(path, entry.name))
    .sort();
  const deeper = entries
    .filter((entry) => entry.isDirectory())
    .flatMap((entry) => chunkFolders(join(path, entry.name)));
  return files.length > 0 ? [files, ...deeper] : deeper;
}

/** One stream's files, chunk by chunk; holds the chunks of one block. */
class StreamReader {
  /** Of the chunk that `take` gives next; `undefined` at the end. */
  header: ChunkHeader | undefined;
  private readonly paths: string[];
  private file = -1;
  private readonly block = new Uint8Array(CHUNK_BYTES_LIMIT);
  private readonly splitter = new ChunkSplitter((bytes) => this.ready.push(bytes.slice()));
  private ready: Uint8Array[] = [];

  constructor(paths: readonly string[]) {
    this.paths = [...paths];
    this.look();
  }

  get damages(): number {
    return this.splitter.damages;
  }

  isBefore(other: StreamReader): boolean {
    const [a, b] = [this.header, other.header];
    if (a === undefined || b === undefined) return a !== undefined;
    return a.firstSec < b.firstSec || (a.firstSec === b.firstSec && a.firstNsec < b.firstNsec);
  }

  take(): Uint8Array {
    const bytes = this.ready.shift() as Uint8Array;
    this.look();
    return bytes;
  }

  close(): void {
    if (this.file >= 0) closeSync(this.file);
    this.file = -1;
    this.header = undefined;
  }

  /** Reads on until a chunk is ready, or nothing is left. */
  private look(): void {
    while (this.ready.length === 0 && (this.file >= 0 || this.paths.length > 0)) {
      if (this.file < 0) this.file = openSync(this.paths.shift() as string, "r");
      const length = readSync(this.file, this.block);
      if (length > 0) {
        this.splitter.push(this.block.subarray(0, length));
      } else {
        this.splitter.finish();
        this.close();
      }
    }
    const found = this.ready.length > 0 ? readChunkHeader(this.ready[0]) : undefined;
    this.header = found instanceof ChunkFault ? undefined : found?.header;
  }
}
