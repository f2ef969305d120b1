/** Edge: walks the chunk headers of a file without reading its bodies. */
import { closeSync, openSync, readSync } from "node:fs";
import { CHUNK_PREFIX_BYTES, ChunkFault, type ChunkHeader, readChunkHeader } from "./chunk.ts";
import { CHUNK_HEADER_BYTES_LIMIT } from "./chunk-header.ts";

/** Most headers are shorter; a longer one is read a second time. */
const HEADER_BYTES_USUAL = 2048;

/**
 * Calls `onChunk` for each whole chunk of the file, in order.
 * @returns bytes up to the end of the last whole chunk: what follows was torn off or is damaged
 */
export function scanChunkFile(
  path: string,
  onChunk: (header: ChunkHeader, at: number, bytes: number) => void,
): number {
  const file = openSync(path, "r");
  try {
    let block = new Uint8Array(HEADER_BYTES_USUAL);
    const last = new Uint8Array(1);
    let at = 0;
    for (;;) {
      const length = readSync(file, block, 0, block.length, at);
      const found = readChunkHeader(block.subarray(0, length));
      if (found instanceof ChunkFault) {
        const full = CHUNK_HEADER_BYTES_LIMIT + CHUNK_PREFIX_BYTES;
        if (found.code !== "truncated" || length < block.length || block.length === full) return at;
        block = new Uint8Array(full);
        continue;
      }
      // The last byte of the body is there, so all before it are.
      if (readSync(file, last, 0, 1, at + found.end - 1) === 0) return at;
      onChunk(found.header, at, found.end);
      at += found.end;
    }
  } finally {
    closeSync(file);
  }
}

/** How far the file holds whole chunks. */
export function soundBytes(path: string): number {
  return scanChunkFile(path, () => {});
}
