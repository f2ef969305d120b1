/**
 * Finds the chunks of a file that arrives block by block. What is no chunk is skipped up to the
 * next mark and counted; a chunk cut by the end is counted too. Holds at most one chunk.
 */
import { CHUNK_MARK, ChunkFault, readChunkHeader } from "./chunk.ts";
import { CHUNK_BYTES_LIMIT } from "./chunk-header.ts";

export class ChunkSplitter {
  /** Chunks handed out. */
  chunks = 0;
  /** Bytes between chunks that belong to none. */
  bytesSkipped = 0;
  /** Damaged places: each may have cost one chunk or several. */
  damages = 0;
  private readonly onChunk: (bytes: Uint8Array) => void;
  private rest: Uint8Array = new Uint8Array(0);
  private lost = false;

  /** @param onChunk gets each chunk's bytes, header checked, body not; valid during the call */
  constructor(onChunk: (bytes: Uint8Array) => void) {
    this.onChunk = onChunk;
  }

  push(block: Uint8Array): void {
    const bytes = this.rest.length === 0 ? block : concatenated(this.rest, block);
    let at = 0;
    while (at < bytes.length) {
      const found = readChunkHeader(bytes, at);
      if (!(found instanceof ChunkFault)) {
        if (found.end > bytes.length) break;
        this.lost = false;
        this.chunks++;
        this.onChunk(bytes.subarray(at, found.end));
        at = found.end;
        continue;
      }
      if (found.code === "truncated" && bytes.length - at < CHUNK_BYTES_LIMIT) break;
      at = this.skip(bytes, at);
    }
    this.rest = bytes.slice(at);
  }

  /** The file is over: what is left of a chunk is damage. */
  finish(): void {
    const cut = this.rest;
    this.rest = new Uint8Array(0);
    if (cut.length === 0) return;
    // A false mark may have made us wait for more: chunks may stand behind it.
    const next = nextMark(cut, 1);
    this.skip(cut, 0, next);
    if (next === cut.length) return;
    this.push(cut.subarray(next));
    this.finish();
  }

  private skip(bytes: Uint8Array, at: number, next = nextMark(bytes, at + 1)): number {
    if (!this.lost) this.damages++;
    this.lost = true;
    this.bytesSkipped += next - at;
    return next;
  }
}

/** Where the next mark begins, a beginning of one at the very end included. */
function nextMark(bytes: Uint8Array, from: number): number {
  for (let at = bytes.indexOf(CHUNK_MARK[0], from); at >= 0; ) {
    let same = 1;
    while (same < 4 && at + same < bytes.length && bytes[at + same] === CHUNK_MARK[same]) same++;
    if (same === 4 || at + same === bytes.length) return at;
    at = bytes.indexOf(CHUNK_MARK[0], at + 1);
  }
  return bytes.length;
}

function concatenated(a: Uint8Array, b: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(a.length + b.length);
  bytes.set(a);
  bytes.set(b, a.length);
  return bytes;
}
