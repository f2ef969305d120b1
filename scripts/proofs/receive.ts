/**
 * The collector beside C programs that only receive, by ring and by sockets, on a veth pair of our own.
 * For each way and datagram size: the highest rate at which the C program loses nothing; then the
 * collector at that rate (by sockets at 0.9 of it), and below where it loses; CPU a million
 * datagrams of both; and whether the spool holds exactly what was sent. Arguments: seconds a run,
 * then rates in datagrams a second from high to low (0: all that the sender can); the words `ring`,
 * `socket`, `100B`, `500B` leave out the others of their kind. The spool is in
 * TMPDIR: what its disk takes from a program that only writes is printed first, since the C program
 * writes nothing. Where it has no room for so many seconds of datagrams as they are, a run is
 * shorter and that is said.
 */
import { mkdtempSync, rmSync, statfsSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import {
  buildYardstick,
  type CollectorRun,
  type Load,
  runCollector,
  runRing,
  runYardstick,
  type Way,
  type YardstickRun,
  yardstickObstacle,
} from "../../bench/receive.ts";
import { writeAlone } from "../../bench/receive-disk.ts";
import { ReceiveWire, wireObstacle } from "../../bench/receive-wire.ts";

const words = process.argv.slice(2);
const [seconds = 60, ...given] = words.filter((word) => /^\d+$/.test(word)).map(Number);
const chosen = <T>(all: readonly T[], nameOf: (each: T) => string) =>
  all.some((each) => words.includes(nameOf(each)))
    ? all.filter((each) => words.includes(nameOf(each)))
    : all;
const strange = words.filter((word) => !/^(\d+|ring|socket|100B|500B)$/.test(word));
if (strange.length > 0) {
  console.error(
    `not understood: ${strange.join(" ")}; seconds, rates, ring, socket, 100B, 500B are`,
  );
  process.exit(2);
}
const WAYS = chosen(["ring", "socket"] as const, (way) => way);
const SIZES = chosen([100, 500], (size) => `${size}B`);
const rates = given.length > 0 ? given : [0, 800_000, 600_000, 500_000, 400_000, 300_000, 200_000];
/** What an unpaced sender is taken to reach, to choose how many datagrams it sends. */
const FASTEST = 1_000_000;
/** Beyond what the kernel takes before it makes a writer wait, on small hosts. */
const DISK_BYTES = 1536 << 20;
/** Of the C program's rate, what the collector is asked for. */
const SHARE = { ring: 1, socket: 0.9 } as const;
/** Of the room in TMPDIR, what a spool may take. */
const ROOM_SHARE = 0.6;
/** Where it loses something, it is asked for so much less, down to a fifth. */
const STEPS = [1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2];

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
  sayDisk();
  for (const way of WAYS) {
    for (const size of SIZES) wrong += await compare(way, size);
  }
} finally {
  cleanUp();
}
process.exit(wrong === 0 ? 0 : 1);

function sayDisk(): void {
  const { bytesASecond, cpuNsAByte } = writeAlone(scratch, DISK_BYTES);
  const costs = SIZES.map((size) => `${millions(size * cpuNsAByte)} of ${size} B`);
  console.log(
    `the disk alone takes ${Math.round(bytesASecond / 1e6)} MB/s for ${DISK_BYTES >> 20} MiB; ` +
      `s CPU to write a million: ${costs.join(", ")}`,
  );
}

/** @returns how many runs are not accounted for to the last datagram */
async function compare(way: Way, size: number): Promise<number> {
  const name = `${size} B by ${way}`;
  const program = buildYardstick(scratch, way);
  const yardstick = await highest(name, "C", size, (load) =>
    runYardstick(wire, program, load, way),
  );
  if (way === "ring") await highest(name, "ring alone", size, (load) => runRing(wire, load));
  let wrongRuns = 0;
  for (const step of STEPS) {
    const rate = Math.round(yardstick * SHARE[way] * step);
    const load = { size, rate, count: Math.round(secondsWithRoom(name, size, rate) * rate) };
    const run = await runCollector(wire, join(scratch, "collector"), load, way);
    console.log(`${name}  edgebook   ${lineOf(run)}`);
    for (const complaint of run.complaints) console.log(`  WRONG: ${complaint}`);
    if (run.complaints.length > 0) wrongRuns++;
    if (run.kernelDrops > 0) continue;
    console.log(
      `${name}  nothing lost at ${run.sentRate}/s, by the C program at ${yardstick}/s: ` +
        `${(run.sentRate / yardstick).toFixed(2)} of it; load of this machine ` +
        loadavg()[0].toFixed(1),
    );
    break;
  }
  return wrongRuns;
}

function secondsWithRoom(name: string, size: number, rate: number): number {
  const { bavail, bsize } = statfsSync(scratch);
  const most = (bavail * bsize * ROOM_SHARE) / (size * rate);
  if (most < seconds) console.log(`${name}  TMPDIR has room for ${most.toFixed(0)} s only`);
  return Math.min(seconds, most);
}

/** Prints the runs from high to low. @returns the rate of the first that loses nothing */
async function highest(
  name: string,
  who: string,
  size: number,
  runAt: (load: Load) => Promise<YardstickRun>,
): Promise<number> {
  let reached = 0;
  for (const rate of rates) {
    const load = { size, rate, count: Math.round(seconds * (rate || FASTEST)) };
    const run = await runAt(load);
    const missing = load.count - run.received;
    console.log(
      `${name}  ${who.padEnd(10)} ${run.sentRate}/s  ${missing} lost  ` +
        `${millions(run.cpuNs)} s CPU a million`,
    );
    reached = run.sentRate;
    if (missing === 0) break;
  }
  return reached;
}

function lineOf(run: CollectorRun): string {
  const { spool, chunks, chunksStored, chunksRepacked } = run;
  return (
    `${run.sentRate}/s  ${run.kernelDrops} lost  ${millions(run.cpuNs)} s CPU a million ` +
    `(receiving ${millions(run.receiveNs)})  ${chunksStored} of ${chunks} chunks stored, ` +
    `${chunksRepacked} compressed later  drained in ${run.drainSeconds.toFixed(1)} s  ` +
    `${run.peakMiB} MiB  spool ${spool.frames} frames, ` +
    `${(spool.bytes / spool.frames).toFixed(1)} B each, digest ${spool.digest}`
  );
}

/** CPU seconds a million datagrams, from nanoseconds for one. */
function millions(cpuNs: number): string {
  return (cpuNs / 1000).toFixed(3);
}
