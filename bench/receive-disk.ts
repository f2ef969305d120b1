/**
 * Edge: what the folder of a spool takes when somebody does nothing but write chunks to it: no collector
 * that stores what comes as it comes is faster, or costs less.
 */
import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";

const PIECE_BYTES = 768 << 10;
const FILE_BYTES = 64 << 20;

export interface DiskRun {
  readonly bytesASecond: number;
  /** Of this process, user and system. */
  readonly cpuNsAByte: number;
}

/** @param bytes in all, in files of 64 MiB that are removed at the end */
export function writeAlone(folder: string, bytes: number): DiskRun {
  const piece = new Uint8Array(PIECE_BYTES).map((_, i) => i * 7);
  const names: string[] = [];
  const used = process.cpuUsage();
  const startMs = performance.now();
  let written = 0;
  while (written < bytes) {
    const name = join(folder, `alone-${names.length}`);
    names.push(name);
    const file = openSync(name, "w");
    for (let at = 0; at < FILE_BYTES; at += PIECE_BYTES) written += writeSync(file, piece);
    closeSync(file);
  }
  const seconds = (performance.now() - startMs) / 1000;
  const { user, system } = process.cpuUsage(used);
  for (const name of names) rmSync(name);
  return { bytesASecond: written / seconds, cpuNsAByte: ((user + system) * 1000) / written };
}
