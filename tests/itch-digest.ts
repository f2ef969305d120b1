/**
 * The same books as an independent program: a generated ITCH file is rebuilt, and the digest of all
 * changes of best prices must equal the generator's own. Serves the proof and its small test.
 */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
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
}

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
      };
    }
    if (!best) throw new Error("nothing was run");
    return { ...best, yardstickNsPerMessage };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
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
