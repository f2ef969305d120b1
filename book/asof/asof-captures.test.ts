/**
 * A real session's trades with their settled quotes, joined as they pass, are the rows that DuckDB
 * gives for what `rebuild --schema trades` and `--schema bbo --settled` write.
 */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { nasdaqItch50 } from "../../feed/nasdaq/feed.ts";
import { Channels } from "../../frames/channels.ts";
import { edgebook } from "../../tests/cli-run.ts";
import { openDuckDb } from "../../tests/duckdb.ts";
import { BookPipeline, type PipelineStream } from "../pipeline.ts";
import { AsOfJoin } from "./asof-join.ts";
import { AsOfFlag, type JoinedBatch } from "./joined-batch.ts";
import { AsOfObserver } from "./observer.ts";

const FILE = join(import.meta.dir, "../../../shared/data/books/amzn_l5.itch50.gz");
const DATE = "2012-06-21";
const MIDNIGHT_SEC = 1_340_251_200;

/** Price and time of the quote as text; prices in the wire's unit. */
type Row = readonly [sequence: number, time: string, bid: number | null, ask: number | null];

function streamed(bytes: Uint8Array): { rows: Row[]; matched: number } {
  const rows: Row[] = [];
  const take = (batch: JoinedBatch) => {
    for (let row = 0; row < batch.count; row++) {
      const isMatched = (batch.verdict[row] & AsOfFlag.Matched) !== 0;
      const nsec = String(batch.quoteNsec[row]).padStart(9, "0");
      rows.push([
        batch.sequence[row],
        isMatched ? `${batch.quoteSec[row]}${nsec}` : "",
        isMatched && batch.bidOrders[row] > 0 ? batch.bidPrice[row] : null,
        isMatched && batch.askOrders[row] > 0 ? batch.askPrice[row] : null,
      ]);
    }
  };
  const asOf = new AsOfJoin({ write: take });
  const observerFor = (stream: PipelineStream) => {
    const { instruments } = stream.decoder;
    const midnightOf = () => MIDNIGHT_SEC;
    const observed = { feed: nasdaqItch50, instruments, source: stream, midnightOf };
    return new AsOfObserver(asOf, asOf.addStream(stream.id), observed, null);
  };
  const books = new BookPipeline(nasdaqItch50, new Channels(), { effects: true, observerFor });
  books.pushFileMessages(bytes, 0, bytes.length);
  asOf.finish();
  return { rows, matched: asOf.stats.matched };
}

test("a session's trades have the settled quotes that DuckDB finds for them", async () => {
  if (!existsSync(FILE)) {
    console.log("not run: no captures");
    return;
  }
  const db = await openDuckDb();
  if (db === undefined) return;
  for (const [schema, ...more] of [["trades"], ["bbo", "--settled"]]) {
    const flags = ["--feed", "nasdaq-itch50", "--date", DATE, "--schema", schema, ...more];
    const { out, err, code } = await edgebook(["rebuild", FILE, ...flags, "--format", "csv"]);
    expect(code, err).toBe(0);
    const path = join(process.env.TMPDIR ?? "/tmp", `edgebook-asof-${process.pid}-${schema}.csv`);
    await Bun.write(path, out);
    await db.run(`CREATE TABLE ${schema} AS SELECT * FROM read_csv('${path}')`);
    await Bun.file(path).delete();
  }
  const result = await db.runAndReadAll(`
    WITH t AS (SELECT *, ts_event::HUGEINT * 1099511627776 + sequence AS place FROM trades),
         q AS (SELECT *, ts_event::HUGEINT * 1099511627776 + sequence AS place FROM bbo)
    SELECT t.sequence::INTEGER, coalesce(q.ts_event::VARCHAR, ''),
      (q.bid_px * 10000)::INTEGER, (q.ask_px * 10000)::INTEGER
    FROM t ASOF LEFT JOIN q ON t.token = q.token AND t.place > q.place ORDER BY t.place`);
  db.closeSync();
  const wanted = result.getRowsJS() as unknown as Row[];
  const { rows, matched } = streamed(Bun.gunzipSync(await Bun.file(FILE).bytes()));
  expect(rows.length).toBeGreaterThan(5000);
  expect(matched).toBeGreaterThan(5000);
  expect(rows).toEqual(wanted);
}, 60_000);
