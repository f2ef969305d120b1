/**
 * Kills a spool in the middle of its writes: 2000 histories on a disk in memory, 30 kills of a collector.
 * Nothing that was kept is lost, and nothing comes twice to a reader's eyes. Arguments: a seed, then
 * how many histories and how many real kills.
 */
import { tornRun } from "../../tests/torn-disk.ts";
import { killRun } from "../../tests/torn-kill.ts";

const [seed = Math.floor(Math.random() * 2 ** 31), runs = 2000, kills = 30] = process.argv
  .slice(2)
  .map(Number);
const SHOWN = 10;
let wrong = 0;

function complain(complaints: readonly string[]): void {
  for (const complaint of complaints.slice(0, SHOWN)) console.log(`  WRONG: ${complaint}`);
  wrong += complaints.length;
}

const totals = { kills: 0, powerCuts: 0, kept: 0, forgotten: 0, repeated: 0, bytesTorn: 0 };
for (let run = seed; run < seed + runs; run++) {
  const told = tornRun(run);
  if (told.complaints.length > 0) console.log(`seed ${run}`);
  complain(told.complaints);
  for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += told[name];
}
console.log(
  `a disk in memory, seeds ${seed} to ${seed + runs - 1}: ${totals.kills} kills and ` +
    `${totals.powerCuts} power cuts, ${totals.bytesTorn} bytes torn off; of ${totals.kept} chunks ` +
    `kept none was lost but ${totals.forgotten} that were not synced before a power cut; ` +
    `${totals.repeated} came again and were known`,
);

const real = await killRun(kills, seed);
complain(real.complaints);
console.log(
  `a collector, killed ${real.kills} times: ${real.chunks} chunks of ${real.boots} lives in its ` +
    `spool, in the directory once each, and at the broker's reader, which knew ` +
    `${real.repeated} that came again; ${real.bytesTorn} bytes torn off at the end`,
);
console.log(wrong === 0 ? "all as it should be" : `${wrong} things are wrong (seed ${seed})`);
process.exit(wrong === 0 ? 0 : 1);
