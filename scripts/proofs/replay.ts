/**
 * The replayer beside tcpreplay on a veth pair of our own: rate at full speed, how late frames
 * come at 1x, 10x and 100x, and the NYSE capture's even spacing as received. Every frame must
 * come, in its order. Arguments: rounds (3), and `frames` of each paced capture at most (all).
 */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { ReceiveWire, wireObstacle } from "../../bench/receive-wire.ts";
import {
  cutPiece,
  type Heard,
  type Jitter,
  machineJitter,
  type Piece,
  type Player,
  playAndHear,
  playTopSpeed,
  tcpreplayObstacle,
} from "../../bench/replay.ts";

const [rounds = 3, most = Number.POSITIVE_INFINITY] = process.argv.slice(2).map(Number);
const CAPTURES = join(import.meta.dir, "../../../shared/data");
const NYSE = join(CAPTURES, "captures/other/Nyse.ImbalancesFeed.v2.1.f.Example.pcap.gz");
const CME = join(CAPTURES, "captures/other/Cme.Mdp3.Sbe.v8.1.Example.pcap.gz");
const AMZN = join(CAPTURES, "books/amzn_l5.mold64.pcap.gz");
/** Its first so many frames last 1.5 minutes with silences of seconds between bursts. */
const CME_FRAMES = 2000;
/** At full speed a capture is played over and over: the start of a program is not its speed. */
const TOP_FRAMES = 750_000;
const PLAYERS: readonly Player[] = ["tcpreplay", "edgebook"];
const SPACING_NS = 2e6;

const noCaptures = existsSync(NYSE) ? undefined : "no captures";
const obstacle = tcpreplayObstacle() ?? wireObstacle() ?? noCaptures;
if (obstacle !== undefined) {
  console.log(`not run: ${obstacle}`);
  process.exit(0);
}
const scratch = mkdtempSync(join(tmpdir(), "edgebook-replay-"));
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
  const cut = (name: string, from: string, frames = most) =>
    cutPiece(name, from, join(scratch, `${name}.pcap`), Math.min(frames, most));
  const nyse = await cut("NYSE", NYSE);
  const cme = await cut("CME", CME, CME_FRAMES);
  const amzn = await cut("AMZN", AMZN);
  console.log(`load of this machine ${loadavg()[0].toFixed(1)}; ${rounds} rounds, in turn`);
  for (const piece of [nyse, amzn]) await topSpeed(piece, Math.ceil(TOP_FRAMES / piece.frames));
  for (const speed of [1, 10, 100]) await lateness(nyse, speed);
  for (const speed of [10, 100]) await lateness(cme, speed);
} finally {
  cleanUp();
}
process.exit(wrong === 0 ? 0 : 1);

async function topSpeed(piece: Piece, passes: number): Promise<void> {
  const rates: Record<Player, number[]> = { tcpreplay: [], edgebook: [] };
  const cpus: Record<Player, number[]> = { tcpreplay: [], edgebook: [] };
  for (let round = 0; round < rounds; round++) {
    for (const player of PLAYERS) {
      const { perSecond, arrived, cpuNs } = await playTopSpeed(wire, player, piece, passes);
      // The kernels of both ends say a few packets of their own.
      if (arrived < piece.frames * passes) complain(`${player}: ${arrived} frames came`);
      rates[player].push(perSecond);
      cpus[player].push(cpuNs);
    }
  }
  const [theirs, ours] = PLAYERS.map((player) => median(rates[player]));
  console.log(
    `${piece.name}  max: edgebook ${ours}/s, tcpreplay --topspeed ${theirs}/s: ` +
      `${(ours / theirs).toFixed(2)} times (${rates.edgebook} against ${rates.tcpreplay})`,
  );
  const [theirCpu, ourCpu] = PLAYERS.map((player) => Math.min(...cpus[player]));
  console.log(
    `      CPU a datagram: edgebook ${ourCpu.toFixed(0)} ns, tcpreplay ${theirCpu.toFixed(0)} ns: ` +
      `${(theirCpu / ourCpu).toFixed(2)} times`,
  );
}

async function lateness(piece: Piece, speed: number): Promise<void> {
  const heard: Record<Player, Heard[]> = { tcpreplay: [], edgebook: [] };
  const jitter: Jitter[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const player of PLAYERS) {
      const one = await playAndHear(wire, player, piece, speed, scratch);
      if (!one.whole && player === "edgebook") complain(`only ${one.frames} frames came whole`);
      heard[player].push(one);
    }
    if (piece.name === "NYSE") jitter.push(await machineJitter(wire, SPACING_NS / speed, 2500));
  }
  for (const player of PLAYERS) {
    const runs = heard[player];
    const of = (pick: (one: Heard) => number) => micros(median(runs.map(pick)));
    console.log(
      `${piece.name}  ${speed}x  ${player.padEnd(9)} late p50 ${of((one) => one.lateP50Ns)}, ` +
        `p99 ${of((one) => one.lateP99Ns)}, max ${of((one) => one.lateMaxNs)}; ` +
        `spacing off by p99 ${of((one) => one.spacingP99Ns)}`,
    );
  }
  if (jitter.length === 0) return;
  const alone = (pick: (one: Jitter) => number) => micros(median(jitter.map(pick)));
  console.log(
    `      who only looks at the clock: late p99 ${alone((one) => one.lateP99Ns)}, ` +
      `max ${alone((one) => one.lateMaxNs)}; spacing off by p99 ${alone((one) => one.spacingP99Ns)}`,
  );
}

function complain(what: string): void {
  console.log(`  WRONG: ${what}`);
  wrong++;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1];
}

function micros(ns: number): string {
  return `${(ns / 1000).toFixed(1)} us`;
}
