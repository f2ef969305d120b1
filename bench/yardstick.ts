/**
 * Edge: the project's own C++ yardstick (`yardsticks/`): compiled once for each state of its sources,
 * and run on the file that edgebook is run on, in turns with it.
 */
import { existsSync, readdirSync, readFileSync, renameSync } from "node:fs";
import { join } from "node:path";
import { cacheFolder } from "./cache-folder.ts";

const SOURCES = join(import.meta.dir, "yardsticks");
const FLAGS = ["-O3", "-march=native", "-std=c++17"];

export type YardstickFeed = "itch" | "nse";
/**
 * Framing and fields; whole books, looking ahead for the orders that come next; the same without. The
 * one that looks ahead is the yardstick: it is at least as fast as any such program known to us.
 */
export type YardstickMode = "parse" | "books" | "plain";

export interface YardstickResult {
  readonly messages: number;
  /** Wall time of the work. */
  readonly ns: number;
  readonly cpu_ns: number;
  /** Of best prices; 0 in mode `parse`. */
  readonly changes: number;
  readonly live_orders: number;
  /** Of best prices, or in mode `parse` the sum of what was read. */
  readonly digest: string;
}

/** Why there is none here; undefined if there is. */
export function yardstickObstacle(): string | undefined {
  return Bun.which("g++") === null ? "no g++ (apt-get install g++)" : undefined;
}

/** @returns the program's path */
export function buildYardstick(name: "yardstick" | "queues" = "yardstick"): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (const file of readdirSync(SOURCES).sort()) hash.update(readFileSync(join(SOURCES, file)));
  const program = join(cacheFolder(), `${name}-${hash.digest("hex").slice(0, 16)}`);
  if (existsSync(program)) return program;
  const source = join(SOURCES, `${name}.cpp`);
  const made = `${program}.${process.pid}`;
  const done = Bun.spawnSync(["g++", ...FLAGS, "-o", made, source], { stderr: "pipe" });
  if (!done.success) throw new Error(`g++ failed on ${source}:\n${done.stderr}`);
  renameSync(made, program);
  return program;
}

export function runYardstick(
  feed: YardstickFeed,
  mode: YardstickMode,
  file: string,
): YardstickResult {
  const done = Bun.spawnSync([buildYardstick(), feed, mode, file], { stderr: "pipe" });
  if (!done.success) throw new Error(`the yardstick failed on ${file}: ${done.stderr}`);
  return JSON.parse(done.stdout.toString());
}
