/** What no version needs is cleared away once it is old, and nothing that any version needs ever is. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import type { Action, MetaData } from "./delta/actions.ts";
import { duckCheckpoints } from "./delta/checkpoint-duckdb.ts";
import { DirStorage } from "./delta/storage-dir.ts";
import { DeltaTable } from "./delta/table.ts";
import { clearLog, LOG_DAYS } from "./upkeep.ts";
import { ORPHAN_HOURS, vacuum } from "./vacuum.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-vacuum-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const DAY_MS = 86_400_000;
const NOW_MS = 1_800_000_000_000;
let tables = 0;

const metaData: MetaData = {
  id: "x",
  format: { provider: "parquet", options: {} },
  schemaString: '{"type":"struct","fields":[]}',
  partitionColumns: ["date"],
  configuration: {},
  createdTime: 0,
};

class Rig {
  readonly path = join(folder, `t${++tables}`);
  readonly storage = new DirStorage(this.path);

  /** Makes a file as old as that. */
  put(path: string, daysOld: number): void {
    const file = join(this.path, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, "rows");
    const at = new Date(NOW_MS - daysOld * DAY_MS);
    utimesSync(file, at, at);
  }

  has(path: string): boolean {
    return existsSync(join(this.path, path));
  }

  open(version?: number): Promise<DeltaTable> {
    const every = { checkpointEvery: 4 };
    const at = version === undefined ? every : { ...every, version };
    return DeltaTable.open(this.storage, duckCheckpoints, at);
  }
}

const added = (path: string): Action => ({
  add: { path, partitionValues: { date: "2023" }, size: 4, modificationTime: 1, dataChange: true },
});
const removed = (path: string, daysAgo: number): Action => ({
  remove: { path, deletionTimestamp: NOW_MS - daysAgo * DAY_MS, dataChange: true },
});
const stamped = (daysAgo: number): Action => ({
  commitInfo: { timestamp: NOW_MS - daysAgo * DAY_MS },
});

describe("a vacuum", () => {
  test("clears away what a killed worker left, and leaves what may still be committed", async () => {
    const rig = new Rig();
    const table = await rig.open();
    await table.create(metaData);
    for (const [name, daysOld] of [
      ["date=2023/part-committed.parquet", 20],
      ["date=2023/part-orphan.parquet", 8],
      ["date=2023/part-at-work.parquet", 6],
      ["date=2023/.tmp-half", 8],
      ["_edgebook_probe", 20],
    ] as const) {
      rig.put(name, daysOld);
    }
    await table.commit([added("date=2023/part-committed.parquet")]);
    expect(await vacuum(rig.storage, duckCheckpoints, NOW_MS)).toEqual({ files: 2, bytes: 8 });
    expect(rig.has("date=2023/part-orphan.parquet")).toBe(false);
    expect(rig.has("date=2023/.tmp-half")).toBe(false);
    expect(rig.has("date=2023/part-committed.parquet")).toBe(true);
    expect(rig.has("date=2023/part-at-work.parquet")).toBe(true);
    expect(rig.has("_edgebook_probe")).toBe(true);
    expect((await rig.open()).snapshot.version).toBe(1);
    expect(await vacuum(rig.storage, duckCheckpoints, NOW_MS, 5 * 24)).toMatchObject({ files: 1 });
    expect(ORPHAN_HOURS).toBe(168);
  });

  test("lets a replaced file go only when no version that can be read has it", async () => {
    const rig = new Rig();
    const table = await rig.open();
    await table.create(metaData);
    for (const name of ["old", "new"]) rig.put(`date=2023/${name}.parquet`, 60);
    await table.commit([stamped(50), added("date=2023/old.parquet")]);
    const replace = [removed("date=2023/old.parquet", 40), added("date=2023/new.parquet")];
    await table.commit([stamped(40), ...replace]);
    await vacuum(rig.storage, duckCheckpoints, NOW_MS);
    expect(rig.has("date=2023/old.parquet")).toBe(true);
    for (let at = 0; at < 6; at++) await table.commit([stamped(1)]);
    await clearLog(table, NOW_MS);
    expect(await vacuum(rig.storage, duckCheckpoints, NOW_MS)).toMatchObject({ files: 1 });
    expect(rig.has("date=2023/old.parquet")).toBe(false);
    expect(rig.has("date=2023/new.parquet")).toBe(true);
  }, 30_000);

  test("leaves every version whole that the log still gives", async () => {
    // Of each commit: how many files come, how many of those there go, how many days ago.
    const commit = fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2 * LOG_DAYS));
    await fc.assert(
      fc.asyncProperty(fc.array(commit, { minLength: 1, maxLength: 12 }), async (plan) => {
        const rig = new Rig();
        const table = await rig.open();
        await table.create(metaData);
        const ages = plan.map(([, , daysAgo]) => daysAgo).sort((a, b) => b - a);
        let made = 0;
        for (const [at, [comes, goes]] of plan.entries()) {
          const paths = Array.from({ length: comes }, () => `date=2023/${made++}.parquet`);
          for (const path of paths) rig.put(path, ages[at] + 1);
          const gone = [...table.snapshot.files.keys()].slice(0, goes);
          const removes = gone.map((path) => removed(path, ages[at]));
          await table.commit([stamped(ages[at]), ...removes, ...paths.map(added)]);
        }
        await clearLog(table, NOW_MS);
        await vacuum(rig.storage, duckCheckpoints, NOW_MS);
        for (let version = 0; version <= table.snapshot.version; version++) {
          const then = await rig.open(version).catch(() => undefined);
          for (const path of then?.snapshot.files.keys() ?? []) expect(rig.has(path)).toBe(true);
        }
        expect((await rig.open()).snapshot.files.size).toBe(table.snapshot.files.size);
      }),
      { numRuns: 8 },
    );
  }, 60_000);
});
