/** What the lake's tests and proofs share: ingests that are killed, and what must be in the table then. */
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { DirStorage } from "../lake/delta/storage-dir.ts";
import { LakeQuery } from "../lake/lake-query.ts";
import { MAIN } from "./cli-run.ts";

export { DirStorage };

export interface Contents {
  readonly rows: number;
  /** Rows that differ in (stream, epoch, sequence, row). */
  readonly places: number;
}

/** Rows of a table, and how many places they have. */
export async function contents(lake: string, table: string): Promise<Contents> {
  const query = await LakeQuery.open(lake);
  try {
    const sql =
      "SELECT count(*) AS n, count(DISTINCT (date, stream, epoch, sequence, row)) AS p " +
      `FROM ${table}`;
    for await (const { rows } of query.ask(sql)) {
      return { rows: Number(rows[0][0]), places: Number(rows[0][1]) };
    }
    return { rows: 0, places: 0 };
  } finally {
    query.close();
  }
}

const KILLS_MOST = 8;
/** Files that a life may write before it is killed: parts, commits and what they are renamed from. */
const FILES_MOST = 12;
const LOOK_MS = 2;

/**
 * Runs `ingest` and kills it again and again, until one ends by itself: one life after as many new
 * files in the lake as chance says, which no fast machine outruns, the next after `killMs`, wherever
 * it then stands. After so many kills it is left in peace, since a group of Kafka's may wait for the
 * dead.
 * @returns how often it was killed
 */
export async function ingestKilled(
  lake: string,
  words: readonly string[],
  killMs: () => number,
): Promise<number> {
  for (let kills = 0; ; kills++) {
    const child = Bun.spawn([process.execPath, MAIN, "ingest", ...words], {
      stdio: ["ignore", "ignore", "pipe"],
      env: { ...process.env },
      timeout: 60_000,
    });
    const kill = () => child.kill("SIGKILL");
    // Later kills leave more time, so that each life comes further.
    const stop =
      kills >= KILLS_MOST
        ? () => {}
        : kills % 2 === 0
          ? afterFiles(lake, 1 + Math.floor(Math.random() * FILES_MOST), kill)
          : afterTime(killMs() + kills * 40, kill);
    const said = await new Response(child.stderr).text();
    const code = await child.exited;
    stop();
    if (code === 0) return kills;
    const wasKilled = child.signalCode === "SIGKILL" && kills < KILLS_MOST;
    if (!wasKilled) throw new Error(`ingest ended with ${code}: ${said}`);
  }
}

function afterTime(delayMs: number, act: () => void): () => void {
  const timer = setTimeout(act, delayMs);
  return () => clearTimeout(timer);
}

/** Acts once `more` files stand in the folder that were not there when this was called. */
function afterFiles(folder: string, more: number, act: () => void): () => void {
  const filesThere = () => {
    if (!existsSync(folder)) return 0;
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    return entries.filter((entry) => entry.isFile()).length;
  };
  const wanted = filesThere() + more;
  const timer = setInterval(() => {
    if (filesThere() >= wanted) act();
  }, LOOK_MS);
  return () => clearInterval(timer);
}

/** Reads a table with Python's `deltalake`: rows of the newest version. */
export function deltalakeRows(python: string, lake: string, table: string): number {
  const script =
    "import os, sys\nfrom deltalake import DeltaTable\n" +
    "print(DeltaTable(sys.argv[1]).to_pyarrow_table().num_rows, flush=True)\n" +
    // Its threads may abort the interpreter while it ends in its own way.
    "os._exit(0)";
  const done = Bun.spawnSync([python, "-c", script, join(lake, table)], { timeout: 60_000 });
  if (done.exitCode !== 0) throw new Error(done.stderr.toString());
  return Number(done.stdout.toString());
}
