/** From captures into Delta tables: every row once, whoever is killed, whoever reads. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { duckCheckpoints } from "../lake/delta/checkpoint-duckdb.ts";
import { DirStorage } from "../lake/delta/storage-dir.ts";
import { DeltaTable } from "../lake/delta/table.ts";
import { compact } from "../lake/upkeep.ts";
import { samplesOf } from "../metrics/page.ts";
import { ethernet, ipv4, pcapFile, udp } from "./capture-files.ts";
import { csvRows, edgebook } from "./cli-run.ts";
import { contents, deltalakeRows, ingestKilled } from "./lake-run.ts";
import { nseMessage } from "./nse-messages.ts";
import { pythonWithPackages } from "./python.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-ingest-"));
const capture = join(folder, "day.pcap");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const ORDERS = 3000;
const STREAMS = 3;
/** 27 November 2023, 09:15 in India; the feed counts nanoseconds from 1980. */
const MORNING_SEC = 1_701_056_700;
const NSE_EPOCH_SEC = 315_532_800 - 19_800;

let packets: Parameters<typeof pcapFile>[0] = [];

/** Orders on three streams, each traded against the one before it now and then. */
beforeAll(() => {
  packets = Array.from({ length: ORDERS * STREAMS }, (_, at) => {
    const [stream, number] = [(at % STREAMS) + 1, Math.floor(at / STREAMS) + 1];
    const token = 7 + (number % 3);
    const timestamp = BigInt(MORNING_SEC - NSE_EPOCH_SEC) * 1_000_000_000n + BigInt(at) * 1000n;
    const order = {
      order_id: number * 10 + stream,
      token,
      side: number % 2 === 0 ? "S" : "B",
      price: 7000 + (number % 11) * (number % 2 === 0 ? 1 : -1),
      quantity: 50,
      timestamp,
    };
    const trade = {
      buy_order_id: (number - 2) * 10 + stream,
      sell_order_id: (number - 1) * 10 + stream,
      token,
      price: 7000,
      quantity: 10,
      timestamp,
    };
    const isTrade = number % 5 === 0;
    const bytes = nseMessage(isTrade ? "T" : "N", number, isTrade ? trade : order, stream);
    return {
      sec: MORNING_SEC + Math.floor(at / 1000),
      fraction: at % 1000,
      bytes: ethernet(0x0800, ipv4(`239.1.1.${stream}`, udp(10_000, bytes))),
    };
  });
  writeFileSync(capture, pcapFile(packets));
});

const words = (lake: string, ...more: string[]) => [
  capture,
  "--feed",
  "nse-fo",
  "--lake",
  lake,
  ...more,
];

async function expectedRows(): Promise<Record<string, string>[]> {
  const { out } = await edgebook(["rebuild", capture, "--feed", "nse-fo", "--format", "csv"]);
  return csvRows(out);
}

describe("ingest", () => {
  test("puts every row of rebuild into the table, and nothing twice", async () => {
    const lake = join(folder, "plain");
    const first = await edgebook(["ingest", ...words(lake, "--stats")]);
    expect(first.err).toContain('"repeated":0');
    expect(first.code).toBe(0);
    const wanted = await expectedRows();
    expect(await contents(lake, "events")).toEqual({ rows: wanted.length, places: wanted.length });
    const again = await edgebook(["ingest", ...words(lake)]);
    expect(again.err).toContain("0 rows in 0 files");
    expect(again.err).toContain("were there already");
    const columns = "sequence, token, action, side, price, size, order_id, flags";
    const { out } = await edgebook([
      "query",
      `SELECT ${columns} FROM events WHERE stream = 2 ORDER BY epoch, sequence, row`,
      ...["--lake", lake, "--format", "csv"],
    ]);
    const found = csvRows(out);
    const ofStream = wanted.filter(({ stream }) => stream === "2");
    expect(found).toHaveLength(ofStream.length);
    for (const [at, row] of found.entries()) expect(ofStream[at]).toMatchObject(row);
  }, 60_000);

  test("lays files out by the exchange's day and by stream", () => {
    const day = join(folder, "plain/events/date=2023-11-27");
    expect(readdirSync(day).sort()).toEqual(["stream=1", "stream=2", "stream=3"]);
  });

  test("that is killed again and again puts each row into the table once", async () => {
    const lake = join(folder, "killed");
    const kills = await ingestKilled(lake, words(lake, "--rows-per-commit", "700"), () =>
      Math.floor(120 + Math.random() * 250),
    );
    expect(kills).toBeGreaterThan(0);
    const plain = join(folder, "plain");
    for (const table of ["events", "trades", "bbo"]) {
      const { rows } = await contents(plain, table);
      expect({ kills, ...(await contents(lake, table)) }).toEqual({ kills, rows, places: rows });
    }
  }, 120_000);

  test("--replace builds a day again in one commit, and keeps the former version", async () => {
    const lake = join(folder, "plain");
    const before = await contents(lake, "events");
    const { code } = await edgebook(["ingest", ...words(lake, "--replace")]);
    expect(code).toBe(0);
    expect(await contents(lake, "events")).toEqual(before);
    const { out } = await edgebook([
      "query",
      "SELECT count(*) AS n FROM events",
      ...["--lake", lake, "--version", "events@1"],
    ]);
    expect(JSON.parse(out)).toEqual({ n: String(before.rows) });
  }, 60_000);

  test("another reader of Delta sees the same rows", async () => {
    const python = pythonWithPackages();
    if (python === undefined) return;
    const lake = join(folder, "killed");
    for (const table of ["events", "trades", "bbo"]) {
      const { rows } = await contents(lake, table);
      expect(deltalakeRows(python, lake, table)).toBe(rows);
    }
  }, 300_000);

  test("says what is whole, and of what is not, what is missing", async () => {
    const whole = join(folder, "plain");
    const ask = ["query", "SELECT count(*) AS n FROM gaps WHERE state = 'lost'", "--prove"];
    const good = await edgebook([...ask, "--lake", whole]);
    expect(good.code).toBe(0);
    expect(JSON.parse(good.out)).toEqual({ n: "0" });
    expect(good.err).toContain(`stream 2: `);
    expect(good.err.match(/: whole$/gm)).toHaveLength(STREAMS);
    // Both lines of stream 1 lose what is between the two halves of the morning.
    const holed = join(folder, "holed.pcap");
    const kept = packets.filter((_, at) => at % STREAMS !== 0 || at < 300 || at >= 360);
    writeFileSync(holed, pcapFile(kept));
    const lake = join(folder, "holed");
    const page = join(folder, "holed.prom");
    const metered = [holed, "--feed", "nse-fo", "--lake", lake, "--metrics", page];
    const ingested = await edgebook(["ingest", ...metered]);
    expect(ingested.code).toBe(3);
    const metrics = samplesOf(readFileSync(page, "utf8"));
    const lost = (stream: number) => `edgebook_lake_stream_lost{feed="nse-fo",stream="${stream}"}`;
    expect([metrics.get(lost(1)), metrics.get(lost(2))]).toEqual([20, 0]);
    expect(metrics.get("edgebook_lake_rows_total")).toBeGreaterThan(100);
    const bad = await edgebook([...ask, "--lake", lake]);
    expect(bad.code).toBe(3);
    expect(JSON.parse(bad.out)).toEqual({ n: "1" });
    expect(bad.err).toMatch(/stream 1: .*numbers are lost/);
    expect(bad.err.match(/: whole$/gm)).toHaveLength(STREAMS - 1);
    // Built again from a whole capture, the day has no gap any more.
    const mended = join(folder, "mended");
    await edgebook(["ingest", holed, "--feed", "nse-fo", "--lake", mended]);
    await edgebook(["ingest", ...words(mended, "--replace")]);
    const now = await edgebook([...ask, "--lake", mended]);
    expect({ code: now.code, out: JSON.parse(now.out) }).toEqual({ code: 0, out: { n: "0" } });
    const other = await edgebook([...ask, "--lake", lake, "--stream", "2"]);
    expect(other.code).toBe(0);
    const gaps = "SELECT sequence, last, numbers FROM gaps";
    const row = await edgebook(["query", gaps, "--lake", lake, "--format", "csv"]);
    expect(row.out).toBe("sequence,last,numbers\n101,120,20\n");
  }, 60_000);

  test("--compact makes one file a stream of many, and changes no row", async () => {
    const lake = join(folder, "killed");
    const before = await contents(lake, "events");
    expect(readdirSync(join(lake, "events/date=2023-11-27/stream=1")).length).toBeGreaterThan(1);
    const ask = "SELECT * FROM events WHERE token = '8' ORDER BY stream, epoch, sequence, row";
    const query = ["query", ask, "--lake", lake, "--format", "csv"];
    const rows = (await edgebook(query)).out;
    const { code, err } = await edgebook(["ingest", "--compact", "--lake", lake]);
    expect(code).toBe(0);
    expect(err).toMatch(/events: \d+ files became 3, /);
    expect(await contents(lake, "events")).toEqual(before);
    expect((await edgebook(query)).out).toBe(rows);
    const again = await edgebook(["ingest", ...words(lake)]);
    expect(again.err).toContain("0 rows in 0 files");
    const python = pythonWithPackages();
    if (python !== undefined) expect(deltalakeRows(python, lake, "events")).toBe(before.rows);
  }, 300_000);

  test("a long day becomes some files of neighbouring instruments, and changes no row", async () => {
    const lake = join(folder, "parts");
    await edgebook(["ingest", ...words(lake)]);
    const before = await contents(lake, "events");
    const storage = new DirStorage(join(lake, "events"));
    const rewritten = await compact(
      await DeltaTable.open(storage, duckCheckpoints),
      randomUUID,
      Date.now,
      2500,
    );
    // Three instruments of a thousand rows on each stream.
    expect([rewritten.after, rewritten.rows]).toEqual([2 * STREAMS, before.rows]);
    expect(await contents(lake, "events")).toEqual(before);
    const table = await DeltaTable.open(storage, duckCheckpoints);
    const nones: number[][] = [];
    const stats = [...table.snapshot.files.values()].map(({ partitionValues, stats }) => {
      const { numRecords, minValues, maxValues, nullCount } = JSON.parse(stats ?? "");
      // Of the file, not of the day: some columns have no value in any of its rows.
      nones.push([numRecords, ...Object.values<number>(nullCount)]);
      const tokens = `${minValues.token}-${maxValues.token}`;
      return [partitionValues.stream, tokens, numRecords].join(" ");
    });
    const ofStream = (stream: number) => [`${stream} 7-8 2000`, `${stream} 9-9 1000`];
    expect(stats.sort()).toEqual([1, 2, 3].flatMap(ofStream));
    for (const [rows, ...counts] of nones) expect(Math.max(...counts)).toBeLessThanOrEqual(rows);
    expect((await compact(table, randomUUID, Date.now, 2500)).after).toBe(0);
    const ask = "SELECT count(*) AS n FROM events WHERE token = '8'";
    const { out } = await edgebook(["query", ask, "--lake", lake, "--format", "csv"]);
    expect(out).toBe(`n\n${ORDERS}\n`);
    const python = pythonWithPackages();
    if (python !== undefined) expect(deltalakeRows(python, lake, "events")).toBe(before.rows);
  }, 300_000);

  test("a feed of price levels is refused, with what to do", async () => {
    const { code, err } = await edgebook(["ingest", capture, "--feed", "iex-deep"]);
    expect(code).toBe(2);
    expect(err).toContain("rebuild --format parquet");
  });
});
