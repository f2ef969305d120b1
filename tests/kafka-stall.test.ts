/** The small size of `npm run prove -- kafka-stall`. */
import { expect, test } from "bun:test";
import { sharedKafka } from "./kafka-broker.ts";
import { stallRun } from "./kafka-stall-run.ts";

test("a broker that stands still costs no chunk, and no memory beyond the bound", async () => {
  const broker = await sharedKafka();
  if (broker?.pid === undefined) return;
  const bytesLimit = 300_000;
  const run = await stallRun(broker, {
    stallMs: 4000,
    rounds: 1,
    bytesLimit,
    chunksPerSecond: 40,
    messagesPerChunk: 2000,
    onSaid() {},
  });
  expect(run.bytes).toBeGreaterThan(bytesLimit * 4);
  expect(run.lost).toBe(0);
  expect(run.usedMost).toBeGreaterThan(bytesLimit / 2);
  expect(run.usedMost).toBeLessThanOrEqual(bytesLimit);
}, 180_000);
