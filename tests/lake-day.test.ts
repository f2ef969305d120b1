/** The small size of `npm run prove -- lake-day`. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { marketFile } from "../bench/market-files.ts";
import { sharedKafka } from "./kafka-broker.ts";
import { askRow, differences, digestsOf, LakeDay, lakeAccount } from "./lake-day-run.ts";
import { wireAccount } from "./wire-account.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-lake-day-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("a day through Kafka twice is the same rows as at once, and what the exchange's bytes say", async () => {
  const broker = await sharedKafka();
  if (broker === undefined) return;
  const capture = marketFile("nse", 20_000, 500, 5_000).path;
  const day = new LakeDay({ capture, brokers: broker.brokers, folder, say() {} });
  try {
    await day.ingestDirectly();
    const wanted = await digestsOf(day.direct);
    const rows = Object.values(wanted).reduce((sum, [count]) => sum + Number(count), 0);
    await day.collect();
    await day.book(rows);
    const lag = /^edgebook_source_lag_records\{topic=".*\.frames\.nse-fo",partition="0"\} 0$/m;
    expect(day.bookPage).toMatch(lag);
    await day.ingest();
    expect(await differences(day.direct, day.lake)).toEqual([]);
    expect(await digestsOf(day.lake)).toEqual(wanted);
    const { messages, ...exchange } = wireAccount(capture);
    expect(messages).toBeGreaterThanOrEqual(20_000);
    expect(exchange.traded.count).toBeGreaterThan(100);
    expect(await lakeAccount(day.lake)).toEqual(exchange);
    await day.compact();
    expect(await digestsOf(day.lake)).toEqual(wanted);
    const steps = "SELECT token < lag(token) OVER () AS isBack FROM events";
    expect(await askRow(day.lake, `SELECT count(*) FROM (${steps}) WHERE isBack`)).toEqual(["0"]);
    expect((await day.compact()).said).toBe("");
    expect(await day.topicBytes(".events", ".trades", ".bbo")).toBeGreaterThan(10_000);
  } finally {
    day.stop();
  }
}, 240_000);
