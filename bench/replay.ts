/**
 * Edge: edgebook's replayer and tcpreplay on the same wire: the same capture at the same speed,
 * heard at the other end by the same program, so that what is compared is when frames really came.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { captureFrames } from "../frames/capture.ts";
import { CaptureCounters } from "../frames/capture-counters.ts";
import { Channels } from "../frames/channels.ts";
import { openInput } from "../frames/input.ts";
import { PcapWriter } from "../frames/pcap-writer.ts";
import { RECEIVE_INTERFACE, type ReceiveWire, SEND_INTERFACE } from "./receive-wire.ts";
import { FrameDigest } from "./replay-digest.ts";

const HOUSE = join(import.meta.dir, "..");
const START_MS = 20_000;
const RUN_MS = 300_000;
/**
 * What else runs on this machine is to stand back, for each player alike. No real-time priority:
 * the threads that compile our code while we play would wait for the very thread that they compile
 * for.
 */
const FIRST = ["nice", "-n", "-20"];

/** A capture made plain, and what a listener must hear of it. */
export interface Piece {
  readonly name: string;
  readonly path: string;
  readonly frames: number;
  readonly groups: string;
  readonly digest: string;
  /** Capture times in ns from the first frame; one that steps back counts as the one before it. */
  readonly dueNs: Float64Array;
}

export type Player = "edgebook" | "tcpreplay";

export interface Heard {
  readonly frames: number;
  readonly whole: boolean;
  /** How late each frame came, beside the one that came soonest for its time. */
  readonly lateP50Ns: number;
  readonly lateP99Ns: number;
  readonly lateMaxNs: number;
  /** How far the spacing of neighbours was off the capture's, over the speed. */
  readonly spacingP99Ns: number;
}

export interface Hearing {
  /** A socket hears only what its host finds to be a datagram for it, a ring all. */
  readonly way?: "ring" | "socket";
  /** Who listens: the host at the other end of the wire, or the one that sends. */
  readonly side?: "other" | "sender";
}

/** Why there is no tcpreplay; undefined if there is. */
export function tcpreplayObstacle(): string | undefined {
  if (Bun.which("tcpreplay") !== null) return undefined;
  return "tcpreplay is not installed (apt-get install tcpreplay)";
}

/** Copies the first `most` frames of a capture into a plain pcap that both can read. */
export async function cutPiece(name: string, from: string, path: string, most: number) {
  const channels = new Channels();
  const writer = new PcapWriter(channels);
  const parts: Uint8Array[] = [writer.fileHeader()];
  const digest = new FrameDigest();
  const dueNs: number[] = [];
  let first: [sec: number, nsec: number] | undefined;
  await captureFrames(await openInput(from), channels, new CaptureCounters(), (batch) => {
    const take = Math.min(batch.count, most - dueNs.length);
    for (let i = 0; i < take; i++) {
      first ??= [batch.sec[i], batch.nsec[i]];
      const ns = (batch.sec[i] - first[0]) * 1e9 + (batch.nsec[i] - first[1]);
      dueNs.push(Math.max(ns, dueNs.at(-1) ?? 0));
      digest.add(batch.bytes, batch.offset[i], batch.length[i]);
    }
    parts.push(writer.packets(batch, 0, take).slice());
  });
  writeFileSync(path, Buffer.concat(parts));
  const groups = channels.list.map(({ group, port }, channel) => ({ group, port, channel }));
  const told = { groups: JSON.stringify(groups), digest: digest.text };
  return { name, path, frames: dueNs.length, dueNs: Float64Array.from(dueNs), ...told } as Piece;
}

/**
 * Plays the piece, and hears it at the other end.
 * @param speed 1, 10 and so on; Infinity: as fast as it goes
 */
export async function playAndHear(
  wire: ReceiveWire,
  player: Player,
  piece: Piece,
  speed: number,
  scratch: string,
  { way = "ring", side = "other" }: Hearing = {},
): Promise<Heard> {
  const times = join(scratch, "arrivals");
  const name = side === "other" ? RECEIVE_INTERFACE : SEND_INTERFACE;
  const words = [name, piece.groups, String(piece.frames), times, way];
  const program = [process.execPath, join(import.meta.dir, "replay-hear.ts"), ...words];
  const where = side === "other" ? wire.onReceiver : wire.onSender;
  const hearer = Bun.spawn([...where, ...program], {
    stdout: "pipe",
    stderr: "pipe",
    timeout: RUN_MS,
  });
  try {
    await listening(hearer.stderr);
    await Bun.sleep(200);
    const pace = speed === Number.POSITIVE_INFINITY ? "max" : `${speed}x`;
    const sender = player === "edgebook" ? edgebook(piece, pace) : tcpreplay(piece, speed);
    await run([...wire.onSender, ...FIRST, ...sender]);
    const told = JSON.parse(await new Response(hearer.stdout).text());
    const bytes = readFileSync(times);
    const arrivals = new Float64Array(bytes.buffer, bytes.byteOffset, bytes.length / 8);
    return judged(piece, speed, arrivals, told.digest);
  } finally {
    hearer.kill("SIGKILL");
  }
}

function judged(piece: Piece, speed: number, arrivals: Float64Array, digest: string): Heard {
  const offsets = arrivals.map((ns, i) => ns - piece.dueNs[i] / speed);
  const soonest = offsets.reduce((least, ns) => Math.min(least, ns), Number.POSITIVE_INFINITY);
  const late = offsets.map((ns) => ns - soonest).sort();
  const spacing = offsets.map((ns, i) => Math.abs(ns - offsets[Math.max(0, i - 1)])).sort();
  const at = (sorted: Float64Array, share: number) => sorted[Math.floor(sorted.length * share)];
  return {
    frames: arrivals.length,
    whole: arrivals.length === piece.frames && digest === piece.digest,
    lateP50Ns: at(late, 0.5),
    lateP99Ns: at(late, 0.99),
    lateMaxNs: late.at(-1) ?? Number.NaN,
    spacingP99Ns: at(spacing, 0.99),
  };
}

export interface TopSpeed {
  readonly perSecond: number;
  /** Datagrams that came out at the other end, as its interface counts them. */
  readonly arrived: number;
  /**
   * CPU of the player's process a datagram, start and all. The wire's other half is in it, which the
   * kernel works off for whoever sends. Says something on a busy machine too.
   */
  readonly cpuNs: number;
}

/** As fast as it goes, the piece so many times over. */
export async function playTopSpeed(
  wire: ReceiveWire,
  player: Player,
  piece: Piece,
  passes: number,
): Promise<TopSpeed> {
  const before = await arrivedCount(wire);
  const words = ["--loop", String(passes)];
  const command =
    player === "edgebook"
      ? [...edgebook(piece, "max"), ...words]
      : ["tcpreplay", "-i", SEND_INTERFACE, "--topspeed", "-K", ...words, piece.path];
  const { said, cpuNs } = await ran([...wire.onSender, ...FIRST, ...command]);
  const arrived = (await arrivedCount(wire)) - before;
  const perSecond =
    player === "edgebook"
      ? (JSON.parse(said) as { reached_per_second: number }).reached_per_second
      : Number(/([\d.]+) pps/.exec(said)?.[1]);
  const datagrams = piece.frames * passes;
  return { perSecond: Math.round(perSecond), arrived, cpuNs: cpuNs / datagrams };
}

export interface Jitter {
  readonly lateP99Ns: number;
  readonly lateMaxNs: number;
  readonly spacingP99Ns: number;
}

/** The machine alone: what a program finds that only looks at the clock. */
export async function machineJitter(
  wire: ReceiveWire,
  spacingNs: number,
  count: number,
): Promise<Jitter> {
  const program = join(import.meta.dir, "replay-jitter.ts");
  const words = [process.execPath, program, String(spacingNs), String(count)];
  return JSON.parse(await run([...wire.onSender, ...FIRST, ...words])) as Jitter;
}

function edgebook(piece: Piece, speed: string): string[] {
  return [
    ...[join(HOUSE, "bin/edgebook"), "replay", piece.path, "--speed", speed, "--format", "json"],
    ...["--to", "udp://same", "--interface", SEND_INTERFACE, "--beyond-loopback"],
  ];
}

function tcpreplay(piece: Piece, speed: number): string[] {
  return ["tcpreplay", "-i", SEND_INTERFACE, `--multiplier=${speed}`, "-K", piece.path];
}

async function run(command: string[]): Promise<string> {
  return (await ran(command)).said;
}

async function ran(command: string[]): Promise<{ said: string; cpuNs: number }> {
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "pipe", timeout: RUN_MS });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  if ((await child.exited) !== 0) throw new Error(`${command.join(" ")}\n${out}${err}`);
  return { said: out, cpuNs: Number(child.resourceUsage()?.cpuTime.total ?? 0) * 1000 };
}

async function arrivedCount(wire: ReceiveWire): Promise<number> {
  const path = `/sys/class/net/${RECEIVE_INTERFACE}/statistics/rx_packets`;
  return Number(await run([...wire.onReceiver, "cat", path]));
}

async function listening(stderr: ReadableStream<Uint8Array>): Promise<void> {
  const decoder = new TextDecoder();
  const endMs = performance.now() + START_MS;
  let said = "";
  for await (const piece of stderr) {
    said += decoder.decode(piece);
    if (said.includes("listening")) return;
    if (performance.now() > endMs) break;
  }
  throw new Error(`the listener said: ${said}`);
}
