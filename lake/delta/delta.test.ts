/** A Delta table in a folder: what is committed is there, once, whoever commits beside us. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Action, Add, MetaData } from "./actions.ts";
import { checkpointPath, commitPath, parseCommit } from "./actions.ts";
import { duckCheckpoints } from "./checkpoint-duckdb.ts";
import { DirStorage } from "./storage-dir.ts";
import { CommitConflict, DeltaTable } from "./table.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-delta-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let tables = 0;

const metaData: MetaData = {
  id: "0d7d9f1e-6a55-4c0e-8f4f-000000000001",
  format: { provider: "parquet", options: {} },
  schemaString: JSON.stringify({
    type: "struct",
    fields: [{ name: "n", type: "long", nullable: true, metadata: {} }],
  }),
  partitionColumns: ["date"],
  configuration: {},
};

function add(path: string): { add: Add } {
  const stats = JSON.stringify({ numRecords: 3, minValues: {}, maxValues: {}, nullCount: {} });
  const partitionValues = { date: "2023-10-02" };
  return { add: { path, partitionValues, size: 1, modificationTime: 1, dataChange: true, stats } };
}

async function newTable(): Promise<{ path: string; table: DeltaTable }> {
  const path = join(folder, `t${++tables}`);
  const table = await DeltaTable.open(new DirStorage(path), duckCheckpoints);
  await table.create(metaData);
  return { path, table };
}

describe("a table's log", () => {
  test("two writers at one version: both commits are there, one behind the other", async () => {
    const { path, table } = await newTable();
    const other = await DeltaTable.open(new DirStorage(path), duckCheckpoints);
    expect(await table.commit([add("a.parquet")])).toBe(1);
    expect(await other.commit([add("b.parquet")])).toBe(2);
    await table.refresh();
    expect([...table.snapshot.files.keys()]).toEqual(["a.parquet", "b.parquet"]);
    expect(table.snapshot.rows).toBe(6);
  });

  test("a writer whose progress somebody else has committed is refused", async () => {
    const { path, table } = await newTable();
    const other = await DeltaTable.open(new DirStorage(path), duckCheckpoints);
    await table.commit([add("a.parquet"), { txn: { appId: "app-0", version: 10 } }]);
    const again: Action[] = [add("b.parquet"), { txn: { appId: "app-0", version: 10 } }];
    await expect(other.commit(again)).rejects.toBeInstanceOf(CommitConflict);
    expect(existsSync(join(path, commitPath(2)))).toBe(false);
  });

  test("a file that is gone cannot be removed once more", async () => {
    const { path, table } = await newTable();
    await table.commit([add("a.parquet")]);
    const other = await DeltaTable.open(new DirStorage(path), duckCheckpoints);
    const removal = {
      remove: { path: "a.parquet", deletionTimestamp: 2, dataChange: false },
    };
    await table.commit([removal, add("c.parquet")]);
    await expect(other.commit([removal, add("d.parquet")])).rejects.toBeInstanceOf(CommitConflict);
  });

  test("many writers at once lose nothing and double nothing", async () => {
    const { path } = await newTable();
    const writers = await Promise.all(
      Array.from({ length: 8 }, () => DeltaTable.open(new DirStorage(path), duckCheckpoints)),
    );
    await Promise.all(
      writers.map(async (writer, who) => {
        for (let at = 0; at < 6; at++) {
          await writer.commit([
            add(`${who}-${at}.parquet`),
            { txn: { appId: `app-${who}`, version: at } },
          ]);
        }
      }),
    );
    const table = await DeltaTable.open(new DirStorage(path), duckCheckpoints);
    expect(table.snapshot.version).toBe(48);
    expect(table.snapshot.files.size).toBe(48);
    for (let who = 0; who < 8; who++) expect(table.snapshot.transaction(`app-${who}`)).toBe(5);
  });
});

describe("checkpoints", () => {
  test("a table opened from a checkpoint is the table", async () => {
    const { path, table } = await newTable();
    for (let at = 1; at <= 23; at++) {
      await table.commit([add(`${at}.parquet`), { txn: { appId: "app-0", version: at } }]);
    }
    await table.commit([{ remove: { path: "7.parquet", deletionTimestamp: 9, dataChange: true } }]);
    expect(existsSync(join(path, checkpointPath(20)))).toBe(true);
    // What is before the checkpoint may be cleaned away.
    for (let at = 0; at < 20; at++) rmSync(join(path, commitPath(at)));
    const opened = await DeltaTable.open(new DirStorage(path), duckCheckpoints);
    expect(opened.snapshot.version).toBe(24);
    expect([...opened.snapshot.files.keys()].sort()).toEqual(
      [...table.snapshot.files.keys()].sort(),
    );
    expect(opened.snapshot.files.get("3.parquet")).toEqual({
      ...add("3.parquet").add,
      dataChange: false,
    });
    expect(opened.snapshot.transaction("app-0")).toBe(23);
    expect(opened.snapshot.metaData).toEqual(metaData);
  }, 30_000);

  test("an older version is there as long as its commits are", async () => {
    const { path, table } = await newTable();
    for (let at = 1; at <= 4; at++) await table.commit([add(`${at}.parquet`)]);
    const storage = new DirStorage(path);
    const former = await DeltaTable.open(storage, duckCheckpoints, { version: 2 });
    expect([...former.snapshot.files.keys()]).toEqual(["1.parquet", "2.parquet"]);
    await expect(DeltaTable.open(storage, duckCheckpoints, { version: 9 })).rejects.toThrow(
      "has no version 9",
    );
  });
});

test("what is written beside the log by nobody's rules is not read", async () => {
  const { path, table } = await newTable();
  await table.commit([add("a.parquet")]);
  writeFileSync(join(path, "_delta_log", ".tmp-half"), "half");
  const opened = await DeltaTable.open(new DirStorage(path), duckCheckpoints);
  expect(opened.snapshot.version).toBe(1);
  expect(parseCommit('{"add":{"path":"x"}}\n\n')).toHaveLength(1);
});

test("a path cannot lead out of the table", () => {
  const storage = new DirStorage(join(folder, "inside"));
  expect(() => storage.location("../outside")).toThrow("leads elsewhere");
  expect(() => storage.location("/etc/passwd")).toThrow("leads elsewhere");
});
