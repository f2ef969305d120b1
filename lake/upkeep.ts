/**
 * Edge: what a lake's tables need at the end of a day: a day's many small files become one for each
 * stream, sorted by instrument, so that one instrument's day reads few of its row groups; and commits
 * that a checkpoint has made needless are cleared away.
 *
 * A compaction changes no row: readers and writers at work meanwhile lose nothing, and if a file that
 * it wants to replace is gone by then it is refused and nothing has changed.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  type Action,
  type Add,
  checkpointVersionOf,
  commitPath,
  parseCommit,
  versionOf,
} from "./delta/actions.ts";
import type { DeltaTable } from "./delta/table.ts";
import { Duck, quoted } from "./duckdb.ts";
import { mergedTags } from "./lake-table.ts";
import { LocalFiles } from "./local-files.ts";

const GROUP_ROWS = 50_000;
/** What a file's rows are in the order of, as its tags say it. */
const SORTED = "token";
/** Time travel reaches back so far. */
export const LOG_DAYS = 30;
const DAY_MS = 86_400_000;

export interface Compacted {
  /** Files before, files after. */
  readonly before: number;
  readonly after: number;
  readonly rows: number;
}

/**
 * @param id gives a name that nobody had before
 * @throws CommitConflict somebody else replaced one of the files
 */
export async function compact(
  table: DeltaTable,
  id: () => string,
  nowMs: () => number,
): Promise<Compacted> {
  const partitions = new Map<string, Add[]>();
  for (const add of table.snapshot.files.values()) {
    const { date, stream } = add.partitionValues;
    const key = `date=${date}/stream=${stream}`;
    partitions.set(key, [...(partitions.get(key) ?? []), add]);
  }
  const actions: Action[] = [];
  const done = { before: 0, after: 0, rows: 0 };
  const duck = await Duck.open({ threads: "2" });
  try {
    for (const [key, files] of partitions) {
      if (files.length === 1 && files[0].tags?.sorted === SORTED) continue;
      const merged = await mergedFile(table, duck, `${key}/part-${id()}.parquet`, files, nowMs());
      for (const { path, partitionValues, size } of files) {
        const deletionTimestamp = nowMs();
        const remove = { path, deletionTimestamp, dataChange: false, partitionValues, size };
        actions.push({ remove });
      }
      actions.push({ add: merged.add });
      done.before += files.length;
      done.after++;
      done.rows += merged.rows;
    }
  } finally {
    duck.close();
  }
  if (actions.length > 0) {
    const commitInfo = { timestamp: nowMs(), operation: "OPTIMIZE", engineInfo: "edgebook" };
    await table.commit([{ commitInfo }, ...actions]);
  }
  return done;
}

async function mergedFile(
  table: DeltaTable,
  duck: Duck,
  path: string,
  files: readonly Add[],
  nowMs: number,
): Promise<{ add: Add; rows: number }> {
  const folder = mkdtempSync(join(tmpdir(), "edgebook-compact-"));
  try {
    const merged = join(folder, "merged.parquet");
    // Of object storage: fetched for this once, as much as the day is.
    const fetched = new LocalFiles(Number.POSITIVE_INFINITY, join(folder, "fetched"));
    const paths = await fetched.pathsOf(table.storage, files);
    const list = paths.map(quoted).join(", ");
    await duck.run(
      `COPY (SELECT * FROM read_parquet([${list}], hive_partitioning = false) ` +
        `ORDER BY token, epoch, sequence, row) TO ${quoted(merged)} ` +
        `(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${GROUP_ROWS})`,
    );
    const [counted] = await duck.rows(`SELECT count(*) AS n FROM read_parquet(${quoted(merged)})`);
    const rows = Number(counted?.n);
    const wanted = files.reduce((sum, { stats }) => sum + recordsOf(stats), 0);
    if (rows !== wanted) throw new Error(`${path}: ${rows} rows instead of ${wanted}`);
    const bytes = readFileSync(merged);
    await table.storage.put(path, bytes);
    const { partitionValues } = files[0];
    return {
      rows,
      add: {
        path,
        partitionValues,
        size: bytes.length,
        modificationTime: nowMs,
        dataChange: false,
        stats: mergedStats(files, rows),
        tags: { ...mergedTags(files), sorted: SORTED },
      },
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function recordsOf(stats: string | undefined): number {
  return (JSON.parse(stats ?? "{}") as { numRecords?: number }).numRecords ?? 0;
}

type Bounds = Record<string, number | string>;

/** The widest bounds of all files. */
function mergedStats(files: readonly Add[], numRecords: number): string {
  const minValues: Bounds = {};
  const maxValues: Bounds = {};
  const nullCount: Record<string, number> = {};
  for (const { stats } of files) {
    const each = JSON.parse(stats ?? "{}") as Partial<{
      minValues: Bounds;
      maxValues: Bounds;
      nullCount: Record<string, number>;
    }>;
    for (const [name, value] of Object.entries(each.minValues ?? {})) {
      if (!(name in minValues) || value < minValues[name]) minValues[name] = value;
    }
    for (const [name, value] of Object.entries(each.maxValues ?? {})) {
      if (!(name in maxValues) || value > maxValues[name]) maxValues[name] = value;
    }
    for (const [name, count] of Object.entries(each.nullCount ?? {})) {
      nullCount[name] = (nullCount[name] ?? 0) + count;
    }
  }
  return JSON.stringify({ numRecords, minValues, maxValues, nullCount });
}

/**
 * Deletes commits and checkpoints that lie behind the newest checkpoint and are older than `LOG_DAYS`.
 * @returns how many commits
 */
export async function clearLog(table: DeltaTable, nowMs: number): Promise<number> {
  const { checkpointVersion, storage } = table;
  let cleared = 0;
  for (const { path, modifiedMs } of await storage.list("_delta_log")) {
    const checkpoint = checkpointVersionOf(path);
    if (checkpoint !== undefined && checkpoint < checkpointVersion) {
      if (nowMs - modifiedMs > LOG_DAYS * DAY_MS) await storage.delete(path);
      continue;
    }
    const version = versionOf(path);
    if (version === undefined || version >= checkpointVersion) continue;
    const bytes = await storage.get(commitPath(version));
    if (bytes === undefined) continue;
    const age = nowMs - timeOf(parseCommit(new TextDecoder().decode(bytes)));
    // What says no time of its own is as old as its place in the order lets it be: it stays.
    if (!(age > LOG_DAYS * DAY_MS)) continue;
    await storage.delete(path);
    cleared++;
  }
  return cleared;
}

function timeOf(actions: readonly Action[]): number {
  for (const action of actions) {
    if ("commitInfo" in action && typeof action.commitInfo.timestamp === "number") {
      return action.commitInfo.timestamp;
    }
    if ("metaData" in action && action.metaData.createdTime !== undefined) {
      return action.metaData.createdTime;
    }
  }
  return Number.NaN;
}
