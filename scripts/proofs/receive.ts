/**
 * The collector with its ring beside a C program with the same ring, on a veth pair of our own.
 * For each datagram size: the highest rate at which each of them (and the ring alone) loses nothing, CPU a million
 * datagrams, and whether the spool holds exactly what was sent. Arguments: seconds a run, then rates
 * in datagrams a second from high to low (0: all that the sender can).
 */
import { mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import {
  buildYardstick,
  type CollectorRun,
  type Load,
  runCollector,
  runRing,
  runYardstick,
  type YardstickRun,
  yardstickObstacle,
} from "../../bench/receive.ts";
import { ReceiveWire, wireObstacle } from "../../bench/receive-wire.ts";

const [seconds = 4, ...given] = process.argv.slice(2).map(Number);
const rates = given.length > 0 ? given : [0, 800_000, 600_000, 500_000, 400_000, 300_000, 200_000];
/** What an unpaced sender is taken to reach, to choose how many datagrams it sends. */
const FASTEST = 1_000_000;

const obstacle = wireObstacle() ?? yardstickObstacle();
if (obstacle !== undefined) {
  console.log(`not run: ${obstacle}`);
  process.exit(0);
}
const scratch = mkdtempSync(join(tmpdir(), "edgebook-receive-"));
const wire = new ReceiveWire();
const cleanUp = () => {
  wire.remove();
  rmSync(scratch, { recursive: true, force: true });
};
process.on("SIGINT", () => {
  cleanUp();
  process.exit(130);
});

let wrong = 0;
try {
  const yardstick = buildYardstick(scratch);
  for (const size of [100, 500]) wrong += await compare(yardstick, size);
} finally {
  cleanUp();
}
process.exit(wrong === 0 ? 0 : 1);

/** @returns how many runs are not accounted for to the last datagram */
async function compare(yardstick: string, size: number): Promise<number> {
  const ofYardstick = (load: Load) => runYardstick(wire, yardstick, load);
  const yardstickRate = await highest(size, "yardstick", ofYardstick);
  await highest(size, "ring alone", (load) => runRing(wire, load));
  let wrongRuns = 0;
  for (const rate of rates) {
    const load = { size, rate, count: countAt(rate) };
    const run = await runCollector(wire, join(scratch, "collector"), load);
    console.log(`${size} B  edgebook   ${lineOf(run)}`);
    for (const complaint of run.complaints) console.log(`  WRONG: ${complaint}`);
    if (run.complaints.length > 0) wrongRuns++;
    if (run.kernelDrops > 0) continue;
    const asked = rate === 0 ? "all that the sender gave" : `${rate}/s asked`;
    console.log(
      `${size} B  nothing lost at ${run.sentRate}/s (${asked}), ` +
        `by the yardstick at ${yardstickRate}/s; load of this machine ${loadavg()[0].toFixed(1)}`,
    );
    break;
  }
  return wrongRuns;
}

/** Prints the runs from high to low. @returns the rate of the first that loses nothing */
async function highest(
  size: number,
  name: string,
  runAt: (load: Load) => Promise<YardstickRun>,
): Promise<number> {
  let reached = 0;
  for (const rate of rates) {
    const load = { size, rate, count: countAt(rate) };
    const run = await runAt(load);
    const missing = load.count - run.received;
    console.log(
      `${size} B  ${name.padEnd(10)} ${run.sentRate}/s  ${missing} lost  ` +
        `${millions(run.cpuNs)} s CPU a million`,
    );
    reached = run.sentRate;
    if (missing === 0) break;
  }
  return reached;
}

function lineOf(run: CollectorRun): string {
  const { spool, chunks, chunksStored } = run;
  return (
    `${run.sentRate}/s  ${run.kernelDrops} lost  ${millions(run.cpuNs)} s CPU a million ` +
    `(receiving ${millions(run.receiveNs)})  ${Math.round((100 * chunksStored) / Math.max(1, chunks))} % of chunks stored uncompressed  ` +
    `drained in ${run.drainSeconds.toFixed(1)} s  ${run.peakMiB} MiB  ` +
    `spool ${spool.frames} frames, ${(spool.bytes / spool.frames).toFixed(1)} B each, ` +
    `digest ${spool.digest}`
  );
}

function countAt(rate: number): number {
  return Math.round(seconds * (rate || FASTEST));
}

/** CPU seconds a million datagrams, from nanoseconds for one. */
function millions(cpuNs: number): string {
  return (cpuNs / 1000).toFixed(3);
}
