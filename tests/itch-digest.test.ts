import { expect, test } from "bun:test";
import { digestObstacle, runDigest } from "./itch-digest.ts";

const obstacle = digestObstacle();
if (obstacle !== undefined) console.log(`not run: ${obstacle}`);

test.if(obstacle === undefined)(
  "a million generated messages give the generator's own digest of best prices",
  async () => {
    const run = await runDigest(1_000_000, 500, 1);
    expect(run.messages).toBe(1_000_000);
    expect(run.changes).toBe(run.expectedChanges);
    expect(run.digest).toBe(run.expectedDigest);
    const { asked, wrong, digest } = run.queues;
    expect([asked, wrong, digest]).toEqual([1000, 0, run.expectedDigest]);
    expect(run.queues.orders).toBeGreaterThan(1000);
  },
  120_000,
);
