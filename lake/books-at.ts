/**
 * Books of a past moment from the table of events: each order is what its last row that adds or changes
 * it says, less what was cancelled or filled since; an `R` begins a book anew (an epoch, or a snapshot
 * whose orders follow it). What came before the exchange's day is not looked at.
 *
 * DuckDB does the work, a stream's day at a time or less: every row of it is read once.
 */
import type { Add } from "./delta/actions.ts";
import { duckCheckpoints } from "./delta/checkpoint-duckdb.ts";
import type { Snapshot } from "./delta/snapshot.ts";
import { DeltaTable } from "./delta/table.ts";
import { quoted } from "./duckdb.ts";
import { tableStorage, tablesIn } from "./lake-place.ts";
import { LakeQuery, QueryError } from "./lake-query.ts";
import type { LocalFiles } from "./local-files.ts";

export const DEPTH = 10;
const HEAD = [
  "ts_recv_ns",
  "ts_event_ns",
  "stream",
  "sequence",
  "token",
  "action",
  "side",
] as const;
const TAIL = ["price", "size", "order_id", "flags"] as const;
/** The last row up to the moment, its columns by name, as DuckDB has them. */
export type HeadRow = Readonly<Record<(typeof HEAD)[number] | (typeof TAIL)[number], unknown>>;

export interface Level {
  readonly side: "B" | "A";
  /** From the best, 0. */
  readonly depth: number;
  /** Whole units of 10^-`priceDecimals`. */
  readonly price: number;
  readonly size: number;
  readonly count: number;
}

export interface BookAt {
  readonly head: HeadRow;
  readonly levels: readonly Level[];
}

export interface AtChoice {
  readonly untilNs: bigint;
  readonly clock: "event" | "recv";
  /** Empty: all. */
  readonly tokens: readonly string[];
  readonly files?: LocalFiles;
}

export class LakeBooks {
  readonly priceDecimals: number;
  private readonly query: LakeQuery;
  private readonly choice: AtChoice;

  private constructor(query: LakeQuery, choice: AtChoice, priceDecimals: number) {
    this.query = query;
    this.choice = choice;
    this.priceDecimals = priceDecimals;
  }

  /** @throws QueryError there is no lake, or it has no events */
  static async open(lake: string, choice: AtChoice): Promise<LakeBooks> {
    const hasEvents = (await tablesIn(lake)).includes("events");
    const snapshot = hasEvents ? await eventsOf(lake) : undefined;
    const decimals = /"name":"price","type":"decimal\(\d+,(\d+)\)"/.exec(
      snapshot?.metaData?.schemaString ?? "",
    );
    if (snapshot === undefined || decimals === null) {
      throw new QueryError(
        "no_lake",
        `There is no table of events in '${lake}'.`,
        "Make one with 'edgebook ingest FILE… --lake LAKE'.",
      );
    }
    const days = daysAt(snapshot.files.values(), choice.untilNs);
    const query = await LakeQuery.open(lake, {
      only: (date, stream) => days.get(stream) === date,
      sql: "events",
      ...(choice.files !== undefined && { files: choice.files }),
    });
    return new LakeBooks(query, choice, Number(decimals[1]));
  }

  /** By stream, and in the order in which instruments were seen. */
  async *books(): AsyncGenerator<BookAt> {
    const levels = new Map<string, Level[]>();
    for await (const { rows } of this.query.ask(this.levelsSql())) {
      for (const [stream, token, side, depth, price, size, count] of rows) {
        const key = `${stream}/${token}`;
        const known = levels.get(key) ?? [];
        known.push({
          side: side as Level["side"],
          depth: Number(depth),
          price: Number((price as { value: bigint }).value),
          size: Number(size),
          count: Number(count),
        });
        levels.set(key, known);
      }
    }
    for await (const { columns, rows } of this.query.ask(this.headsSql())) {
      for (const row of rows) {
        const head = Object.fromEntries(columns.map((name, at) => [name, row[at]])) as HeadRow;
        yield { head, levels: levels.get(`${head.stream}/${head.token}`) ?? [] };
      }
    }
  }

  close(): void {
    this.query.close();
  }

  private headsSql(): string {
    const columns = [...HEAD, ...TAIL].join(", ");
    return (
      `WITH ${this.placed()}, seen AS (` +
      "SELECT *, min(place) OVER (PARTITION BY stream, token) AS first_place, " +
      "row_number() OVER (PARTITION BY stream, token ORDER BY place DESC) AS back FROM placed) " +
      `SELECT ${columns} FROM seen WHERE back = 1 ORDER BY stream, first_place`
    );
  }

  private levelsSql(): string {
    const order = "stream, token, order_id";
    return `WITH ${this.placed()},
      begun AS (SELECT stream, token, max(place) AS place FROM placed WHERE action = 'R' GROUP BY ALL),
      live AS (SELECT placed.* FROM placed LEFT JOIN begun USING (stream, token)
        WHERE begun.place IS NULL OR placed.place > begun.place),
      base AS (SELECT ${order}, max(place) AS place, arg_max(side, place) AS side,
        arg_max(price, place) AS price, arg_max(size, place) AS size
        FROM live WHERE action IN ('A', 'M') AND order_id IS NOT NULL GROUP BY ${order}),
      gone AS (SELECT ${order}, sum(live.size) AS size FROM live JOIN base USING (${order})
        WHERE live.action IN ('C', 'F') AND live.place > base.place GROUP BY ${order}),
      orders AS (SELECT stream, token, base.side, base.price,
        base.size - coalesce(gone.size, 0) AS size
        FROM base LEFT JOIN gone USING (${order})),
      levels AS (SELECT stream, token, side, price, sum(size) AS size, count(*) AS orders
        FROM orders WHERE size > 0 AND side IN ('B', 'A') GROUP BY ALL),
      ranked AS (SELECT stream, token, side, row_number() OVER (PARTITION BY stream, token, side
        ORDER BY CASE side WHEN 'B' THEN -price ELSE price END) - 1 AS depth, price, size, orders
        FROM levels)
      SELECT * FROM ranked WHERE depth < ${DEPTH} ORDER BY stream, token, side, depth`;
  }

  /**
   * Rows up to the moment, each with its place in its stream as one number: those before the first
   * message that is later than the last one in time. An epoch's beginning has no time of its own, and a
   * snapshot's orders have times of long ago: their place tells.
   */
  private placed(): string {
    const { clock, untilNs, tokens } = this.choice;
    const time = `ts_${clock}_ns`;
    const wanted = tokens.length === 0 ? "" : `AND token IN (${tokens.map(quoted).join(", ")})`;
    const place = '(epoch::HUGEINT * 9007199254740992 + sequence) * 1048576 + "row"';
    return `timed AS (SELECT stream, ${time} AS at_ns, ${place} AS place FROM events
        WHERE ${time} IS NOT NULL AND NOT contains(flags, 'S')),
      newest AS (SELECT stream, max(place) AS place FROM timed WHERE at_ns <= ${untilNs} GROUP BY ALL),
      ends AS (SELECT newest.stream, min(timed.place) AS place FROM newest
        LEFT JOIN timed ON timed.stream = newest.stream AND timed.place > newest.place GROUP BY ALL),
      placed AS (SELECT events.*, ${place} AS place, ends.place AS ends_at
        FROM events JOIN ends ON events.stream = ends.stream
        WHERE (ends_at IS NULL OR ${place} < ends_at) ${wanted})`;
  }
}

async function eventsOf(lake: string): Promise<Snapshot> {
  return (await DeltaTable.open(tableStorage(lake, "events"), duckCheckpoints)).snapshot;
}

const DAY_NS = 86_400_000_000_000;

/** Of each stream the newest day that had begun by then. */
function daysAt(files: Iterable<Add>, untilNs: bigint): ReadonlyMap<number, string> {
  const days = new Map<number, string>();
  for (const { partitionValues, stats } of files) {
    const { date, stream } = partitionValues;
    if (date === null || date === undefined) continue;
    const { minValues } = JSON.parse(stats ?? "{}") as { minValues?: Record<string, unknown> };
    const first = minValues?.ts_event_ns;
    const beganNs = typeof first === "number" ? first : Date.parse(date) * 1e6 - DAY_NS;
    if (beganNs > Number(untilNs)) continue;
    if (date > (days.get(Number(stream)) ?? "")) days.set(Number(stream), date);
  }
  return days;
}
