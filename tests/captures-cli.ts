/**
 * Edge: `edgebook rebuild` as a process on files of the captures folder, held against capinfos: packet
 * count, exit code, messages, memory. Serves the small test and the full proof.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { edgebook } from "./cli-run.ts";
import { capturePath } from "./feed-reading.ts";

export interface CapinfosRow {
  readonly file: string;
  readonly packets: number;
  /** capinfos could read it to its end. */
  readonly readable: boolean;
}

export interface Tried {
  readonly code: number;
  /** What is not as it should be; empty: nothing. */
  readonly complaint: string;
  readonly seconds: number;
  readonly peakBytes: number;
}

/** No file of the folder is larger than 40 MB. */
const MEMORY_BYTES = 400e6;
const SECONDS = 20;

/** Undefined, and said so, where the captures are not there. */
export function capinfosRows(): CapinfosRow[] | undefined {
  const table = capturePath("robustness/capinfos.tsv");
  if (table === undefined) return undefined;
  return readFileSync(table, "utf8")
    .trimEnd()
    .split("\n")
    .filter((line) => !line.startsWith("file\t"))
    .map((line) => line.split("\t"))
    .map((cells) => ({ file: cells[0], packets: Number(cells[3]), readable: cells[7] === "ok" }));
}

/** Whatever the capture is of, it is read as one feed: the datagrams of others are set aside. */
export async function tryRebuild({ file, packets, readable }: CapinfosRow): Promise<Tried> {
  const path = join(capturePath(".") ?? "", file);
  const started = performance.now();
  const words = ["rebuild", path, "--feed", "iex-deep", "--schema", "none", "--stats"];
  const { code, err } = await edgebook(words);
  const seconds = (performance.now() - started) / 1000;
  const stats = statsIn(err);
  const peakBytes = stats?.peak_memory_bytes ?? 0;
  const complaint =
    complaintOf(code, err, readable) ||
    (readable && stats?.packets !== packets ? `${stats?.packets} packets, not ${packets}` : "") ||
    (seconds > SECONDS ? `it took ${seconds} s` : "") ||
    (peakBytes > MEMORY_BYTES ? `it took ${peakBytes} bytes` : "");
  return { code, complaint: complaint && `${file}: ${complaint}`, seconds, peakBytes };
}

function complaintOf(code: number, err: string, readable: boolean): string {
  const allowed = readable ? [0, 3] : [0, 1, 3];
  if (!allowed.includes(code)) return `exit code ${code}: ${err}`;
  if (code !== 0 && !err.startsWith("edgebook: "))
    return `exit code ${code} without a word: ${err}`;
  if (/\n\s+at .*\.ts:\d+/.test(err)) return `a stack trace: ${err}`;
  return "";
}

function statsIn(err: string): { packets: number; peak_memory_bytes: number } | undefined {
  const last = err.trimEnd().split("\n").at(-1) ?? "";
  return last.startsWith("{") ? JSON.parse(last) : undefined;
}

/** Several at a time, results in their order. */
export async function tryAll(rows: readonly CapinfosRow[], atOnce = 2): Promise<Tried[]> {
  const results: Tried[] = new Array(rows.length);
  let next = 0;
  const worker = async () => {
    for (let at = next++; at < rows.length; at = next++) results[at] = await tryRebuild(rows[at]);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
