/**
 * Kills a book service (`kill -9`) and single shards 50 times under load: every book equals an unbroken run's.
 *
 *   npm run prove -- crash [KILLS [LIVE_ORDERS [MESSAGES_PER_SECOND [SHARDS]]]]
 *
 * Prints how long after each kill the books had everything that there was at the kill.
 */
import { cpus } from "node:os";
import { crashRun } from "../../tests/crash-run.ts";
import { shardKills } from "../../tests/shard-kills.ts";

const [kills = 50, liveOrders = 2_500_000, messagesPerSecond = 50_000, shards = 2] = process.argv
  .slice(2)
  .map(Number);
const SEED = 7;

console.log(`${cpus()[0]?.model ?? "?"}, ${cpus().length} processors, Bun ${Bun.version}`);
const options = { seed: SEED, kills, shards, liveOrders, instruments: 2000, messagesPerSecond };
const run = await crashRun({
  ...options,
  messagesPerChunk: 8000,
  saveEvery: "3s",
  lifeMs: [1000, 3000],
  onKill: (kill, backMs) => console.log(`kill ${kill}: back after ${(backMs / 1000).toFixed(2)} s`),
});
report("kill -9 of the service", run.backMs);
console.log(
  `${run.messages} messages, ${run.liveOrders} live orders; ` +
    `${run.books} books compared, ${run.different.length} differ ${run.different.join(" ")}`,
);
const shardRun = await shardKills({ ...options, messagesPerChunk: 8000 });
report("single shards killed", shardRun.backMs);
console.log(
  `${shardRun.messages} messages; longest stop for a checkpoint ` +
    `${(shardRun.pauseNsMax / 1e6).toFixed(1)} ms of ${Math.round(shardRun.stateBytes / 1e6)} MB; ` +
    `${shardRun.books} books compared, ${shardRun.different.length} differ ${shardRun.different.join(" ")}`,
);
process.exit(run.different.length + shardRun.different.length === 0 ? 0 : 1);

function report(what: string, backMs: readonly number[]): void {
  const sorted = [...backMs].sort((a, b) => a - b);
  const seconds = (share: number) =>
    ((sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0) / 1000).toFixed(
      2,
    );
  console.log(
    `${what}: ${sorted.length} times; back after ${seconds(0.5)} s (median), ${seconds(1)} s (most)`,
  );
}
