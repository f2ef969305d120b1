/**
 * Edge: chunks as files of a directory, one folder a stream, one file an hour of capture time (UTC):
 * `PATH/{feed}/{stream}/2023-10-02T11.ebch`. Each file is chunks one after another, so `cat`
 * joins them and any of them reads alone, with the dictionaries `PATH/{name}.zdict` if its chunks need
 * some.
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
  write,
} from "node:fs";
import { dirname, join } from "node:path";
import { ChunkFault, type ChunkHeader, type PackedChunk, readChunkHeader } from "./chunk.ts";
import { CHUNK_BYTES_LIMIT } from "./chunk-header.ts";
import { ChunkSplitter } from "./chunk-stream.ts";
import type { Dictionaries } from "./dictionary.ts";
import { keepDictionary, learnBeside } from "./dictionary-files.ts";
import { scanChunkFile } from "./spool-scan.ts";
import type { ChunkSink, ChunkSource } from "./transport.ts";
import { TransportError } from "./transport-error.ts";
import { openZstd } from "./zstd.ts";

export const CHUNK_FILE_ENDING = ".ebch";
/** Files kept open: a stream writes to one at a time, and hours end. */
const OPEN_FILES_LIMIT = 128;

/** A directory that takes nothing is tried again, and said to be so from time to time. */
const TRY_AGAIN_MS = 500;
const SAY_AGAIN_MS = 60_000;
/** Names of dictionaries that are said to be missing. */
const MISSING_LIMIT = 64;

interface HourFile {
  readonly file: number;
  /** By collector and boot: the highest number that is in it. */
  readonly newest: Map<string, number>;
}

/**
 * Takes chunks one after another in the order of `send`. Writing does not wait in the caller's way,
 * and goes on trying where the disk is full. A chunk that is there already, since its collector was
 * killed before it knew, is not written again.
 */
export class DirChunkSink implements ChunkSink {
  readonly name: string;
  /** Chunks that were there already. */
  repeated = 0;
  /** Chunks written whose dictionary is not here: they can be read only where it is. */
  withoutDictionary = 0;
  private readonly path: string;
  private readonly onStatus: (text: string) => void;
  private readonly dictionaries: Dictionaries;
  /** Dictionaries that are in the directory. */
  private readonly kept = new Set<string>();
  private readonly missing = new Set<string>();
  private readonly files = new Map<string, HourFile>();
  private last: Promise<void> = Promise.resolve();
  private saidMs = Number.NEGATIVE_INFINITY;
  private isClosed = false;

  /** @throws TransportError if the directory cannot be made */
  constructor(
    path: string,
    onStatus: (text: string) => void = () => {},
    dictionaries: Dictionaries = openZstd().dictionaries,
  ) {
    this.path = path;
    this.dictionaries = dictionaries;
    this.name = `dir:${path}`;
    this.onStatus = onStatus;
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

  send(chunk: PackedChunk): Promise<void> {
    const sent = this.last.then(() => this.keep(chunk));
    this.last = sent.catch(() => {});
    return sent;
  }

  async close(graceMs = 1000): Promise<void> {
    await Promise.race([this.last, Bun.sleep(graceMs)]);
    this.isClosed = true;
    await Promise.race([this.last, Bun.sleep(2 * TRY_AGAIN_MS)]);
    for (const { file } of this.files.values()) closeSync(file);
    this.files.clear();
  }

  private async keep({ header, bytes }: PackedChunk): Promise<void> {
    const key = `${header.collector} ${header.boot}`;
    for (let done = 0; ; ) {
      if (this.isClosed) throw new Error(`${this.name} was closed`);
      try {
        const hour = this.open(header);
        if (done === 0 && (hour.newest.get(key) ?? 0) >= header.number) {
          this.repeated++;
          return;
        }
        if (header.dictionary !== "") await this.keepDictionary(header.dictionary);
        while (done < bytes.length) done += await written(hour.file, bytes, done);
        hour.newest.set(key, header.number);
        if (header.dictionary !== "" && !this.kept.has(header.dictionary)) this.withoutDictionary++;
        this.wrote();
        return;
      } catch (thrown) {
        this.failed(thrown as Error);
        await Bun.sleep(TRY_AGAIN_MS);
      }
    }
  }

  /** Before the first chunk that needs it. */
  private async keepDictionary(name: string): Promise<void> {
    if (this.kept.has(name)) return;
    learnBeside(this.dictionaries, name, this.path);
    const dictionary = this.dictionaries.get(name);
    if (dictionary === undefined) {
      this.sayMissing(name);
      return;
    }
    await keepDictionary(this.path, dictionary);
    this.kept.add(name);
  }

  private sayMissing(name: string): void {
    if (this.missing.has(name) || this.missing.size >= MISSING_LIMIT) return;
    this.missing.add(name);
    this.onStatus(`${this.name}: chunks need the dictionary ${name}, which is not here`);
  }

  private wrote(): void {
    if (this.saidMs > Number.NEGATIVE_INFINITY)
      this.onStatus(`${this.name}: it takes chunks again`);
    this.saidMs = Number.NEGATIVE_INFINITY;
  }

  private failed(error: Error): void {
    if (performance.now() - this.saidMs < SAY_AGAIN_MS) return;
    this.saidMs = performance.now();
    this.onStatus(`${this.name} takes no chunks (${error.message}); they wait in the spool`);
  }

  private open(header: ChunkHeader): HourFile {
    const folder = join(this.path, header.feed || "unknown", String(header.stream));
    const hour = new Date(header.firstSec * 1000).toISOString().slice(0, 13);
    const path = join(folder, `${hour}${CHUNK_FILE_ENDING}`);
    const known = this.files.get(path);
    if (known !== undefined) return known;
    if (this.files.size >= OPEN_FILES_LIMIT) {
      const [oldest, { file }] = this.files.entries().next().value as [string, HourFile];
      closeSync(file);
      this.files.delete(oldest);
    }
    mkdirSync(folder, { recursive: true });
    const newest = existsSync(path) ? mended(path) : new Map<string, number>();
    const opened = { file: openSync(path, "a"), newest };
    this.files.set(path, opened);
    return opened;
  }
}

/**
 * A writer that was killed may have left half a chunk: it is cut off, for what follows must stand on
 * its own. @returns the highest number of each collector and boot
 */
function mended(path: string): Map<string, number> {
  const newest = new Map<string, number>();
  const { soundBytes } = scanChunkFile(path, ({ collector, boot, number }) => {
    const key = `${collector} ${boot}`;
    newest.set(key, Math.max(newest.get(key) ?? 0, number));
  });
  truncateSync(path, soundBytes);
  return newest;
}

/** On a thread of its own: a slow disk keeps nobody waiting. @returns bytes written */
function written(file: number, bytes: Uint8Array, from: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(file, bytes, from, bytes.length - from, null, (error, length) => {
      if (error) reject(error);
      else resolve(length);
    });
  });
}

/** Reads a directory once, all streams merged by the first capture time of their chunks. */
export class DirChunkSource implements ChunkSource {
  readonly name: string;
  /** Damaged places in the files. */
  damages = 0;
  private readonly path: string;
  private readonly dictionaries: Dictionaries;
  private closed = false;

  constructor(path: string, dictionaries: Dictionaries = openZstd().dictionaries) {
    this.path = path;
    this.dictionaries = dictionaries;
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
      const { header, folder } = earliest;
      const dictionary = header?.dictionary ?? "";
      if (dictionary !== "") learnBeside(this.dictionaries, dictionary, folder);
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
  readonly folder: string;
  private readonly paths: string[];
  private file = -1;
  private readonly block = new Uint8Array(CHUNK_BYTES_LIMIT);
  private readonly splitter = new ChunkSplitter((bytes) => this.ready.push(bytes.slice()));
  private ready: Uint8Array[] = [];

  constructor(paths: readonly string[]) {
    this.paths = [...paths];
    this.folder = dirname(paths[0]);
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
