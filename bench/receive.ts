/**
 * Edge: the collector and the C yardstick on the same wire: `count` datagrams at a rate, what came,
 * what it cost. The collector receives by ring or sockets, packs, compresses and keeps in its spool; its
 * broker is not there, so that nothing but the spool takes its chunks. By ring both join nothing: what
 * the kernel does for a group that is joined is done on the sender's core here, a third of its time.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { checkSpool, type SpoolCheck, wholeDigest } from "./receive-check.ts";
import {
  RECEIVE_ADDRESS,
  RECEIVE_INTERFACE,
  type ReceiveWire,
  SEND_INTERFACE,
} from "./receive-wire.ts";

const HOUSE = join(import.meta.dir, "..");
const YARDSTICKS = join(HOUSE, "../shared/bench");
const GROUP = "239.1.1.1";
const PORT = 9777;
const TICKS_A_SECOND = 100;
const START_MS = 20_000;
const DRAIN_MS = 30_000;
const QUIET_MS = 2_500;
/** What was stored as it came is compressed at this rate or better, datagrams a second. */
const DRAIN_RATE = 100_000;
const RECEIVER_BUFFER_MIB = "64";

/** How datagrams are taken from the kernel, and the C program that does the same. */
export type Way = "ring" | "socket";
const PROGRAMS = { ring: "af_packet_receive", socket: "udp_receive" } as const;

export interface Load {
  readonly size: number;
  readonly count: number;
  /** Datagrams a second; 0: all that the sender can. */
  readonly rate: number;
}

export interface YardstickRun {
  readonly sentRate: number;
  readonly received: number;
  readonly cpuNs: number;
}

export interface CollectorRun {
  readonly sentRate: number;
  /** Frames taken from the ring, and datagrams that the kernel dropped for want of room in it. */
  readonly frames: number;
  readonly kernelDrops: number;
  readonly lost: number;
  readonly cpuNs: number;
  /** Of these, the receiving thread's. */
  readonly receiveNs: number;
  readonly chunks: number;
  /** Chunks stored as they were, for want of time to compress them. */
  readonly chunksStored: number;
  /** Of these, those that were compressed later. */
  readonly chunksRepacked: number;
  /** From the last datagram sent until it was idle again. */
  readonly drainSeconds: number;
  readonly peakMiB: number;
  readonly spool: SpoolCheck;
  /** What is wrong, beyond datagrams that the kernel is known to have dropped. */
  readonly complaints: readonly string[];
}

/** Why there is no yardstick to compile; undefined if there is. */
export function yardstickObstacle(): string | undefined {
  for (const name of Object.values(PROGRAMS)) {
    if (!existsSync(join(YARDSTICKS, `${name}.c`))) return `no ${name}.c`;
  }
  return Bun.which("gcc") === null ? "no gcc" : undefined;
}

export function buildYardstick(folder: string, way: Way = "ring"): string {
  const program = join(folder, PROGRAMS[way]);
  const flags = ["-O3", "-march=native", "-o", program, join(YARDSTICKS, `${PROGRAMS[way]}.c`)];
  const built = Bun.spawnSync(["gcc", ...flags], { stdout: "ignore", stderr: "pipe" });
  if (!built.success) throw new Error(`gcc: ${built.stderr.toString()}`);
  return program;
}

export async function runYardstick(
  wire: ReceiveWire,
  program: string,
  load: Load,
  way: Way = "ring",
): Promise<YardstickRun> {
  const patience = String(Math.ceil(secondsOf(load) + 10));
  const port = String(PORT);
  // The one: interface, port, seconds, KiB a block, blocks. The other: group, port, address of the
  // interface, datagrams a call, seconds, MiB of receive buffer, and that it sleeps.
  const ring = [RECEIVE_INTERFACE, port, patience, "1024", RECEIVER_BUFFER_MIB];
  const socket = [GROUP, port, RECEIVE_ADDRESS, "64", patience, RECEIVER_BUFFER_MIB, "block"];
  const command = [...wire.onReceiver, program, ...(way === "ring" ? ring : socket)];
  const timeout = timeoutMs(load);
  const child = Bun.spawn(command, { stdout: "pipe", stderr: "inherit", timeout });
  await Bun.sleep(500);
  const sentRate = await send(wire, load, "end");
  const told = await new Response(child.stdout).text();
  const parts = /(?:afp|recv) (\d+) pkts.*\((\d+) ns\/pkt\)/.exec(told);
  if (parts === null) throw new Error(`the yardstick said: ${told}`);
  return { sentRate, received: Number(parts[1]), cpuNs: Number(parts[2]) };
}

/** The ring in TypeScript and nothing behind it. */
export async function runRing(wire: ReceiveWire, load: Load): Promise<YardstickRun> {
  const program = [process.execPath, join(import.meta.dir, "receive-ring.ts")];
  const words = [RECEIVE_INTERFACE, GROUP, String(PORT), String(load.count)];
  const child = Bun.spawn([...wire.onReceiver, ...program, ...words], {
    stdout: "pipe",
    stderr: "pipe",
    timeout: timeoutMs(load),
  });
  const said = { text: "" };
  const reading = listen(child.stderr, said);
  await until(
    () => said.text.includes("listening"),
    START_MS,
    () => said.text,
  );
  const sentRate = await send(wire, load);
  const told = await new Response(child.stdout).text();
  await reading;
  const { received, cpuNs } = JSON.parse(told) as { received: number; cpuNs: number };
  return { sentRate, received, cpuNs };
}

/** @param folder for the spool; emptied before and after */
export async function runCollector(
  wire: ReceiveWire,
  folder: string,
  load: Load,
  way: Way = "ring",
): Promise<CollectorRun> {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  const spool = join(folder, "spool");
  const child = Bun.spawn([...wire.onReceiver, ...collectCommand(folder, spool, way)], {
    stdout: "ignore",
    stderr: "pipe",
    timeout: timeoutMs(load) + drainMs(load),
  });
  const said = { text: "" };
  const reading = listen(child.stderr, said);
  try {
    await until(
      () => said.text.includes("collecting"),
      START_MS,
      () => said.text,
    );
    await Bun.sleep(300);
    const { pid } = child;
    const [before, ownBefore] = [cpuSeconds(pid), cpuSeconds(pid, pid)];
    const sentRate = await send(wire, load);
    const drainSeconds = await drained(pid, drainMs(load));
    const [cpu, own] = [cpuSeconds(pid) - before, cpuSeconds(pid, pid) - ownBefore];
    const peakMiB = peakMemoryMiB(pid);
    child.kill("SIGINT");
    await child.exited;
    await reading;
    const stats = lastJson(said.text);
    const checked = await checkSpool(spool, load.size);
    const { frames, lost, chunks, chunksStored, chunksRepacked } = stats;
    // What was dropped cost nothing: only datagrams taken count.
    const cpuNs = (cpu * 1e9) / Math.max(1, frames);
    const receiveNs = (own * 1e9) / Math.max(1, frames);
    const kernelDrops = stats.drops.kernelDatagrams;
    const complaints = complaintsOf(load, frames, kernelDrops, checked);
    const told = { sentRate, frames, kernelDrops, lost, cpuNs, receiveNs, drainSeconds, peakMiB };
    return { ...told, chunks, chunksStored, chunksRepacked, spool: checked, complaints };
  } finally {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
}

function collectCommand(folder: string, spool: string, way: Way): string[] {
  const table = join(folder, "channels.toml");
  writeFileSync(
    table,
    `[[channel]]\ngroup = "${GROUP}"\nport = ${PORT}\nfeed = "sequenced"\nstream = 1\n` +
      `line = "A"\noffset = 0\nwidth = 8\nendianness = "little"\n`,
  );
  return [
    ...[join(HOUSE, "bin/edgebook"), "collect", "--channels", table, "--capture", way],
    ...["--interface", RECEIVE_INTERFACE, "--name", "proof", "--stats"],
    ...(way === "ring" ? ["--mirror"] : []),
    // Nobody listens at this port of the namespace: the spool keeps all.
    ...["--to", "mqtt://127.0.0.1:1", "--spool", spool, "--spool-gib", "32"],
  ];
}

function complaintsOf(load: Load, frames: number, drops: number, spool: SpoolCheck): string[] {
  const complaints: string[] = [];
  if (frames + drops !== load.count) {
    complaints.push(`${load.count} sent, but ${frames} taken and ${drops} dropped by the kernel`);
  }
  if (spool.frames !== frames) complaints.push(`${spool.frames} of ${frames} are in the spool`);
  if (spool.misplaced > 0) complaints.push(`${spool.misplaced} are not in their order`);
  if (spool.different > 0) complaints.push(`${spool.different} have other bytes than were sent`);
  if (spool.damaged > 0) complaints.push(`${spool.damaged} chunks are damaged`);
  if (drops === 0 && spool.digest !== wholeDigest(load.count)) complaints.push("another digest");
  return complaints;
}

/** @returns datagrams a second, reached */
async function send(wire: ReceiveWire, load: Load, ...more: string[]): Promise<number> {
  const words = [load.size, load.count, load.rate].map(String);
  const program = [process.execPath, join(import.meta.dir, "receive-sender.ts")];
  const child = Bun.spawn(
    [...wire.onSender, ...program, SEND_INTERFACE, GROUP, String(PORT), ...words, ...more],
    { stdout: "pipe", stderr: "inherit", timeout: timeoutMs(load) },
  );
  const told = await new Response(child.stdout).text();
  if ((await child.exited) !== 0) throw new Error(`the sender failed: ${told}`);
  return (JSON.parse(told) as { rate: number }).rate;
}

function secondsOf({ count, rate }: Load): number {
  return count / (rate || 250_000);
}

/** Three times as long as it should take, for a machine that has other things to do. */
function timeoutMs(load: Load): number {
  return 120_000 + Math.ceil(3000 * secondsOf(load));
}

function drainMs({ count }: Load): number {
  return DRAIN_MS + Math.ceil((1000 * count) / DRAIN_RATE);
}

/**
 * Waits until the process has used next to no CPU for a while: what was stored is compressed only
 * when it has been quiet. @returns the seconds until then
 */
async function drained(pid: number, withinMs: number): Promise<number> {
  const startMs = performance.now();
  let busyMs = startMs;
  let before = cpuSeconds(pid);
  while (performance.now() - startMs < withinMs && performance.now() - busyMs < QUIET_MS) {
    await Bun.sleep(200);
    const now = cpuSeconds(pid);
    if (now - before > 0.03) busyMs = performance.now();
    before = now;
  }
  return (busyMs - startMs) / 1000;
}

/** User and system time of the process and all its threads, or of one thread of it. */
function cpuSeconds(pid: number, thread?: number): number {
  const path = thread === undefined ? `/proc/${pid}/stat` : `/proc/${pid}/task/${thread}/stat`;
  const text = readFileSync(path, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND;
}

function peakMemoryMiB(pid: number): number {
  const text = readFileSync(`/proc/${pid}/status`, "utf8");
  return Math.round(Number(/VmHWM:\s+(\d+)/.exec(text)?.[1] ?? 0) / 1024);
}

async function listen(stream: ReadableStream<Uint8Array>, said: { text: string }): Promise<void> {
  const decoder = new TextDecoder();
  for await (const piece of stream) said.text += decoder.decode(piece, { stream: true });
}

async function until(holds: () => boolean, withinMs: number, said: () => string): Promise<void> {
  for (const end = performance.now() + withinMs; !holds(); await Bun.sleep(20)) {
    if (performance.now() > end) throw new Error(`the collector said: ${said()}`);
  }
}

interface CollectorStats {
  readonly frames: number;
  readonly lost: number;
  readonly chunks: number;
  readonly chunksStored: number;
  readonly chunksRepacked: number;
  readonly drops: { readonly kernelDatagrams: number };
}

function lastJson(text: string): CollectorStats {
  return JSON.parse(text.trimEnd().split("\n").at(-1) ?? "") as CollectorStats;
}
