/**
 * The same books as an independent program: a generated ITCH file is rebuilt, and the digest of all
 * changes of best prices must equal the generator's own; and asked on the way, the queues of levels
 * must be an oracle's. Serves the proof and its small test.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { QueueRun } from "../bench/queue-run.ts";
import { runRebuild } from "../bench/rebuild-process.ts";
import { buildYardstick } from "../bench/yardstick.ts";
import type { RebuildStats } from "../cli/rebuild-stats.ts";

const PROGRAMS = join(import.meta.dir, "../../shared/bench");

/** Nanoseconds a message, each the least of all runs. */
export interface MessageTimes {
  /** As the program says itself: from opening the file to its last message. */
  readonly told: number;
  /** From outside, of the whole process: by the wall, and of all its threads. */
  readonly wall: number;
  readonly cpu: number;
}

export interface DigestRun {
  readonly messages: number;
  readonly expectedDigest: string;
  readonly expectedChanges: number;
  readonly digest: string;
  readonly changes: number;
  readonly times: MessageTimes;
  readonly peakBytes: number;
  /** The yardstick's (`hash+b`) on the same file, in turns with ours; absent where it was not asked. */
  readonly yardstick?: MessageTimes;
  readonly queues: QueueCheck;
}

/** A run of the same engine in which it was asked where orders stand. */
export interface QueueCheck {
  readonly asked: number;
  /** Answers that the oracle does not give. */
  readonly wrong: number;
  /** Orders in all queues that were asked for. */
  readonly orders: number;
  readonly digest: string;
  readonly nsPerMessage: number;
}

const QUEUE_RUN = join(import.meta.dir, "../bench/queue-run.ts");
/** Moments at which the queue of some level is asked for. */
const MOMENTS = 1000;

/** Why it cannot run here; undefined if it can. */
export function digestObstacle(): string | undefined {
  if (!existsSync(join(PROGRAMS, "itch_generator.cpp"))) return "no generator";
  return Bun.which("g++") === null ? "no g++" : undefined;
}

/** @param runs how often the file is rebuilt; the fastest counts, for us and for the yardstick */
export async function runDigest(
  messages: number,
  instruments: number,
  seed: number,
  runs = 0,
): Promise<DigestRun> {
  const base = join(tmpdir(), "edgebook-digest");
  mkdirSync(base, { recursive: true });
  const folder = mkdtempSync(join(base, "run-"));
  const file = join(folder, "day.itch");
  try {
    const facts = join(folder, "day.json");
    const generator = build("itch_generator.cpp", ["-ffp-contract=off"], folder);
    run([generator, String(messages), String(instruments), String(seed), file, facts]);
    const expected = await Bun.file(facts).json();
    const yardstick = runs > 0 ? build("book_yardstick.cpp", [], folder) : "";
    const ours: MessageTimes[] = [];
    const theirs: MessageTimes[] = [];
    let last: RebuildStats | undefined;
    for (let i = 0; i < Math.max(1, runs); i++) {
      const words = ["--schema", "none", "--digest"];
      const { stats, seconds, cpuSeconds } = await runRebuild(file, "nasdaq-itch50", words);
      if (last !== undefined && last.bbo_digest !== stats.bbo_digest)
        throw new Error("other books");
      last = stats;
      const each = 1e9 / stats.messages;
      ours.push({ told: stats.ns_per_message, wall: seconds * each, cpu: cpuSeconds * each });
      if (yardstick !== "") theirs.push(yardstickTimes(yardstick, file, expected.bboHash, each));
    }
    if (last === undefined) throw new Error("nothing was run");
    return {
      messages: last.messages,
      expectedDigest: expected.bboHash,
      expectedChanges: expected.bboChanges,
      digest: last.bbo_digest ?? "",
      changes: last.bbo_changes ?? 0,
      times: leastOf(ours),
      peakBytes: last.peak_memory_bytes,
      ...(theirs.length > 0 && { yardstick: leastOf(theirs) }),
      queues: askQueues(file, messages, seed),
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function askQueues(file: string, messages: number, seed: number): QueueCheck {
  const words = [file, messages, MOMENTS, seed].map(String);
  const ours: QueueRun = JSON.parse(run([process.execPath, QUEUE_RUN, ...words]));
  const oracle = Bun.spawnSync([buildYardstick("queues"), file], {
    stdin: Buffer.from(`${ours.asked.join("\n")}\n`),
  });
  const expected = oracle.stdout.toString().trimEnd().split("\n");
  return {
    asked: ours.asked.length,
    wrong: ours.answers.filter((answer, at) => answer !== expected[at]).length,
    orders: ours.answers.reduce((sum, answer) => sum + Number(answer.split(" ")[0]), 0),
    digest: ours.digest,
    nsPerMessage: ours.nsPerMessage,
  };
}

function leastOf(times: readonly MessageTimes[]): MessageTimes {
  const least = (of: (each: MessageTimes) => number) => Math.min(...times.map(of));
  return {
    told: least((each) => each.told),
    wall: least(({ wall }) => wall),
    cpu: least(({ cpu }) => cpu),
  };
}

/** @param each what a second is in nanoseconds a message */
function yardstickTimes(program: string, file: string, digest: string, each: number): MessageTimes {
  const begun = Bun.nanoseconds();
  const done = Bun.spawnSync([program, file, "hash+b"]);
  const seconds = (Bun.nanoseconds() - begun) / 1e9;
  const told = yardstickNs(done.stdout.toString() + done.stderr.toString(), digest);
  return {
    told,
    wall: seconds * each,
    cpu: (Number(done.resourceUsage.cpuTime.total) / 1e6) * each,
  };
}

/** From the line that it prints; it must have built the same books. */
function yardstickNs(printed: string, digest: string): number {
  const ns = Number(/([\d.]+) ns\/msg/.exec(printed)?.[1]);
  if (ns > 0 && printed.includes(`bboHash ${digest}`)) return ns;
  throw new Error(`the yardstick printed: ${printed}`);
}

function build(source: string, flags: readonly string[], folder: string): string {
  const program = join(folder, source.replace(".cpp", ""));
  run(["g++", "-O3", "-march=native", ...flags, "-o", program, join(PROGRAMS, source)]);
  return program;
}

function run(command: string[]): string {
  const done = Bun.spawnSync(command, { stdout: "pipe", stderr: "pipe" });
  if (!done.success) throw new Error(`${command[0]} failed: ${done.stderr.toString()}`);
  return done.stdout.toString() + done.stderr.toString();
}
