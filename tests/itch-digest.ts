/**
 * The same books as an independent program: a generated ITCH file is rebuilt, and the digest of all
 * changes of best prices must equal the generator's own; and asked on the way, the queues of levels
 * must be an oracle's. Serves the proof and its small test.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { QueueRun } from "../bench/queue-run.ts";
import { buildYardstick } from "../bench/yardstick.ts";
import { edgebook, statsOf } from "./cli-run.ts";

const PROGRAMS = join(import.meta.dir, "../../shared/bench");

export interface DigestRun {
  readonly messages: number;
  readonly expectedDigest: string;
  readonly expectedChanges: number;
  readonly digest: string;
  readonly changes: number;
  readonly nsPerMessage: number;
  readonly peakBytes: number;
  /** The yardstick's (`hash+b`) on the same file, in turns with ours; NaN where it was not asked. */
  readonly yardstickNsPerMessage: number;
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
    let best: DigestRun | undefined;
    let yardstickNsPerMessage = Number.NaN;
    for (let i = 0; i < Math.max(1, runs); i++) {
      const stats = statsOf(
        await edgebook(["rebuild", file, "--schema", "none", "--stats", "--digest"]),
      );
      if (yardstick !== "") {
        const ns = yardstickNs(run([yardstick, file, "hash+b"]), expected.bboHash);
        yardstickNsPerMessage = Math.min(ns, yardstickNsPerMessage || ns);
      }
      if (best && best.nsPerMessage <= stats.ns_per_message) continue;
      best = {
        messages: stats.messages,
        expectedDigest: expected.bboHash,
        expectedChanges: expected.bboChanges,
        digest: stats.bbo_digest ?? "",
        changes: stats.bbo_changes ?? 0,
        nsPerMessage: stats.ns_per_message,
        peakBytes: stats.peak_memory_bytes,
        yardstickNsPerMessage: Number.NaN,
        queues: NOT_ASKED,
      };
    }
    if (!best) throw new Error("nothing was run");
    const queues = askQueues(file, messages, seed);
    return { ...best, yardstickNsPerMessage, queues };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const NOT_ASKED: QueueCheck = { asked: 0, wrong: 0, orders: 0, digest: "", nsPerMessage: 0 };

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
