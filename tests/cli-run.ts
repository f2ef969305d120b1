/** Runs `edgebook` as a process of its own, as its users do. */
import { join } from "node:path";
import type { RebuildStats } from "../cli/rebuild-stats.ts";

export const MAIN = join(import.meta.dir, "../cli/main.ts");
const TIME_LIMIT_MS = 60_000;

export interface Finished {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

export interface RunOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly input?: Uint8Array;
}

export async function edgebook(args: readonly string[], set: RunOptions = {}): Promise<Finished> {
  const child = Bun.spawn([process.execPath, MAIN, ...args], {
    env: { ...process.env, EDGEBOOK_LOG: "text", ...set.env },
    stdin: set.input ?? "ignore",
    stdout: "pipe",
    stderr: "pipe",
    timeout: TIME_LIMIT_MS,
  });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  return { code: await child.exited, out, err };
}

/** The rows of CSV output, by column name. No cell of these outputs is quoted. */
export function csvRows(text: string): Record<string, string>[] {
  const [header, ...lines] = text.trimEnd().split("\n");
  const names = header.split(",");
  return lines.map((line) => {
    const cells = line.split(",");
    return Object.fromEntries(names.map((name, at) => [name, cells[at]]));
  });
}

/** The last line of standard error. */
export function statsOf({ err }: Finished): RebuildStats {
  return JSON.parse(err.trimEnd().split("\n").at(-1) ?? "");
}
