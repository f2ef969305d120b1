/**
 * The streaming join gives what DuckDB's `ASOF JOIN` gives over the same items at rest, with one key
 * that orders them all: (exchange time, stream, place in the stream) in one HUGEINT. Ties, times that
 * step back, lags, tolerances and new epochs included.
 */
import { expect, test } from "bun:test";
import type { DuckDBConnection } from "@duckdb/node-api";
import fc from "fast-check";
import { itemsOf, joinWorld, type World, worlds } from "../../tests/asof-scenario.ts";
import { openDuckDb } from "../../tests/duckdb.ts";
import type { AsOfStrategy } from "./options.ts";

const UNBOUNDED = fc.constant({
  idleNs: Number.POSITIVE_INFINITY,
  quotesLimit: 4096,
  waitingLimit: 500,
});

/** Of both sides: what stands at one nanosecond lies in [time * 2^64, (time + 1) * 2^64). */
const PLACED = `
  CREATE OR REPLACE TABLE placed AS SELECT *,
    effective::HUGEINT * 18446744073709551616 + stream_order * 1099511627776 + ordinal AS place,
    effective::HUGEINT * 18446744073709551616 AS begins,
    (effective::HUGEINT + 1) * 18446744073709551616 AS ends
  FROM (SELECT *, max(ts) OVER (PARTITION BY stream_order ORDER BY ordinal) AS effective FROM items)`;

function joined(direction: "back" | "forth", isExact: boolean): string {
  const back = isExact ? "e.place > q.place" : "e.begins > q.place";
  const forth = isExact ? "e.place < q.place" : "e.ends <= q.place";
  return `SELECT e.id AS id, e.effective AS at, q.id AS quote, abs(e.effective - q.effective) AS apart
    FROM (SELECT * FROM placed WHERE kind = 'event') e
    ASOF LEFT JOIN (SELECT * FROM placed WHERE kind = 'quote') q
    ON e.key = q.key AND ${direction === "back" ? back : forth}`;
}

function query(strategy: AsOfStrategy, isExact: boolean, toleranceNs: number): string {
  const within = Number.isFinite(toleranceNs) ? `apart <= ${toleranceNs}` : "true";
  const one = (direction: "back" | "forth") =>
    `SELECT id, CASE WHEN ${within} THEN quote END AS quote, apart
     FROM (${joined(direction, isExact)})`;
  if (strategy === "backward") return one("back");
  if (strategy === "forward") return one("forth");
  return `SELECT b.id, CASE WHEN b.quote IS NULL OR f.apart < b.apart
      THEN coalesce(f.quote, b.quote) ELSE b.quote END AS quote
    FROM (${one("back")}) b JOIN (${one("forth")}) f ON b.id = f.id`;
}

async function batchAnswers(db: DuckDBConnection, world: World): Promise<Map<number, number>> {
  await db.run(`CREATE OR REPLACE TABLE items
    (kind VARCHAR, id INTEGER, stream_order INTEGER, key INTEGER, ts BIGINT, ordinal INTEGER)`);
  const appender = await db.createAppender("items");
  for (const item of itemsOf(world).flat()) {
    if (item.kind === "gap") continue;
    appender.appendVarchar(item.kind);
    appender.appendInteger(item.id);
    appender.appendInteger(item.order);
    appender.appendInteger(item.key);
    appender.appendBigInt(item.timeNs);
    appender.appendInteger(item.ordinal);
    appender.endRow();
  }
  appender.closeSync();
  await db.run(PLACED);
  const { options } = world;
  const { strategy = "backward", allowExactMatches = true, toleranceNs = Infinity } = options;
  const found = await db.runAndReadAll(query(strategy, allowExactMatches, toleranceNs));
  const rows = found.getRowObjectsJS();
  return new Map(rows.map(({ id, quote }) => [Number(id), quote === null ? -1 : Number(quote)]));
}

test("any streams give the rows of DuckDB's ASOF JOIN over the same items", async () => {
  const db = await openDuckDb();
  if (db === undefined) return;
  let matched = 0;
  await fc.assert(
    fc.asyncProperty(worlds(40, UNBOUNDED), async (world) => {
      const wanted = await batchAnswers(db, world);
      const { answers, stats } = joinWorld(world);
      const found = new Map([...answers].map(([id, { quote }]) => [id, quote]));
      expect([...found].sort(byId)).toEqual([...wanted].sort(byId));
      matched += stats.matched;
    }),
    { numRuns: 100 },
  );
  expect(matched).toBeGreaterThan(500);
  db.closeSync();
}, 60_000);

function byId([a]: readonly [number, number], [b]: readonly [number, number]): number {
  return a - b;
}
