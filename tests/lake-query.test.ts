/** Questions to a lake: what they see, and what they cannot reach. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { MetaData } from "../lake/delta/actions.ts";
import { duckCheckpoints } from "../lake/delta/checkpoint-duckdb.ts";
import { DirStorage } from "../lake/delta/storage-dir.ts";
import { DeltaTable } from "../lake/delta/table.ts";
import { Duck, quoted } from "../lake/duckdb.ts";
import { edgebook } from "./cli-run.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-query-"));
const lake = join(folder, "lake");
const secret = join(folder, "secret.csv");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const metaData: MetaData = {
  id: "0d7d9f1e-6a55-4c0e-8f4f-000000000002",
  format: { provider: "parquet", options: {} },
  schemaString: JSON.stringify({
    type: "struct",
    fields: ["token", "price"].map((name) => ({
      name,
      type: "long",
      nullable: true,
      metadata: {},
    })),
  }),
  partitionColumns: ["date", "stream"],
  configuration: {},
};

beforeAll(async () => {
  const storage = new DirStorage(join(lake, "trades"));
  const table = await DeltaTable.open(storage, duckCheckpoints);
  await table.create(metaData);
  const duck = await Duck.open();
  for (const stream of [1, 2]) {
    const path = `date=2023-10-02/stream=${stream}/part-0.parquet`;
    await storage.put(path, new Uint8Array());
    const rows = `SELECT range AS token, range * 10 + ${stream} AS price FROM range(100)`;
    await duck.run(`COPY (${rows}) TO ${quoted(storage.location(path))} (FORMAT parquet)`);
    const partitionValues = { date: "2023-10-02", stream: String(stream) };
    const size = readFileSync(storage.location(path)).length;
    await table.commit([
      { add: { path, partitionValues, size, modificationTime: 1, dataChange: true } },
    ]);
  }
  duck.close();
  writeFileSync(secret, "a,b\n1,2\n");
}, 60_000);

async function query(sql: string, ...more: string[]) {
  return edgebook(["query", sql, "--lake", lake, ...more]);
}

describe("a question", () => {
  test("sees every active file, with what its path says", async () => {
    const { code, out } = await query(
      "SELECT stream, count(*) AS n, max(price) AS p FROM trades GROUP BY stream ORDER BY stream",
      "--format",
      "csv",
    );
    expect(out).toBe("stream,n,p\n1,100,991\n2,100,992\n");
    expect(code).toBe(0);
  });

  test("sees a table as it was", async () => {
    const { out } = await query("SELECT count(*) AS n FROM trades", "--version", "trades@1");
    expect(JSON.parse(out)).toEqual({ n: "100" });
  });

  test("that is wrong is told what there is", async () => {
    const { code, err } = await query("SELECT * FROM tradez");
    expect(code).toBe(2);
    expect(err).toContain("The tables are trades");
  });
});

describe("a question cannot", () => {
  test.each([
    ["read a file outside", () => `SELECT * FROM read_csv('${secret}')`],
    ["read the system's files", () => "SELECT * FROM read_text('/etc/passwd')"],
    ["write", () => `COPY (SELECT 1) TO '${join(lake, "x.csv")}'`],
    ["write outside", () => `COPY (SELECT 1) TO '${join(folder, "x.csv")}'`],
    ["attach a database", () => `ATTACH '${join(lake, "x.db")}'`],
    ["undo the lock", () => "SET enable_external_access = true"],
    ["be two", () => "SELECT 1; SELECT 2"],
    ["load code", () => "INSTALL httpfs"],
  ])("%s", async (_, sql) => {
    const { code, out } = await query(sql());
    expect(code).toBe(2);
    expect(out).toBe("");
  });
});

test("where there is no lake it says how to make one", async () => {
  const { code, err } = await edgebook(["query", "SELECT 1", "--lake", join(folder, "none")]);
  expect(code).toBe(1);
  expect(err).toContain("edgebook ingest");
});
