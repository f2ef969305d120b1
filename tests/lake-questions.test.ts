/** The questions of docs/LAKE.md run as they stand, and their answers are those of slow, exact searches. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { csvRows, edgebook } from "./cli-run.ts";
import { questionsOf } from "./lake-questions.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-questions-"));
const lake = join(folder, "lake");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

beforeAll(async () => {
  const capture = join(folder, "day.pcap");
  const market = ["--seed", "3", "--duration", "20s", "--rate", "500", "--streams", "2"];
  const made = await edgebook(["sim", "serve", ...market, "--write-pcap", capture]);
  expect(made.code).toBe(0);
  const ingested = await edgebook(["ingest", capture, "--feed", "nse-fo", "--lake", lake]);
  expect([0, 3]).toContain(ingested.code);
  writeFileSync(join(folder, "done"), "");
}, 60_000);

async function asked(sql: string): Promise<Record<string, string>[]> {
  const { out, code } = await edgebook(["query", sql, "--lake", lake, "--format", "csv"]);
  expect(code).toBe(0);
  return out === "" ? [] : csvRows(out);
}

/** The two instruments that trade most. */
async function pairOf(): Promise<[string, string]> {
  const most = "SELECT token FROM trades GROUP BY token ORDER BY count(*) DESC, token LIMIT 2";
  const [option, future] = (await asked(most)).map(({ token }) => token);
  return [option, future];
}

test("each of the three questions has the answers of a slow search", async () => {
  for (const { sql, check } of questionsOf(await pairOf())) {
    const [checked] = await asked(check.trim());
    const [answers, slow, different] = Object.values(checked).map(Number);
    expect({ sql, answers, different }).toEqual({ sql, answers: slow, different: 0 });
    expect(answers).toBeGreaterThan(sql.includes("avg(") ? 10 : 50);
    expect(await asked(sql)).toHaveLength(answers);
  }
}, 60_000);

test("a search that finds other quotes is noticed", async () => {
  const [{ check }] = questionsOf(await pairOf());
  const other = check.replace("t.sequence > q.sequence", "t.sequence >= q.sequence + 5");
  expect(other).not.toBe(check);
  const [checked] = await asked(other.trim());
  expect(Number(Object.values(checked)[2])).toBeGreaterThan(0);
}, 60_000);

test("trades have the quote in force that a slow search finds", async () => {
  const [{ sql }] = questionsOf(["8", "7"]);
  const joined = await asked(
    sql.replace("SELECT t.ts_event,", "SELECT t.stream, t.sequence, t.epoch, t.row,"),
  );
  const trades = await asked("SELECT stream, sequence, token FROM trades");
  const quotes = await asked("SELECT stream, sequence, token, bid_px, ask_px FROM bbo");
  expect(trades.length).toBeGreaterThan(50);
  const found = new Map(joined.map((row) => [`${row.stream}/${row.sequence}/${row.token}`, row]));
  let compared = 0;
  for (const trade of trades) {
    let best: Record<string, string> | undefined;
    for (const quote of quotes) {
      if (quote.stream !== trade.stream || quote.token !== trade.token) continue;
      if (Number(quote.sequence) >= Number(trade.sequence)) continue;
      if (best === undefined || Number(quote.sequence) >= Number(best.sequence)) best = quote;
    }
    const row = found.get(`${trade.stream}/${trade.sequence}/${trade.token}`);
    if (best === undefined) expect(row).toBeUndefined();
    else {
      compared++;
      expect(row).toMatchObject({ bid_px: best.bid_px, ask_px: best.ask_px });
    }
  }
  expect(compared).toBeGreaterThan(50);
}, 60_000);
