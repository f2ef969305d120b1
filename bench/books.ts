/**
 * Edge: whole books with best prices folded, from a file, beside the C++ yardstick in turns on the same
 * file. All three (ours, the yardstick, the yardstick that does not look ahead) must give the same digest.
 */
import type { MarketFile } from "./market-files.ts";
import { runRebuild } from "./rebuild-process.ts";
import { runYardstick, type YardstickMode } from "./yardstick.ts";

/** Nanoseconds a message: of the wall, and of CPU in all threads; the least of all rounds. */
export interface Pace {
  readonly wall: number;
  readonly cpu: number;
}

export interface BooksResult {
  readonly feed: string;
  readonly messages: number;
  readonly instruments: number;
  readonly liveOrders: number;
  readonly ours: Pace;
  readonly yardstick: Pace;
  /** The yardstick without its look ahead. */
  readonly plain: Pace;
  readonly peakBytes: number;
  readonly changes: number;
  readonly digest: string;
  /** Every program of every round gave that digest. */
  readonly same: boolean;
}

const NONE: Pace = { wall: Number.POSITIVE_INFINITY, cpu: Number.POSITIVE_INFINITY };

export async function measureBooks(file: MarketFile, rounds: number): Promise<BooksResult> {
  const feed = file.feed === "itch" ? "nasdaq-itch50" : "nse-fo";
  let ours = NONE;
  let yardstick = NONE;
  let plain = NONE;
  const digests = new Set<string>();
  const pace = (mode: YardstickMode, best: Pace): Pace => {
    const run = runYardstick(file.feed, mode, file.path);
    digests.add(`${run.digest} ${run.changes} ${run.live_orders}`);
    return lesser(best, { wall: run.ns / run.messages, cpu: run.cpu_ns / run.messages });
  };
  let run = await runRebuild(file.path, feed, ["--schema", "none", "--digest"]);
  for (let round = 0; round < rounds; round++) {
    yardstick = pace("books", yardstick);
    if (round > 0) run = await runRebuild(file.path, feed, ["--schema", "none", "--digest"]);
    const { stats, cpuSeconds } = run;
    digests.add(`${stats.bbo_digest} ${stats.bbo_changes} ${stats.live_orders}`);
    const cpu = (cpuSeconds * 1e9) / stats.messages;
    ours = lesser(ours, { wall: stats.ns_per_message, cpu });
    plain = pace("plain", plain);
  }
  const { stats } = run;
  return {
    feed,
    messages: stats.messages,
    instruments: stats.instruments,
    liveOrders: stats.live_orders,
    ours,
    yardstick,
    plain,
    peakBytes: stats.peak_memory_bytes,
    changes: stats.bbo_changes ?? 0,
    digest: stats.bbo_digest ?? "",
    same: digests.size === 1,
  };
}

function lesser(a: Pace, b: Pace): Pace {
  return { wall: Math.min(a.wall, b.wall), cpu: Math.min(a.cpu, b.cpu) };
}
