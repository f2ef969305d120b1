/**
 * Two shards beside one, from chunks on disk to books, in turns: at least 1.6 times as fast on two cores.
 *
 *   npm run prove -- shards [MESSAGES [ROUNDS]]
 *
 * Each shard compiles its code anew, half a second of a core or so: a run has to be long beside that.
 */
import { cpus, loadavg } from "node:os";
import { shardsRun, type TimedRun } from "../../tests/shards-run.ts";

const [messages = 24_000_000, rounds = 3] = process.argv.slice(2).map(Number);
const GOAL = 1.6;

console.log(`${cpus()[0]?.model ?? "?"}, ${cpus().length} processors, Bun ${Bun.version}`);
const run = await shardsRun({
  seed: 3,
  messages,
  liveOrders: 500_000,
  instruments: 10_000,
  messagesPerChunk: 8000,
  rounds,
  onRun: (shards, { seconds, busiestSeconds, cpuSeconds }) =>
    console.log(
      `${shards} shard(s): ${seconds.toFixed(2)} s, ${Math.round(messages / seconds / 1000)} k/s; ` +
        `busiest thread ${busiestSeconds.toFixed(2)} s, all ${cpuSeconds.toFixed(2)} s ` +
        `(load average ${loadavg()[0].toFixed(1)})`,
    ),
});
const ratio = (of: (run: TimedRun) => number) => {
  const ratios = run.one.map((one, round) => of(one) / of(run.two[round])).sort((a, b) => a - b);
  return ratios[Math.floor(ratios.length / 2)];
};
const wall = ratio(({ seconds }) => seconds);
const busiest = ratio(({ busiestSeconds }) => busiestSeconds);
console.log(
  `${run.messages} messages; two shards are ${wall.toFixed(2)} times as fast (median of ${rounds} ` +
    `rounds); by the busiest thread's processor time, so without whatever else the machine does, ` +
    `${busiest.toFixed(2)} times; books ${run.isEqual ? "equal" : "DIFFER"}`,
);
process.exit(run.isEqual && wall >= GOAL ? 0 : 1);
