/** A book service at a rate: the small size of `npm run prove -- live-rate`. */
import { expect, test } from "bun:test";
import { rateRun } from "./rate-run.ts";

test("chunks over the embedded broker are in the books, none lost, and it is told how fast", async () => {
  const seed = 6;
  const run = await rateRun({
    seed,
    seconds: 2,
    messagesPerSecond: 20_000,
    messagesPerChunk: 1000,
    liveOrders: 5000,
    instruments: 100,
    shards: undefined,
  });
  expect([seed, run.position, run.lost]).toEqual([seed, run.messages, 0]);
  expect(run.p50Ms).toBeGreaterThan(0);
  expect(run.maxMs).toBeGreaterThanOrEqual(run.p99Ms);
  expect(run.samples.length).toBeGreaterThan(0);
}, 60_000);
