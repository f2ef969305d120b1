/**
 * The three questions of docs/LAKE.md, as they stand there, and for each a slow search that must find
 * the same: no as-of join, but every trade and quote of a day in one order, and the last quote before
 * each trade.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export interface Question {
  /** As the guide has it, but for the names of two instruments. */
  readonly sql: string;
  /** One row: answers of both, and how many of them differ. */
  readonly check: string;
}

const GUIDE = join(import.meta.dir, "../docs/LAKE.md");
const KEYS = "stream, epoch, sequence, row";
/** Two instruments stand in the guide; a lake has others. */
const PAIR = "('8', '7')";

/** @param pair an option and its future, or any two instruments of the lake */
export function questionsOf([option, future]: readonly [string, string]): Question[] {
  const guide = readFileSync(GUIDE, "utf8");
  const asked = [...guide.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql]) => sql);
  const [inForce, ofFuture, slippage] = asked;
  if (asked.length !== 3 || !ofFuture.includes(PAIR)) throw new Error(`not the three: ${asked}`);
  const ofPair = ofFuture.replace(PAIR, `('${option}', '${future}')`);
  const timed = byTime({
    trades: `token = '${option}'`,
    quotes: `token = '${future}'`,
    group: "1",
    afterNs: 0,
  });
  return [
    { sql: inForce, check: rowCheck(inForce.replace("SELECT", `SELECT ${of("t")},`), NUMBERED) },
    { sql: ofPair, check: rowCheck(ofPair.replace("SELECT", `SELECT ${of("o")},`), timed) },
    { sql: slippage, check: averageCheck(slippage) },
  ];
}

const of = (name: string) => KEYS.split(", ").map((key) => `${name}.${key}`);

/** Every trade with the last quote of its instrument that has a lower number. */
const NUMBERED = `
  SELECT ${KEYS}, quote.bid_px AS bid_px, quote.ask_px AS ask_px FROM (
    SELECT *, last_value(here IGNORE NULLS) OVER (
      PARTITION BY stream, token ORDER BY sequence, is_quote
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS quote
    FROM (
      SELECT ${KEYS}, token, 0 AS is_quote, NULL AS here FROM trades
      UNION ALL
      SELECT ${KEYS}, token, 1, {bid_px: bid_px, ask_px: ask_px} FROM bbo))
  WHERE is_quote = 0 AND quote IS NOT NULL`;

interface Times {
  /** SQL: which trades, and which quotes may be theirs. */
  readonly trades: string;
  readonly quotes: string;
  /** What a trade and its quote have in common; "1": nothing. */
  readonly group: string;
  /** How long after the trade, ns. */
  readonly afterNs: number;
}

/** Every trade with the last quote that is not later than it by more; of several at one time the last. */
const byTime = ({ trades, quotes, group, afterNs }: Times) => `
  SELECT ${KEYS}, token, side, price, quote.bid_px AS bid_px, quote.ask_px AS ask_px FROM (
    SELECT *, last_value(here IGNORE NULLS) OVER (
      PARTITION BY ${group} ORDER BY ns, is_trade, stream, sequence
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS quote
    FROM (
      SELECT ${KEYS}, token, side, price, 1 AS is_trade, ts_event_ns + ${afterNs} AS ns, NULL AS here
      FROM trades WHERE ${trades}
      UNION ALL
      SELECT ${KEYS}, token, NULL, NULL, 0, ts_event_ns, {bid_px: bid_px, ask_px: ask_px}
      FROM bbo WHERE ${quotes}))
  WHERE is_trade = 1 AND quote IS NOT NULL`;

function rowCheck(asked: string, slow: string): string {
  return `
  WITH asked AS (${asked}), slow AS (${slow})
  SELECT count(asked.row), count(slow.row), count_if(
    asked.row IS NULL OR slow.row IS NULL OR asked.bid_px IS DISTINCT FROM slow.bid_px
    OR asked.ask_px IS DISTINCT FROM slow.ask_px)
  FROM asked FULL JOIN slow USING (${KEYS})`;
}

function averageCheck(asked: string): string {
  const trades = "side IN ('B', 'A')";
  const slow = byTime({ trades, quotes: "true", group: "stream, token", afterNs: 1e9 });
  const slipped = "(CASE side WHEN 'B' THEN 1 ELSE -1 END) * ((bid_px + ask_px) / 2 - price)";
  return `
  WITH asked AS (${asked}),
  slow AS (SELECT token, avg(${slipped}) AS slippage FROM (${slow}) GROUP BY token)
  SELECT count(asked.token), count(slow.token), count_if(
    asked.token IS NULL OR slow.token IS NULL
    OR (asked.slippage IS NULL) <> (slow.slippage IS NULL)
    OR abs(asked.slippage - slow.slippage) > 1e-9)
  FROM asked FULL JOIN slow USING (token)`;
}
