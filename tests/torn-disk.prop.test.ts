/** Torn writes on a disk in memory; many more of them, and real kills, are `npm run prove -- torn`. */
import { expect, test } from "bun:test";
import { tornRun } from "./torn-disk.ts";

const RUNS = 200;
const first = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

test(`whatever a kill or a power cut tears, what was kept comes, once and as it was (seed: ${first})`, () => {
  const totals = { kills: 0, powerCuts: 0, kept: 0, forgotten: 0, repeated: 0, bytesTorn: 0 };
  for (let seed = first; seed < first + RUNS; seed++) {
    const run = tornRun(seed);
    expect({ seed, complaints: run.complaints }).toEqual({ seed, complaints: [] });
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += run[name];
  }
  console.log(JSON.stringify(totals));
  expect(totals.kills).toBeGreaterThan(RUNS / 3);
  expect(totals.bytesTorn).toBeGreaterThan(0);
}, 60_000);
