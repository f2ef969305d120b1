/** A book service at a rate: the small size of `npm run prove -- live-rate`. */
import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rateRun } from "./rate-run.ts";

test("chunks over the embedded broker are in the books, none lost, and it is told how fast", async () => {
  const seed = 6;
  const folder = mkdtempSync(join(tmpdir(), "edgebook-rate-"));
  const run = await rateRun({
    seed,
    folder,
    seconds: 2,
    messagesPerSecond: 20_000,
    messagesPerChunk: 1000,
    liveOrders: 5000,
    instruments: 100,
    shards: undefined,
  }).finally(() => rmSync(folder, { recursive: true }));
  expect([seed, run.position, run.lost]).toEqual([seed, run.messages, 0]);
  expect(run.p50Ms).toBeGreaterThan(0);
  expect(run.maxMs).toBeGreaterThanOrEqual(run.p99Ms);
  expect(run.samples.length).toBeGreaterThan(0);
}, 60_000);
