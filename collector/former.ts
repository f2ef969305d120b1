/** What a spool keeps of the life of its collector before the present one. */
import type { ChunkFormer } from "../frames/chunk-header.ts";

/** The spool, as far as it is asked here. */
export interface KeptLives {
  /** Lives of which there are chunks, the earliest first. */
  readonly boots: readonly number[];
  oldest(boot: number): number;
  newest(boot: number): number;
}

/** Undefined if nothing of an earlier life can be sent again. */
export function formerLife(spool: KeptLives, present: number): ChunkFormer | undefined {
  const boot = spool.boots.findLast((life) => life < present);
  if (boot === undefined) return undefined;
  return { boot, oldest: spool.oldest(boot), newest: spool.newest(boot) };
}
