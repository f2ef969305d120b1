/**
 * A hundred days of a simulated exchange through real processes that are killed by kill -9.
 * Collector, Mosquitto and book service, at moments drawn from a seed and started again at once; the
 * final books must equal the auditor's and nothing may be lost. Arguments: runs, first seed.
 */
import { mosquittoProgram } from "../../tests/live-mqtt-broker.ts";
import { planOf, planText } from "../../tests/sockets-plan.ts";
import { type SocketsRun, socketsRun } from "../../tests/sockets-run.ts";
import { complaintsOf, summaryOf } from "../../tests/sockets-verdict.ts";

const [runs = "100", first = "1"] = process.argv.slice(2);
if (mosquittoProgram() === null) {
  console.log("not run: no mosquitto");
  process.exit(0);
}

const failed: number[] = [];
const settled: number[] = [];
const kills = { collector: 0, "second collector": 0, book: 0, broker: 0 };
const startMs = performance.now();
for (let at = 0; at < Number(runs); at++) {
  const plan = planOf(Number(first) + at);
  for (const { victim } of plan.kills) kills[victim]++;
  const complaints = await judged(plan.seed);
  if (complaints.length === 0) continue;
  failed.push(plan.seed);
  console.log(`  WRONG: ${planText(plan)}`);
  for (const complaint of complaints) console.log(`  WRONG: ${complaint}`);
  console.log(`  again: npm run prove -- sim-sockets 1 ${plan.seed}`);
}

const seconds = ((performance.now() - startMs) / 1000).toFixed(0);
settled.sort((a, b) => a - b);
const [median, most] = [0.5, 1].map((share) => {
  const ms = settled[Math.min(settled.length - 1, Math.floor(share * settled.length))] ?? NaN;
  return (ms / 1000).toFixed(1);
});
const struck = Object.entries(kills).map(([victim, count]) => `${victim} ${count}`);
console.log(
  `${runs} runs in ${seconds} s; killed: ${struck.join(", ")}; whole again after ${median} s ` +
    `(median), ${most} s at most; ${failed.length} failed${failed.map((seed) => ` ${seed}`).join()}`,
);
process.exit(failed.length === 0 ? 0 : 1);

async function judged(seed: number): Promise<string[]> {
  let run: SocketsRun;
  try {
    run = await socketsRun(planOf(seed));
  } catch (error) {
    return [String(error)];
  }
  console.log(summaryOf(run));
  settled.push(run.settledMs);
  const complaints = complaintsOf(run);
  return complaints.length === 0 ? [] : [...complaints, ...run.words.split("\n")];
}
