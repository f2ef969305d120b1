/** The questions of docs/LAKE.md run as they stand, and the first one's answer is the slow, exact one. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { csvRows, edgebook } from "./cli-run.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-questions-"));
const lake = join(folder, "lake");
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const guide = readFileSync(join(import.meta.dir, "../docs/LAKE.md"), "utf8");
const questions = [...guide.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql]) => sql);

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

test("there are three questions, and each is answered", async () => {
  expect(questions).toHaveLength(3);
  for (const sql of questions) await asked(sql);
}, 60_000);

test("trades have the quote in force that a slow search finds", async () => {
  const joined = await asked(
    questions[0].replace("SELECT t.ts_event,", "SELECT t.stream, t.sequence, t.epoch, t.row,"),
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
