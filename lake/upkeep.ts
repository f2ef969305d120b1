/**
 * Edge: what a lake's tables need at the end of a day: a day's many small files become one for each
 * stream, or some of neighbouring instruments, sorted by instrument, so that one instrument's day reads
 * few row groups; and commits that a checkpoint has made needless are cleared away.
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
import { Duck, named, quoted } from "./duckdb.ts";
import { mergedTags } from "./lake-table.ts";
import { LocalFiles } from "./local-files.ts";

const GROUP_ROWS = 50_000;
/** Of one file, so that one is sorted, and read as a whole, in memory: some 130 MB. */
const PART_ROWS = 8_000_000;
/** What sorting needs beyond it goes to the disk. */
const MEMORY = "2GB";
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
  partRows = PART_ROWS,
): Promise<Compacted> {
  const partitions = new Map<string, Add[]>();
  for (const add of table.snapshot.files.values()) {
    const { date, stream } = add.partitionValues;
    const key = `date=${date}/stream=${stream}`;
    partitions.set(key, [...(partitions.get(key) ?? []), add]);
  }
  const actions: Action[] = [];
  const done = { before: 0, after: 0, rows: 0 };
  const spill = mkdtempSync(join(tmpdir(), "edgebook-spill-"));
  const duck = await Duck.open({ threads: "2", memory_limit: MEMORY, temp_directory: spill }).catch(
    (error) => {
      rmSync(spill, { recursive: true, force: true });
      throw error;
    },
  );
  try {
    for (const [key, files] of partitions) {
      // All of a day and stream are merged at once: if these are sorted, none came since.
      if (files.every(({ tags }) => tags?.sorted === SORTED)) continue;
      const added = await mergedFiles({ table, duck, partRows, id, nowMs }, key, files);
      for (const { path, partitionValues, size } of files) {
        const deletionTimestamp = nowMs();
        const remove = { path, deletionTimestamp, dataChange: false, partitionValues, size };
        actions.push({ remove });
      }
      for (const add of added) {
        actions.push({ add });
        done.after++;
        done.rows += recordsOf(add.stats);
      }
      done.before += files.length;
    }
  } finally {
    duck.close();
    rmSync(spill, { recursive: true, force: true });
  }
  if (actions.length > 0) {
    const commitInfo = { timestamp: nowMs(), operation: "OPTIMIZE", engineInfo: "edgebook" };
    await table.commit([{ commitInfo }, ...actions]);
  }
  return done;
}

interface Merging {
  readonly table: DeltaTable;
  readonly duck: Duck;
  readonly partRows: number;
  readonly id: () => string;
  readonly nowMs: () => number;
}

/** Some instruments, which become one file. */
interface Part {
  readonly rows: number;
  /** SQL: which rows they are. */
  readonly where: string;
  readonly first: string;
  readonly last: string;
}

async function mergedFiles(
  { table, duck, partRows, id, nowMs }: Merging,
  key: string,
  files: readonly Add[],
): Promise<Add[]> {
  const folder = mkdtempSync(join(tmpdir(), "edgebook-compact-"));
  try {
    // Of object storage: fetched for this once, as much as the day is.
    const fetched = new LocalFiles(Number.POSITIVE_INFINITY, join(folder, "fetched"));
    const paths = await fetched.pathsOf(table.storage, files);
    const from = `read_parquet([${paths.map(quoted).join(", ")}], hive_partitioning = false)`;
    const parts = partsOf(
      await duck.rows(`SELECT token, count(*) AS n FROM ${from} GROUP BY token ORDER BY token`),
      partRows,
    );
    const rows = parts.reduce((sum, part) => sum + part.rows, 0);
    const wanted = files.reduce((sum, { stats }) => sum + recordsOf(stats), 0);
    if (rows !== wanted) throw new Error(`${key}: ${rows} rows instead of ${wanted}`);
    const added: Add[] = [];
    for (const part of parts) {
      const merged = join(folder, "merged.parquet");
      await duck.run(
        `COPY (SELECT * FROM ${from} WHERE ${part.where} ` +
          `ORDER BY token, epoch, sequence, row) TO ${quoted(merged)} ` +
          `(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${GROUP_ROWS})`,
      );
      const stats = await mergedStats(duck, merged, files, part);
      const bytes = readFileSync(merged);
      const path = `${key}/part-${id()}.parquet`;
      await table.storage.put(path, bytes);
      const { partitionValues } = files[0];
      const tags = { ...mergedTags(files), sorted: SORTED };
      const facts = { path, partitionValues, size: bytes.length, modificationTime: nowMs() };
      added.push({ ...facts, dataChange: false, stats, tags });
    }
    return added;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Neighbours together, up to so many rows; an instrument is never torn apart, however many it has. */
export function partsOf(counts: readonly Record<string, unknown>[], partRows: number): Part[] {
  const groups: { tokens: string[]; rows: number }[] = [];
  // Rows that name none stand last.
  for (const { token, n } of counts) {
    const rows = Number(n);
    const group = groups.at(-1);
    const tokens = token === null ? [] : [String(token)];
    if (group !== undefined && group.rows + rows <= partRows) {
      group.tokens.push(...tokens);
      group.rows += rows;
    } else groups.push({ tokens, rows });
  }
  return groups.map(({ tokens, rows }, at) => {
    const [first = "", last = ""] = [tokens[0], tokens.at(-1)];
    const isLast = at === groups.length - 1;
    const range =
      tokens.length === 0 ? "false" : `token BETWEEN ${quoted(first)} AND ${quoted(last)}`;
    return { rows, where: isLast ? `${range} OR token IS NULL` : range, first, last };
  });
}

function recordsOf(stats: string | undefined): number {
  return (JSON.parse(stats ?? "{}") as { numRecords?: number }).numRecords ?? 0;
}

type Bounds = Record<string, number | string>;

/** The widest bounds of all files but for instruments; what is counted is the merged file's own. */
async function mergedStats(
  duck: Duck,
  merged: string,
  files: readonly Add[],
  part: Part,
): Promise<string> {
  const minValues: Bounds = {};
  const maxValues: Bounds = {};
  const counted = new Set<string>();
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
    for (const name of Object.keys(each.nullCount ?? {})) counted.add(name);
  }
  if ("token" in minValues && part.first !== "") {
    minValues.token = part.first;
    maxValues.token = part.last;
  }
  const names = [...counted];
  const nones = names.map((name) => `, count(*) - count(${named(name)}) AS ${named(name)}`);
  const [counts] = await duck.rows(
    `SELECT count(*) AS rows_of_all${nones.join("")} FROM read_parquet(${quoted(merged)})`,
  );
  const numRecords = Number(counts?.rows_of_all);
  if (numRecords !== part.rows) throw new Error(`${numRecords} rows instead of ${part.rows}`);
  const nullCount = Object.fromEntries(names.map((name) => [name, Number(counts?.[name])]));
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
