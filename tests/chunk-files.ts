/** Edge: which chunks stand in the files of a folder now, while somebody else writes them. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { ChunkHeader } from "../frames/chunk.ts";
import { scanChunks } from "../frames/chunk-scan.ts";

/** Headers of the whole chunks under a folder; what is being written, or was renamed, is left out. */
export function headersUnder(folder: string): ChunkHeader[] {
  const headers: ChunkHeader[] = [];
  for (const name of filesUnder(folder, "**/*.ebch")) {
    const bytes = bytesOf(join(folder, name));
    const readAt = (into: Uint8Array, at: number) => {
      const piece = bytes.subarray(at, at + into.length);
      into.set(piece);
      return piece.length;
    };
    scanChunks(readAt, (header) => headers.push(header));
  }
  return headers;
}

/** The highest number that a chunk of a stream under a folder has; 0 where there is none. */
export function lastNumberUnder(folder: string, ofStream: number): number {
  let last = 0;
  for (const { stream, lastSequence } of headersUnder(folder)) {
    if (stream === ofStream) last = Math.max(last, lastSequence);
  }
  return last;
}

/** Names of the files under a folder; none where it is not there yet. */
export function filesUnder(folder: string, pattern = "**/*"): string[] {
  try {
    return [...new Bun.Glob(pattern).scanSync(folder)];
  } catch {
    return [];
  }
}

function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch {
    return new Uint8Array(0);
  }
}
