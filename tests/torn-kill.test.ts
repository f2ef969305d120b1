/** Real kills of a collector; more of them are `npm run prove -- torn`. */
import { expect, test } from "bun:test";
import { killRun } from "./torn-kill.ts";

const KILLS = 3;
const seed = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

test(`what a killed collector kept comes to broker and directory, once each (seed: ${seed})`, async () => {
  const run = await killRun(KILLS, seed);
  console.log(JSON.stringify(run));
  expect(run.complaints.slice(0, 10)).toEqual([]);
  // On a busy machine a short life may end before its first chunk.
  expect(run.boots).toBeGreaterThan(1);
  expect(run.chunks).toBeGreaterThan(KILLS);
}, 90_000);
