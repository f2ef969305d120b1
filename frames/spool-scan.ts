/** Edge: walks the chunks of a file on disk by their headers, without reading their bodies. */
import { closeSync, openSync, readSync } from "node:fs";
import { type OnScanned, type Scanned, scanChunks } from "./chunk-scan.ts";

/**
 * Calls `onChunk` for each whole chunk of the file, in order; what is damaged is skipped.
 * @throws the system's error if it cannot be read
 */
export function scanChunkFile(path: string, onChunk: OnScanned): Scanned {
  const file = openSync(path, "r");
  try {
    return scanChunks((into, at) => readSync(file, into, 0, into.length, at), onChunk);
  } finally {
    closeSync(file);
  }
}
