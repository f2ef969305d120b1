/**
 * What the intake knows of one life of a collector (a boot), and of each of its streams (a lane). Plain
 * state, so that a checkpoint takes it as it stands; `intake.ts` decides.
 */
import type { ChunkHeader } from "../frames/chunk-header.ts";
import type { AwaitedDictionaries } from "./intake-dictionaries.ts";
import { NumberRanges } from "./number-ranges.ts";

export interface HeldChunk {
  readonly header: ChunkHeader;
  readonly bytes: Uint8Array;
  /** Since when it waits: each hole has its own time, so that many in a row do not add up. */
  readonly sinceNs: number;
}

export interface Lane {
  readonly boot: Boot;
  /** Number of the stream's chunk that was taken (or given up) last; 0 before the first. */
  taken: number;
  /** By number; taken in the order of their numbers. */
  readonly held: Map<number, HeldChunk>;
  /**
   * When a chunk was taken last that the held ones waited for: it is being sent, so they wait on. One
   * that cannot be used is none: it may come again and again.
   */
  broughtNs: number;
}

export interface Boot {
  readonly collector: string;
  readonly boot: number;
  readonly lanes: Map<string, Lane>;
  /** Arrived, held ones included: what need not be asked for. */
  readonly seen: NumberRanges;
  /** Taken or given up: what the position says. */
  readonly done: NumberRanges;
  readonly awaited: AwaitedDictionaries;
  /** The oldest number that its collector said it could send again. */
  oldest: number;
  /** How far it came, as its collector's next life says: numbers up to it can be asked for. */
  newest: number;
  /** Nothing was asked of it yet. */
  isNew: boolean;
  /** When the missing were asked for last; -1: nothing is missing. */
  askedNs: number;
  /** A saved state was put in then, and nothing of this boot has come since; NaN: it has. */
  resumedNs: number;
  /** When it was asked for what is behind its newest chunk. */
  onwardNs: number;
  /** Everything up to it is done, and since when it has not moved while there was more. */
  position: number;
  positionNs: number;
  lastNs: number;
}

export function newBoot(
  { collector, boot, oldest }: Pick<ChunkHeader, "collector" | "boot" | "oldest">,
  nowNs: number,
): Boot {
  return {
    ...{ collector, boot, oldest },
    lanes: new Map(),
    seen: new NumberRanges(),
    done: new NumberRanges(),
    awaited: new Map(),
    newest: 0,
    isNew: true,
    askedNs: -1,
    resumedNs: Number.NaN,
    onwardNs: Number.NEGATIVE_INFINITY,
    position: 0,
    positionNs: nowNs,
    lastNs: nowNs,
  };
}

/** Of each collector its newest life. */
export function newestBoots(boots: Iterable<Boot>): Map<string, Boot> {
  const newest = new Map<string, Boot>();
  for (const boot of boots) {
    const other = newest.get(boot.collector);
    if (other === undefined || boot.boot > other.boot) newest.set(boot.collector, boot);
  }
  return newest;
}

/** The last number of it that is known to be. */
export const lastOf = ({ seen, newest }: Boot) => Math.max(seen.highest, newest);

export function laneOf(boot: Boot, header: ChunkHeader): Lane {
  const key = `${header.feed}/${header.stream}`;
  let lane = boot.lanes.get(key);
  if (lane === undefined) {
    lane = { boot, taken: 0, held: new Map(), broughtNs: Number.NEGATIVE_INFINITY };
    boot.lanes.set(key, lane);
  }
  return lane;
}

export const waitsSinceNs = (lane: Lane) => Math.max(lowestHeld(lane).sinceNs, lane.broughtNs);

export function lowestHeld(lane: Lane): HeldChunk {
  let lowest: HeldChunk | undefined;
  for (const chunk of lane.held.values()) {
    if (lowest === undefined || chunk.header.number < lowest.header.number) lowest = chunk;
  }
  if (lowest === undefined) throw new Error("intake: a lane without held chunks was asked for one");
  return lowest;
}
