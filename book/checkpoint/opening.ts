/**
 * How a core begins: from the newest checkpoint that is good, else from the one before, else
 * with nothing. What could not be used is told, and never deleted here.
 */
import type { Zstd } from "../../frames/zstd-port.ts";
import type { Live } from "../live.ts";
import { CheckpointFault, type CheckpointHead, readCheckpoint } from "./file.ts";
import { restoreLive } from "./live-state.ts";

/** Where checkpoints are: a folder, or its like in a test. */
export interface CheckpointShelf {
  /** Newest first. */
  numbers(): readonly number[];
  read(number: number): Uint8Array;
}

export interface Opened {
  readonly live: Live;
  /** Of the checkpoint that was put in; undefined: it begins with nothing. */
  readonly head: CheckpointHead | undefined;
  /** Number of the newest file, good or not: the next one is higher. */
  readonly newest: number;
  /** Checkpoints that could not be used, with why. */
  readonly refused: readonly { readonly number: number; readonly why: string }[];
}

/** @param key as it is written into checkpoints: another version or other options are refused */
export function openLive(
  folder: CheckpointShelf,
  key: string,
  zstd: Zstd,
  newLive: () => Live,
): Opened {
  const numbers = folder.numbers();
  const refused: { number: number; why: string }[] = [];
  for (const number of numbers) {
    const live = newLive();
    try {
      const read = readCheckpoint(folder.read(number), key, zstd);
      if (!(read instanceof CheckpointFault)) {
        restoreLive(live, read.state);
        return { live, head: read.head, newest: numbers[0], refused };
      }
      refused.push({ number, why: read.message });
    } catch (error) {
      refused.push({ number, why: (error as Error).message });
    }
  }
  return { live: newLive(), head: undefined, newest: numbers[0] ?? 0, refused };
}
