/**
 * Edge: the traffic of `LoadMaker` made once and kept as a file, so that sending it costs next to nothing:
 * a chunk on its way out is given another boot and times later by whole seconds, and is not packed anew.
 *
 *     record   u32 LE bytes of the chunk, then the chunk
 *     body     a zstd frame that holds only the seconds that capture times count from, not compressed;
 *              then a frame with the rest of a `columns` body
 */
import {
  closeSync,
  existsSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { join } from "node:path";
import { bodyChecksum } from "../frames/body-checksum.ts";
import {
  CHUNK_PREFIX_BYTES,
  ChunkFault,
  type ChunkHeader,
  dictionaryOf,
  joinChunk,
  type PackedChunk,
  readChunkHeader,
} from "../frames/chunk.ts";
import { encodeHeader } from "../frames/chunk-header-array.ts";
import { openZstd } from "../frames/zstd.ts";
import { StoredZstd, storedBytes } from "../frames/zstd-stored.ts";
import { LoadMaker, type LoadOptions } from "./load-chunks.ts";

export interface LoadFileOptions extends Omit<LoadOptions, "codec" | "boot" | "spanNs"> {
  /** At least so many; the last chunk is whole. */
  readonly messages: number;
  /** The pace that capture times are laid out for. */
  readonly messagesPerSecond: number;
  readonly onProgress?: (messages: number) => void;
}

/** Bumped when the bytes of the same options change. */
const EDITION = 2;
const NS = 1_000_000_000;
const FIRST_SEC = 1_790_000_000;
/** A varint of seconds from 1978 to 3058. */
const SECONDS_BYTES = 5;
const STORED_BYTES = storedBytes(SECONDS_BYTES);
const PROGRESS_CHUNKS = 2000;

/** @returns its path in `folder`; the same options are made once, and what others made is removed */
export function loadFile(folder: string, options: LoadFileOptions): string {
  const { seed, streams, instruments, liveOrders, messagesPerChunk } = options;
  const kind = [EDITION, seed, streams, instruments, liveOrders, messagesPerChunk];
  const name = `load-${[...kind, options.messages, options.messagesPerSecond].join("-")}.records`;
  const path = join(folder, name);
  if (existsSync(path)) return path;
  for (const other of readdirSync(folder)) {
    if (/^load-.*\.records/.test(other)) rmSync(join(folder, other));
  }
  const part = `${path}.${process.pid}`;
  writeLoad(part, options);
  renameSync(part, path);
  return path;
}

function writeLoad(path: string, options: LoadFileOptions): void {
  const { messages, messagesPerSecond, messagesPerChunk, streams, onProgress } = options;
  const spanNs = (messagesPerChunk * streams * NS) / messagesPerSecond;
  const maker = new LoadMaker({ ...options, boot: 1, spanNs });
  const file = openSync(path, "w");
  const length = new DataView(new ArrayBuffer(4));
  for (let number = 1; maker.messages < messages; number++) {
    const ns = Math.round((number * messagesPerChunk * NS) / messagesPerSecond);
    const chunk = maker.next(FIRST_SEC + Math.floor(ns / NS), ns % NS);
    const bytes = movable(chunk);
    length.setUint32(0, bytes.length, true);
    writeSync(file, length);
    writeSync(file, bytes);
    if (number % PROGRESS_CHUNKS === 0) onProgress?.(maker.messages);
  }
  closeSync(file);
}

/** The same chunk, its seconds in a frame of their own. */
function movable({ header, bytes }: PackedChunk): Uint8Array {
  const zstd = openZstd();
  const body = bytes.subarray(bytes.length - header.bodyBytes);
  const dictionary = dictionaryOf(header, zstd);
  if (dictionary instanceof ChunkFault) throw new Error(`load file: ${dictionary.message}`);
  const raw = zstd.decompress(body, header.rawBytes, undefined, dictionary);
  if (raw === null || header.codec !== "columns") throw new Error("load file: not in columns");
  const seconds = new StoredZstd(zstd).compress(raw.subarray(0, SECONDS_BYTES));
  const rest = zstd.compress(raw.subarray(SECONDS_BYTES));
  const moved = new Uint8Array(seconds.length + rest.length);
  moved.set(seconds);
  moved.set(rest, seconds.length);
  return joined(header, moved);
}

function joined(header: ChunkHeader, body: Uint8Array): Uint8Array {
  const sizes = { bodyBytes: body.length, checksum: bodyChecksum(header.version, body) };
  const head = encodeHeader({ ...header, dictionary: "", ...sizes });
  const bytes = new Uint8Array(CHUNK_PREFIX_BYTES + head.length + body.length);
  joinChunk(head, body, bytes);
  return bytes;
}

/** Reads a load, chunk by chunk, as if it were captured now. */
export class LoadFile {
  private readonly file: number;
  private readonly boot: number;
  private readonly shiftSec: number;
  private readonly lengths = new DataView(new ArrayBuffer(4));

  /** @param startSec when it begins: a whole second since 1970 UTC */
  constructor(path: string, boot: number, startSec: number) {
    this.file = openSync(path, "r");
    this.boot = boot;
    this.shiftSec = startSec - FIRST_SEC;
  }

  /** The next chunk in a buffer of its own; its header says when it is due. `undefined`: the end. */
  next(): PackedChunk | undefined {
    if (readSync(this.file, this.lengths) < 4) return undefined;
    const bytes = new Uint8Array(this.lengths.getUint32(0, true));
    readSync(this.file, bytes);
    const read = readChunkHeader(bytes);
    if (read instanceof ChunkFault) throw new Error(`load file: ${read.message}`);
    const body = bytes.subarray(read.bodyAt);
    this.moveSeconds(body);
    const { header } = read;
    const moved = {
      ...header,
      boot: this.boot,
      firstSec: header.firstSec + this.shiftSec,
      lastSec: header.lastSec + this.shiftSec,
    };
    return { header: moved, bytes: joined(moved, body) };
  }

  close(): void {
    closeSync(this.file);
  }

  /** The seconds are the last bytes of the stored frame. */
  private moveSeconds(body: Uint8Array): void {
    const from = STORED_BYTES - SECONDS_BYTES;
    let seconds = 0;
    for (let at = SECONDS_BYTES - 1; at >= 0; at--)
      seconds = seconds * 128 + (body[from + at] & 127);
    seconds += this.shiftSec;
    for (let at = 0; at < SECONDS_BYTES; at++) {
      const isLast = at === SECONDS_BYTES - 1;
      body[from + at] = (seconds % 128) | (isLast ? 0 : 128);
      seconds = Math.floor(seconds / 128);
    }
  }
}
