/**
 * Edge: nanoseconds an item of the streaming as-of join, beside DuckDB's `ASOF JOIN` over the same
 * items at rest, in the same run. Every row is held against DuckDB's before a figure is told.
 */
import type { DuckDBConnection } from "@duckdb/node-api";
import { AsOfJoin } from "../book/asof/asof-join.ts";
import { AsOfEvent, AsOfFlag, AsOfQuote, type JoinedBatch } from "../book/asof/joined-batch.ts";
import { openDuckDb } from "../tests/duckdb.ts";

export interface AsOfTraffic {
  readonly name: string;
  readonly streams: number;
  readonly keys: number;
  /** Items in the order of delivery. */
  readonly count: number;
  readonly isEvent: Uint8Array;
  readonly stream: Uint8Array;
  readonly key: Int32Array;
  /** Nanoseconds after the first second. */
  readonly timeNs: Float64Array;
  readonly sequence: Int32Array;
}

export interface AsOfResult {
  readonly name: string;
  readonly items: number;
  readonly events: number;
  readonly matched: number;
  readonly waitingMost: number;
  readonly nsPerItem: number;
  /** Of the query alone, on one thread; the items were loaded before. NaN: no DuckDB here. */
  readonly duckDbNsPerItem: number;
  /** Over the sequence of the quote that each event was given, in the order of events. */
  readonly digest: string;
}

const BASE_SEC = 1_700_000_000;

/** Xorshift: the same items on every machine. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 2 ** 32;
  };
}

/** Trades joined with quotes of their own instrument, all of one stream: a fifth of items are trades. */
export function oneStream(count: number): AsOfTraffic {
  const traffic = emptyTraffic("one stream, 50,000 instruments", 1, 50_000, count);
  const next = random(1);
  let timeNs = 0;
  for (let at = 0; at < count; at++) {
    timeNs += Math.floor(next() * 1600);
    traffic.timeNs[at] = timeNs;
    traffic.isEvent[at] = next() < 0.2 ? 1 : 0;
    // Busy instruments are few: the square piles them up near 0.
    traffic.key[at] = Math.floor(next() ** 2 * traffic.keys);
    traffic.sequence[at] = at + 1;
  }
  return traffic;
}

/** Options' trades of four streams joined with futures of a fifth that comes 5 ms later. */
export function acrossStreams(count: number): AsOfTraffic {
  const traffic = emptyTraffic("four streams with a fifth, 5 ms behind", 5, 200, count);
  const next = random(2);
  const sequences = new Int32Array(5);
  let timeNs = 0;
  for (let at = 0; at < count; at++) {
    timeNs += Math.floor(next() * 1600);
    const stream = Math.floor(next() * 5);
    traffic.stream[at] = stream;
    traffic.timeNs[at] = stream === 4 ? Math.max(0, timeNs - 5e6) : timeNs;
    traffic.isEvent[at] = stream === 4 ? 0 : 1;
    traffic.key[at] = Math.floor(next() ** 2 * traffic.keys);
    traffic.sequence[at] = ++sequences[stream];
  }
  return traffic;
}

function emptyTraffic(name: string, streams: number, keys: number, count: number): AsOfTraffic {
  return {
    name,
    streams,
    keys,
    count,
    isEvent: new Uint8Array(count),
    stream: new Uint8Array(count),
    key: new Int32Array(count),
    timeNs: new Float64Array(count),
    sequence: new Int32Array(count),
  };
}

/** @param rounds how often the join runs; the best is told */
export async function measureAsOf(traffic: AsOfTraffic, rounds: number): Promise<AsOfResult> {
  const { count } = traffic;
  const found = new Int32Array(count);
  let nanos = Number.POSITIVE_INFINITY;
  let join = runJoin(traffic, found);
  for (let round = 1; round < rounds; round++) {
    const started = Bun.nanoseconds();
    join = runJoin(traffic, found);
    nanos = Math.min(nanos, Bun.nanoseconds() - started);
  }
  const db = await openDuckDb();
  const duckDbNanos = db === undefined ? Number.NaN : await checkAgainst(db, traffic, found);
  const { events, matched, waitingMost } = join.stats;
  return {
    name: traffic.name,
    items: count,
    events,
    matched,
    waitingMost,
    nsPerItem: nanos / count,
    duckDbNsPerItem: duckDbNanos / count,
    digest: digestOf(traffic, found),
  };
}

/** Fills `found` with the sequence of each event's quote, 0 for none. */
function runJoin(traffic: AsOfTraffic, found: Int32Array): AsOfJoin {
  const take = (batch: JoinedBatch) => {
    for (let row = 0; row < batch.count; row++) {
      const isMatched = (batch.verdict[row] & AsOfFlag.Matched) !== 0;
      found[batch.price[row]] = isMatched ? batch.quoteSequence[row] : 0;
    }
  };
  const join = new AsOfJoin({ write: take });
  for (let stream = 0; stream < traffic.streams; stream++) join.addStream(stream + 1);
  for (let key = 0; key < traffic.keys; key++) join.addKey(traffic.streams - 1);
  const event = new AsOfEvent();
  const quote = new AsOfQuote();
  for (let at = 0; at < traffic.count; at++) {
    const sec = Math.floor(traffic.timeNs[at] / 1e9);
    const isEvent = traffic.isEvent[at] === 1;
    const item = isEvent ? event : quote;
    item.stream = traffic.stream[at];
    item.key = traffic.key[at];
    item.sec = BASE_SEC + sec;
    item.nsec = traffic.timeNs[at] - sec * 1e9;
    item.sequence = traffic.sequence[at];
    if (isEvent) {
      event.price = at;
      join.event(event);
    } else {
      quote.bidPrice = at;
      join.quote(quote);
    }
  }
  join.finish();
  return join;
}

/**
 * @returns nanoseconds of the query
 * @throws Error DuckDB finds another quote for some event
 */
async function checkAgainst(
  db: DuckDBConnection,
  traffic: AsOfTraffic,
  found: Int32Array,
): Promise<number> {
  await load(db, traffic);
  const started = Bun.nanoseconds();
  await db.run(`CREATE TABLE joined AS SELECT e.row_at, q.sequence FROM events e
    ASOF LEFT JOIN quotes q ON e.key = q.key AND e.place > q.place`);
  const nanos = Bun.nanoseconds() - started;
  const result = await db.stream("SELECT row_at, coalesce(sequence, 0) FROM joined");
  for await (const rows of result.yieldRowsJs()) {
    for (const [at, sequence] of rows) {
      if (found[Number(at)] === sequence) continue;
      throw new Error(`item ${at}: quote ${found[Number(at)]}, but DuckDB says ${sequence}`);
    }
  }
  db.closeSync();
  return nanos;
}

async function load(db: DuckDBConnection, traffic: AsOfTraffic): Promise<void> {
  await db.run(
    "CREATE TABLE items (row_at INTEGER, event BOOLEAN, key INTEGER, ns BIGINT, stream INTEGER, sequence INTEGER)",
  );
  const appender = await db.createAppender("items");
  for (let at = 0; at < traffic.count; at++) {
    appender.appendInteger(at);
    appender.appendBoolean(traffic.isEvent[at] === 1);
    appender.appendInteger(traffic.key[at]);
    appender.appendBigInt(BigInt(traffic.timeNs[at]));
    appender.appendInteger(traffic.stream[at]);
    appender.appendInteger(traffic.sequence[at]);
    appender.endRow();
  }
  appender.closeSync();
  const place = "ns::HUGEINT * 18446744073709551616 + stream * 1099511627776 + sequence AS place";
  await db.run(`CREATE TABLE events AS SELECT row_at, key, ${place} FROM items WHERE event`);
  await db.run(`CREATE TABLE quotes AS SELECT key, sequence, ${place} FROM items WHERE NOT event`);
}

/** FNV-1a over 32-bit words. */
function digestOf(traffic: AsOfTraffic, found: Int32Array): string {
  let hash = 0x811c9dc5;
  for (let at = 0; at < traffic.count; at++) {
    if (traffic.isEvent[at] === 1) hash = Math.imul(hash ^ found[at], 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, "0");
}

export function asOfLine(result: AsOfResult): string {
  const { name, items, events, matched, waitingMost, digest } = result;
  const duck = Number.isNaN(result.duckDbNsPerItem)
    ? "no DuckDB here"
    : `DuckDB's batch ${result.duckDbNsPerItem.toFixed(0)}, equal in every row`;
  return (
    `as-of, ${name}: ${result.nsPerItem.toFixed(0)} ns an item (${duck}); ${items} items, ` +
    `${events} events, ${matched} matched, at most ${waitingMost} waiting, digest ${digest}`
  );
}
