/** The book service killed under load: the small size of `npm run prove -- crash`. */
import { expect, test } from "bun:test";
import { crashRun } from "./crash-run.ts";

for (const shards of [undefined, 2]) {
  const where = shards === undefined ? "one thread" : `${shards} shards`;
  test(`kill -9 of a service under load changes no book (${where})`, async () => {
    const seed = 5;
    const run = await crashRun({
      seed,
      kills: shards === undefined ? 1 : 2,
      shards,
      liveOrders: 4000,
      instruments: 60,
      messagesPerSecond: 20_000,
      messagesPerChunk: 500,
      saveEvery: "200ms",
      lifeMs: [300, 300],
    });
    expect([seed, run.books, run.different]).toEqual([seed, 60, []]);
    expect(run.messages).toBeGreaterThan(10_000);
    expect(Math.max(...run.backMs)).toBeLessThan(30_000);
  }, 90_000);
}
