/** One shard beside two on the same chunks: the small size of `npm run prove -- shards`. */
import { expect, test } from "bun:test";
import { shardsRun } from "./shards-run.ts";

test("two shards give the books of one, from chunks on disk", async () => {
  const seed = 3;
  const run = await shardsRun({
    seed,
    messages: 60_000,
    liveOrders: 10_000,
    instruments: 100,
    messagesPerChunk: 2000,
    rounds: 1,
  });
  expect([seed, run.messages, run.isEqual]).toEqual([seed, 60_000, true]);
}, 60_000);
