/** Commits are cleared away only where a checkpoint has them and nobody travels back so far. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duckCheckpoints } from "./delta/checkpoint-duckdb.ts";
import { DirStorage } from "./delta/storage-dir.ts";
import { DeltaTable } from "./delta/table.ts";
import { clearLog, LOG_DAYS, partsOf } from "./upkeep.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-upkeep-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const DAY_MS = 86_400_000;

test("old commits go, young ones and those behind the checkpoint stay, and the table is the same", async () => {
  const nowMs = 100 * DAY_MS;
  const storage = new DirStorage(join(folder, "table"));
  const table = await DeltaTable.open(storage, duckCheckpoints, { checkpointEvery: 10 });
  await table.create({
    id: "x",
    format: { provider: "parquet", options: {} },
    schemaString: '{"type":"struct","fields":[]}',
    partitionColumns: [],
    configuration: {},
    createdTime: 0,
  });
  for (let at = 1; at <= 12; at++) {
    const daysOld = at <= 5 ? LOG_DAYS + 1 : 1;
    await table.commit([
      { commitInfo: { timestamp: nowMs - daysOld * DAY_MS } },
      { txn: { appId: "app-0", version: at } },
    ]);
  }
  expect(await clearLog(table, nowMs)).toBe(6);
  const commits = (await storage.list("_delta_log")).filter(({ path }) => /\d\.json$/.test(path));
  expect(commits).toHaveLength(7);
  const opened = await DeltaTable.open(storage, duckCheckpoints);
  expect(opened.snapshot.version).toBe(12);
  expect(opened.snapshot.transaction("app-0")).toBe(12);
  expect(await clearLog(opened, nowMs)).toBe(0);
}, 30_000);

test("a day is cut between instruments, and rows without one are in exactly one part", () => {
  const counts = [
    { token: "1", n: 40 },
    { token: "2", n: 50 },
    { token: "3", n: 300 },
    { token: "4", n: 90 },
    { token: null, n: 20 },
  ];
  const brief = (partRows: number) =>
    partsOf(counts, partRows).map(({ rows, where }) => [rows, where]);
  expect(brief(100)).toEqual([
    [90, "token BETWEEN '1' AND '2'"],
    [300, "token BETWEEN '3' AND '3'"],
    [90, "token BETWEEN '4' AND '4'"],
    [20, "false OR token IS NULL"],
  ]);
  expect(brief(110).at(-1)).toEqual([110, "token BETWEEN '4' AND '4' OR token IS NULL"]);
  expect(brief(1000)).toEqual([[500, "token BETWEEN '1' AND '4' OR token IS NULL"]]);
});
