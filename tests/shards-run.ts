/**
 * Edge: chunks of a directory through one shard and through two, run after run in turn, everything
 * counted: reading, routing, threads' beginning left out, until the last book is done.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DirChunkSink, DirChunkSource } from "../frames/transport-dir.ts";
import { LoadMaker } from "./load-chunks.ts";
import { openSharded } from "./sharded.ts";
import { threadSeconds } from "./thread-times.ts";

export interface ShardsOptions {
  readonly seed: number;
  readonly messages: number;
  readonly liveOrders: number;
  readonly instruments: number;
  readonly messagesPerChunk: number;
  readonly rounds: number;
  readonly onRun?: (shards: number, run: TimedRun) => void;
}

export interface TimedRun {
  readonly seconds: number;
  /** Processor time of the busiest thread: what the run takes where every thread has a core. */
  readonly busiestSeconds: number;
  /** Of all threads together. */
  readonly cpuSeconds: number;
}

export interface ShardsRun {
  readonly messages: number;
  /** Each round, with one shard and with two. */
  readonly one: readonly TimedRun[];
  readonly two: readonly TimedRun[];
  /** Both gave the same books. */
  readonly isEqual: boolean;
}

const SEC = 1_790_000_000;
/** A millisecond of capture time a chunk keeps the streams in step. */
const CHUNK_NS = 1e6;

export async function shardsRun(options: ShardsOptions): Promise<ShardsRun> {
  const folder = mkdtempSync(join(tmpdir(), "edgebook-shards-run-"));
  const { seed, liveOrders, instruments, messagesPerChunk } = options;
  const made = { seed, liveOrders, instruments, messagesPerChunk };
  const maker = new LoadMaker({ ...made, streams: 2, collector: "load", boot: 1 });
  try {
    const sink = new DirChunkSink(join(folder, "chunks"));
    while (maker.messages < options.messages) {
      const ns = (maker.messages / messagesPerChunk) * CHUNK_NS;
      await sink.send(maker.next(SEC + Math.floor(ns / 1e9), ns % 1e9));
    }
    await sink.close();
    const runs: Record<number, TimedRun[]> = { 1: [], 2: [] };
    const digests = new Set<string>();
    for (let round = 0; round < options.rounds; round++) {
      for (const count of round % 2 === 0 ? [1, 2] : [2, 1]) {
        const state = join(folder, `state-${round}-${count}`);
        const run = await oneRun(join(folder, "chunks"), state, count, maker.tokens);
        rmSync(state, { recursive: true, force: true });
        runs[count].push(run);
        digests.add(run.digest);
        options.onRun?.(count, run);
      }
    }
    const { messages } = maker;
    return { messages, one: runs[1], two: runs[2], isEqual: digests.size === 1 };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function oneRun(chunks: string, state: string, count: number, tokens: readonly string[]) {
  const { centre, close } = openSharded({
    ...{ count, state, saveNs: 3600e9, canAsk: false },
    // On a host that does other things too a thread may stand still for long.
    hangNs: 120e9,
    onStatus: (text) => console.error(text),
  });
  centre.begin();
  for (const end = performance.now() + 60_000; !centre.shards.every(({ isUp }) => isUp); ) {
    if (performance.now() > end) throw new Error("the shards did not begin within 60 s");
    await Bun.sleep(5);
  }
  const before = threadSeconds();
  const begun = performance.now();
  await new DirChunkSource(chunks).run((bytes) => centre.push(bytes));
  await centre.finish();
  const seconds = (performance.now() - begun) / 1000;
  const busy = [...threadSeconds()].map(([thread, cpu]) => cpu - (before.get(thread) ?? 0));
  const hasher = new Bun.CryptoHasher("sha256");
  for (const token of tokens.slice(0, 500)) {
    const book = await centre.api.book("nse-fo", token, "1000");
    hasher.update(JSON.stringify(book));
  }
  await close();
  const cpuSeconds = busy.reduce((sum, cpu) => sum + cpu, 0);
  return { seconds, busiestSeconds: Math.max(...busy), cpuSeconds, digest: hasher.digest("hex") };
}
