/**
 * Edge: a service's shards in this process, under load, killed one by one; and what their books are in
 * the end beside those of a run that nothing broke.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Live } from "../book/live.ts";
import { LiveApi } from "../book/live-api.ts";
import type { ShardedCentre } from "../book/shards/sharded-centre.ts";
import { openZstd } from "../frames/zstd.ts";
import { LoadMaker } from "./load-chunks.ts";
import { openSharded } from "./sharded.ts";

export interface ShardKillOptions {
  readonly seed: number;
  readonly kills: number;
  readonly shards: number;
  readonly liveOrders: number;
  readonly instruments: number;
  readonly messagesPerSecond: number;
  readonly messagesPerChunk: number;
}

export interface ShardKills {
  readonly messages: number;
  readonly backMs: readonly number[];
  readonly pauseNsMax: number;
  readonly stateBytes: number;
  readonly books: number;
  readonly different: readonly string[];
}

const LIFE_MS = 700;
const BACK_LIMIT_MS = 60_000;

export async function shardKills(options: ShardKillOptions): Promise<ShardKills> {
  const { seed, shards: count, liveOrders, instruments, messagesPerChunk } = options;
  const state = mkdtempSync(join(tmpdir(), "edgebook-shard-kills-"));
  const maker = new LoadMaker({
    seed,
    streams: 2,
    instruments,
    liveOrders,
    messagesPerChunk,
    collector: "load",
    boot: 1,
  });
  const oracle = new Live({ zstd: openZstd(), ask() {} });
  const { centre, close } = openSharded({ count, state, saveNs: 2e9, canAsk: true });
  const offer = async () => {
    const nowMs = Date.now();
    const chunk = maker.next(Math.floor(nowMs / 1000), (nowMs % 1000) * 1e6);
    oracle.push(chunk.bytes, nowMs * 1e6);
    await centre.push(chunk.bytes);
  };
  const backMs: number[] = [];
  try {
    centre.begin();
    for (let made = 0; made < maker.buildUp; made++) {
      await offer();
      if (made % 4 === 3) await Bun.sleep(0);
    }
    const everyMs = (messagesPerChunk / options.messagesPerSecond) * 1000;
    const load = async (ms: number, until: () => boolean) => {
      const end = performance.now() + ms;
      while (!until() && performance.now() < end) {
        await offer();
        await Bun.sleep(everyMs);
      }
    };
    for (let kill = 0; kill < options.kills; kill++) {
      await load(LIFE_MS, () => false);
      const shard = centre.shards[kill % count];
      const before = shard.restarts;
      shard.backMs = Number.NaN;
      shard.kill();
      await load(BACK_LIMIT_MS, () => shard.restarts > before && !Number.isNaN(shard.backMs));
      backMs.push(shard.backMs);
    }
    await centre.finish();
    oracle.finish(Date.now() * 1e6);
    const different = await differing(centre, oracle, maker.tokens);
    const pauseNsMax = Math.max(...centre.shards.map((shard) => shard.pauseNsMax));
    const stateBytes = centre.shards.reduce((sum, shard) => sum + shard.stateBytes, 0);
    return { messages: maker.messages, backMs, pauseNsMax, stateBytes, ...different };
  } finally {
    await close();
    rmSync(state, { recursive: true, force: true });
  }
}

async function differing(centre: ShardedCentre, oracle: Live, tokens: readonly string[]) {
  const api = new LiveApi(oracle);
  const different: string[] = [];
  let books = 0;
  for (const token of tokens) {
    if (oracle.find("nse-fo", token) === undefined) continue;
    books++;
    const wanted = api.book("nse-fo", token, "1000");
    const found = await centre.api.book("nse-fo", token, "1000");
    if (!Bun.deepEquals(found, wanted)) different.push(token);
  }
  return { books, different };
}
