/**
 * Edge: clearing away of files that no version of a table needs: what a worker wrote and was killed before
 * it committed, and what was replaced so long ago that the log does not know of it any more.
 *
 * A file stays if it is younger than a worker may take from writing to committing, and whatever its
 * age if any commit or checkpoint that is still there names it.
 */
import {
  type Action,
  checkpointVersionOf,
  commitPath,
  parseCommit,
  versionOf,
} from "./delta/actions.ts";
import type { CheckpointFormat } from "./delta/checkpoint.ts";
import type { Storage, StoredFile } from "./delta/storage.ts";
import { DeltaTable } from "./delta/table.ts";
import { LOG_DAYS } from "./upkeep.ts";

/** Hours from writing a file to committing it that nobody ever takes. */
export const ORPHAN_HOURS = 7 * 24;
const HOUR_MS = 3_600_000;
/** What a folder's writer leaves that was killed before the file had its name. */
const HALF = /(?:^|\/)\.tmp-/;

export interface Vacuumed {
  readonly files: number;
  readonly bytes: number;
}

/** @param idleHours files younger than that stay, whoever names them or not */
export async function vacuum(
  storage: Storage,
  checkpoints: CheckpointFormat,
  nowMs: number,
  idleHours = ORPHAN_HOURS,
): Promise<Vacuumed> {
  // First what there is, then what is needed: a commit between the two is seen.
  const there = await storage.list("");
  const table = await DeltaTable.open(storage, checkpoints);
  // Where there is no log nothing is known of any file.
  if (!table.exists) return { files: 0, bytes: 0 };
  const needed = await neededFiles(table, checkpoints, nowMs);
  let [files, bytes] = [0, 0];
  for (const file of there) {
    if (!isOld(file, nowMs - idleHours * HOUR_MS)) continue;
    if (!HALF.test(file.path) && (isHidden(file.path) || needed.has(file.path))) continue;
    await storage.delete(file.path);
    files++;
    bytes += file.size;
  }
  return { files, bytes };
}

/** The log and whatever else begins with `_` is no file of rows. */
function isHidden(path: string): boolean {
  return path.split("/").some((part) => /^[_.]/.test(part));
}

/** A storage that does not say how old a file is keeps it. */
function isOld({ modifiedMs }: StoredFile, beforeMs: number): boolean {
  return modifiedMs < beforeMs;
}

async function neededFiles(
  { storage, snapshot }: DeltaTable,
  checkpoints: CheckpointFormat,
  nowMs: number,
): Promise<ReadonlySet<string>> {
  const needed = new Set<string>();
  for (const path of snapshot.files.keys()) needed.add(path);
  const forgottenMs = nowMs - LOG_DAYS * 24 * HOUR_MS;
  for (const { path, deletionTimestamp } of snapshot.removed.values()) {
    if (deletionTimestamp >= forgottenMs) needed.add(path);
  }
  for (const { path } of await storage.list("_delta_log")) {
    const actions = await actionsOf(storage, checkpoints, path);
    for (const action of actions) {
      if ("add" in action) needed.add(action.add.path);
      // A commit that takes a file out: the version before it had the file.
      else if ("remove" in action && versionOf(path) !== undefined) needed.add(action.remove.path);
    }
  }
  return needed;
}

async function actionsOf(
  storage: Storage,
  checkpoints: CheckpointFormat,
  path: string,
): Promise<readonly Action[]> {
  const version = versionOf(path);
  if (version !== undefined) {
    const bytes = await storage.get(commitPath(version));
    return bytes === undefined ? [] : parseCommit(new TextDecoder().decode(bytes));
  }
  const checkpoint = checkpointVersionOf(path);
  return checkpoint === undefined ? [] : checkpoints.read(storage, checkpoint);
}
