/**
 * Edge: `edgebook rebuild` as its users run it, a process of its own: what it says of itself, what
 * CPU it took (compilers and collectors of the engine included), and what it wrote.
 */
import { join } from "node:path";
import type { RebuildStats } from "../cli/rebuild-stats.ts";

const MAIN = join(import.meta.dir, "../cli/main.ts");
const NEWLINE = 10;

export interface RebuildRun {
  readonly stats: RebuildStats;
  /** From the start of the process to its end. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  /** Written to standard output. */
  readonly bytes: number;
  /** Lines among them, where they were to be counted. */
  readonly lines: number;
}

/** @throws Error where it does not end well */
export async function runRebuild(
  file: string,
  feed: string,
  words: readonly string[],
  countLines = false,
): Promise<RebuildRun> {
  const started = Bun.nanoseconds();
  const child = Bun.spawn(
    [process.execPath, MAIN, "rebuild", file, "--feed", feed, "--stats", ...words],
    { stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  );
  const said = new Response(child.stderr).text();
  let bytes = 0;
  let lines = 0;
  for await (const piece of child.stdout) {
    bytes += piece.length;
    if (countLines) lines += newlines(piece);
  }
  const code = await child.exited;
  const seconds = (Bun.nanoseconds() - started) / 1e9;
  const text = (await said).trimEnd();
  if (code !== 0)
    throw new Error(`edgebook rebuild ${words.join(" ")} ended with ${code}: ${text}`);
  const cpuMicros = child.resourceUsage()?.cpuTime.total ?? 0n;
  return {
    stats: JSON.parse(text.split("\n").at(-1) ?? ""),
    seconds,
    cpuSeconds: Number(cpuMicros) / 1e6,
    bytes,
    lines,
  };
}

function newlines(piece: Uint8Array): number {
  let found = 0;
  for (let at = piece.indexOf(NEWLINE); at >= 0; at = piece.indexOf(NEWLINE, at + 1)) found++;
  return found;
}
