/**
 * Walks the chunks of a file by their headers. What is no chunk is searched for the next mark and
 * counted as one damaged place; with `bodies`, a chunk whose body does not match its checksum is
 * damage too. Worst case: a block of 1 MiB, and each byte of the damage looked at once.
 */
import { bodyChecksum } from "./body-checksum.ts";
import {
  CHUNK_MARK,
  CHUNK_PREFIX_BYTES,
  ChunkFault,
  type ChunkHeader,
  readChunkHeader,
} from "./chunk.ts";
import { CHUNK_BYTES_LIMIT, CHUNK_HEADER_BYTES_LIMIT } from "./chunk-header.ts";

/** Reads bytes at a place into the block until it is full or the file ends; says how many. */
export type ReadAt = (into: Uint8Array, at: number) => number;
export type OnScanned = (header: ChunkHeader, at: number, bytes: number) => void;

export interface Scanned {
  /** Where the last whole chunk ends: what follows was torn off or never was a chunk. */
  readonly soundBytes: number;
  /** Damaged places before that end. */
  readonly damages: number;
}

/** Most headers are shorter; a longer one is read a second time. */
const HEADER_BYTES_USUAL = 2048;

/** Calls `onChunk` for each whole chunk, in order. */
export function scanChunks(readAt: ReadAt, onChunk: OnScanned, bodies = false): Scanned {
  const walk = new Walk(readAt, bodies);
  let soundBytes = 0;
  let damages = 0;
  for (let at = 0; ; ) {
    const chunk = walk.chunkAt(at);
    if (chunk !== undefined) {
      onChunk(chunk.header, at, chunk.bytes);
      at += chunk.bytes;
      soundBytes = at;
      continue;
    }
    const next = walk.nextChunkFrom(at + 1);
    if (next === undefined) return { soundBytes, damages };
    damages++;
    at = next;
  }
}

class Walk {
  private readonly readAt: ReadAt;
  private readonly bodies: boolean;
  private block = new Uint8Array(HEADER_BYTES_USUAL);
  private readonly last = new Uint8Array(1);

  constructor(readAt: ReadAt, bodies: boolean) {
    this.readAt = readAt;
    this.bodies = bodies;
  }

  chunkAt(at: number): { header: ChunkHeader; bytes: number } | undefined {
    let length = this.readAt(this.block, at);
    let found = readChunkHeader(this.block.subarray(0, length));
    if (found instanceof ChunkFault && found.code === "truncated" && length === this.block.length) {
      this.block = new Uint8Array(CHUNK_HEADER_BYTES_LIMIT + CHUNK_PREFIX_BYTES);
      length = this.readAt(this.block, at);
      found = readChunkHeader(this.block.subarray(0, length));
    }
    if (found instanceof ChunkFault) return undefined;
    const { header, bodyAt, end } = found;
    const isWhole = this.bodies
      ? this.hasBody(at + bodyAt, header)
      : // The last byte of the body is there, so all before it are.
        this.readAt(this.last, at + end - 1) === 1;
    return isWhole ? { header, bytes: end } : undefined;
  }

  nextChunkFrom(from: number): number | undefined {
    const block = new Uint8Array(CHUNK_BYTES_LIMIT);
    for (let start = from; ; ) {
      const length = this.readAt(block, start);
      if (length < CHUNK_MARK.length) return undefined;
      for (let at = 0; ; at++) {
        at = block.indexOf(CHUNK_MARK[0], at);
        if (at < 0 || at > length - CHUNK_MARK.length) break;
        if (CHUNK_MARK.some((byte, i) => block[at + i] !== byte)) continue;
        if (this.chunkAt(start + at) !== undefined) return start + at;
      }
      // A mark may lie over the end of the block.
      start += length - CHUNK_MARK.length + 1;
    }
  }

  private hasBody(at: number, { version, bodyBytes, checksum }: ChunkHeader): boolean {
    const body = new Uint8Array(bodyBytes);
    if (this.readAt(body, at) !== bodyBytes) return false;
    return bodyChecksum(version, body) === checksum;
  }
}
