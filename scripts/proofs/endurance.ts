/**
 * Stops Mosquitto for a minute, in another run the book service, then both, under heavy traffic: nothing is lost.
 * Prints how fast the spool drained and the peak memory of each process. Then traffic of 100,000
 * datagrams a second without a pause. Arguments: `--rate N` (200000; lowered until this host's kernel
 * drops nothing), `--pause SECONDS` (60), `--minutes N` of the run without a pause (30).
 */
import { parseArgs } from "node:util";
import { type EnduranceOptions, enduranceRun } from "../../tests/endurance-run.ts";
import { enduranceComplaints, enduranceSummary } from "../../tests/endurance-verdict.ts";
import { mosquittoProgram } from "../../tests/live-mqtt-broker.ts";

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "200000" },
    pause: { type: "string", default: "60" },
    minutes: { type: "string", default: "30" },
  },
});
const STEADY_RATE = 100_000;
/** One that cannot be taken for so long is not asked for a minute. */
const TRIAL_SECONDS = 5;
const AROUND_SECONDS = 10;

if (mosquittoProgram() === null) {
  console.log("not run: no mosquitto");
  process.exit(0);
}
let wrong = 0;
const asked = Number(values.rate);
const pauseSeconds = Number(values.pause);
const rate = await highestRate(asked);
for (const pause of ["broker", "book", "both"] as const) {
  await prove({ pause, pauseSeconds, aroundSeconds: AROUND_SECONDS, rate, drainSeconds: 300 });
}
const steady = Math.min(STEADY_RATE, rate);
const minutes = Number(values.minutes) * 60;
await prove({
  ...{ pause: "nobody", pauseSeconds: minutes / 3, aroundSeconds: minutes / 3 },
  ...{ rate: steady, drainSeconds: 120 },
});
console.log(wrong === 0 ? "all as it should be" : `${wrong} things are wrong`);
process.exit(wrong === 0 ? 0 : 1);

async function prove(options: EnduranceOptions): Promise<void> {
  const run = await enduranceRun(options);
  console.log(enduranceSummary(run));
  const complaints = enduranceComplaints(run);
  for (const complaint of complaints) console.log(`  WRONG: ${complaint}`);
  wrong += complaints.length;
}

/** The highest rate of which this host, with all that runs on it, drops nothing for a few seconds. */
async function highestRate(from: number): Promise<number> {
  for (let rate = from; rate > from / 8; rate = Math.round(rate * 0.75)) {
    const trial = { pauseSeconds: TRIAL_SECONDS, aroundSeconds: 1, drainSeconds: 60 };
    const run = await enduranceRun({ ...trial, pause: "nobody", rate });
    console.log(
      `trial: ${run.sentRate}/s of ${rate}/s sent, ${run.kernelDrops} dropped by the kernel`,
    );
    if (run.kernelDrops === 0 && run.sentRate > 0.95 * rate) return rate;
  }
  return Math.round(from / 8);
}
