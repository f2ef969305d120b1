/** Torn writes on a disk in memory; many more of them, and real kills, are `npm run prove -- torn`. */
import { expect, test } from "bun:test";
import { FaultyDisk } from "../faults/disk.ts";
import { tornRun } from "./torn-disk.ts";

const RUNS = 100;
const first = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

test(`whatever a kill or a power cut tears, what was kept comes, once and as it was (seed: ${first})`, () => {
  const totals = {
    ...{ kills: 0, powerCuts: 0, kept: 0, forgotten: 0, repeated: 0, bytesTorn: 0 },
    byDictionary: 0,
  };
  for (let seed = first; seed < first + RUNS; seed++) {
    const run = tornRun(seed);
    expect({ seed, complaints: run.complaints }).toEqual({ seed, complaints: [] });
    for (const name of Object.keys(totals) as (keyof typeof totals)[]) totals[name] += run[name];
  }
  console.log(JSON.stringify(totals));
  expect(totals.kills).toBeGreaterThan(RUNS / 3);
  expect(totals.bytesTorn).toBeGreaterThan(0);
  expect(totals.byDictionary).toBeGreaterThan(totals.kept / 10);
}, 120_000);

/** Says that it cut a file, and did not. */
class UncutDisk extends FaultyDisk {
  override truncate(): void {}
}

/** Says that it synced, and did not. */
class UnsyncedDisk extends FaultyDisk {
  override sync(): void {}
}

/** Puts a file in the place of another, and half of it. */
class HalfDisk extends FaultyDisk {
  override replace(name: string, bytes: Uint8Array): void {
    super.replace(name, bytes.subarray(0, bytes.length / 2));
  }
}

/** Gives other bytes than were written, now and then. */
class BentDisk extends FaultyDisk {
  override write(name: string, bytes: Uint8Array, at: number): void {
    super.write(name, bytes.length % 7 === 0 ? bytes.map((byte) => byte ^ 1) : bytes, at);
  }
}

for (const Disk of [UncutDisk, UnsyncedDisk, HalfDisk, BentDisk]) {
  test(`a spool on an ${Disk.name} is complained of (seed: ${first})`, () => {
    let complaints = 0;
    for (let seed = first; seed < first + RUNS && complaints === 0; seed++) {
      complaints = tornRun(seed, Disk).complaints.length;
    }
    expect(complaints).toBeGreaterThan(0);
  });
}
