/**
 * Dead letters: records of topics that could not be read, in a table of the lake with where they stood,
 * and what drives them again once they can be read.
 *
 * Rows of a letter may be older than what their stream has by now, so the last row tells nothing: those
 * that the table lacks are looked for one by one. Rows are committed first and the letters go out
 * after, in one commit: who is killed between the two finds the rows there the next time.
 */
import { NameTable } from "../book/rows/name-table.ts";
import { readBatchHead, readRows } from "../book/rows/protobuf-read.ts";
import { BATCH_ROWS_MOST } from "../book/rows/protobuf-schema.ts";
import { RowBatch, rowsOf } from "../book/rows/row-batch.ts";
import type { SentTable } from "../book/rows/schema.ts";
import type { Action, Add } from "../lake/delta/actions.ts";
import { quoted } from "../lake/duckdb.ts";
import { LakeQuery } from "../lake/lake-query.ts";
import type { LakeFile, LakeTable, Partition } from "../lake/lake-table.ts";
import { LakeRows } from "./lake-rows.ts";
import { dayOf, openTable, TOPIC_TABLES, tableColumns } from "./lake-tables.ts";

const LETTERS = "dead_letters";
const LETTER_BYTES = 1 << 20;
/** Two that drive letters at once contradict each other, and one is refused. */
const APP_ID = "edgebook-redrive";

export interface DeadLetter {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  /** When it was set aside, seconds since 1970 UTC. */
  readonly atSec: number;
  readonly error: string;
  readonly value: Uint8Array;
}

export interface Redriven {
  readonly driven: number;
  readonly left: number;
  /** Rows that the tables lacked. */
  readonly rows: number;
}

/** Brings letters to their table, a file each: their offsets are of many topics. */
export async function putLetters(lake: LakeTable, letters: readonly DeadLetter[]): Promise<Add[]> {
  const adds: Add[] = [];
  for (const letter of letters) {
    const batch = letterRow(letter);
    const rows = new LakeRows(batch, {
      stream: letter.partition,
      dayOf: (sec) => new Date(sec * 1000).toISOString().slice(0, 10),
      lastPlace: () => undefined,
    });
    rows.write(batch);
    for (const file of rows.take()) adds.push(await lake.put(file));
  }
  return adds;
}

function letterRow({ topic, partition, offset, atSec, error, value }: DeadLetter): RowBatch {
  const batch = new RowBatch(tableColumns(LETTERS), new NameTable(), 0, 1);
  batch.clearRow(0);
  batch.time("ts_event").sec[0] = atSec;
  batch.number("stream").value[0] = partition;
  batch.number("sequence").value[0] = offset;
  batch.number("epoch").value[0] = 0;
  batch.number("row").value[0] = 0;
  batch.text("topic").value[0] = topic;
  batch.text("error").value[0] = error;
  batch.text("base64_bytes").value[0] = Buffer.from(value.subarray(0, LETTER_BYTES)).toString(
    "base64",
  );
  batch.count = 1;
  return batch;
}

/** Tries every letter again; those that can be read now leave their table. */
export async function redrive(lake: string): Promise<Redriven> {
  const dead = await openTable(lake, LETTERS, 0);
  const letters = await lettersOf(lake, dead.delta.snapshot.version);
  const read = letters.map((letter) => ({ letter, batch: batchOf(letter) }));
  const sound = read.map(({ batch }) => batch).filter((batch) => batch !== undefined);
  const left = read.filter(({ batch }) => batch === undefined).map(({ letter }) => letter);
  let rows = 0;
  for (const table of TOPIC_TABLES) {
    const batches = sound.filter((batch) => batch.table === table);
    if (batches.length > 0) rows += await drive(lake, table, batches);
  }
  if (sound.length > 0) {
    const there = [...dead.delta.snapshot.files.values()].map(partitionOf);
    await dead.commit(await putLetters(dead, left), { reason: "driven again" }, there);
  }
  return { driven: sound.length, left: left.length, rows };
}

function partitionOf({ partitionValues: { date, stream } }: Add): Partition {
  return { date: date ?? "", stream: Number(stream) };
}

async function lettersOf(lake: string, version: number): Promise<DeadLetter[]> {
  const travel = { table: LETTERS, version };
  const query = await LakeQuery.open(lake, { travel, sql: LETTERS });
  const letters: DeadLetter[] = [];
  try {
    const sql =
      'SELECT topic, stream, "sequence", epoch(ts_event) AS at, error, base64_bytes ' +
      `FROM ${LETTERS} ORDER BY topic, stream, "sequence"`;
    for await (const { rows } of query.ask(sql)) {
      for (const [topic, partition, offset, atSec, error, bytes] of rows) {
        letters.push({
          topic: String(topic),
          partition: Number(partition),
          offset: Number(offset),
          atSec: Math.floor(Number(atSec)),
          error: String(error),
          value: Buffer.from(String(bytes), "base64"),
        });
      }
    }
    return letters;
  } finally {
    query.close();
  }
}

/** The rows of a letter that can be read. */
interface Sound {
  readonly table: SentTable;
  readonly feed: string;
  readonly priceDecimals: number;
  readonly batch: RowBatch;
  readonly stream: number;
  readonly dates: ReadonlySet<string>;
}

function batchOf({ topic, value }: DeadLetter): Sound | undefined {
  const table = TOPIC_TABLES.find((name) => topic.endsWith(`.${name}`));
  const head = readBatchHead(value);
  if (table === undefined || head === undefined) return undefined;
  const { feed, priceDecimals } = head;
  const columns = tableColumns(table);
  const batch = new RowBatch(columns, new NameTable(), priceDecimals, BATCH_ROWS_MOST);
  if (readRows(value, batch) === undefined) return undefined;
  const day = dayOf(feed);
  const times = batch.time("ts_event").sec.subarray(0, batch.count);
  const dates = new Set([...times].filter((sec) => !Number.isNaN(sec)).map(day));
  return { table, feed, priceDecimals, batch, stream: batch.number("stream").value[0], dates };
}

/** One commit of what the table lacks of these rows; how many. */
async function drive(lake: string, table: SentTable, batches: readonly Sound[]): Promise<number> {
  const into = await openTable(lake, table, batches[0].priceDecimals);
  const { snapshot } = into.delta;
  const files: LakeFile[] = [];
  const query = await LakeQuery.open(lake, {
    travel: { table, version: snapshot.version },
    sql: table,
    only: (date, stream) =>
      batches.some((batch) => batch.stream === stream && batch.dates.has(date)),
  });
  const known = new Set<string>();
  try {
    for (const batch of batches) {
      for (const place of await placesThere(query, batch)) known.add(place);
      files.push(...missing(batch, known));
    }
  } finally {
    query.close();
  }
  const version = snapshot.transaction(APP_ID) + 1;
  const mark: Action = { txn: { appId: APP_ID, version, lastUpdated: Date.now() } };
  const adds: Add[] = [];
  for (const file of files) adds.push(await into.put(file));
  if (adds.length > 0) await into.commit(adds, { reason: "dead letters" }, [], [mark]);
  return files.reduce((sum, { stats }) => sum + stats.numRecords, 0);
}

/** Which places between its first row and its last the table has. */
async function placesThere(query: LakeQuery, { table, batch, stream, dates }: Sound) {
  const numbers = [...batch.number("sequence").value.subarray(0, batch.count)];
  const sql =
    `SELECT date, epoch, "sequence", "row" FROM ${table} WHERE stream = ${stream} ` +
    `AND date IN (${[...dates].map((date) => `DATE ${quoted(date)}`).join(", ")}) ` +
    `AND "sequence" BETWEEN ${Math.min(...numbers)} AND ${Math.max(...numbers)}`;
  const found: string[] = [];
  if (dates.size === 0) return found;
  for await (const { rows } of query.ask(sql)) {
    for (const [date, ...place] of rows) found.push([date, stream, ...place].join("/"));
  }
  return found;
}

/** Files of the rows whose places are not known; they are from then on. */
function missing({ feed, batch, stream, dates }: Sound, known: Set<string>): LakeFile[] {
  const day = dayOf(feed);
  const files: LakeFile[] = [];
  const write = (from: number, to: number) => {
    if (from === to) return;
    const run = rowsOf(batch, from, to);
    const rows = new LakeRows(run, { stream, dayOf: day, lastPlace: () => undefined });
    rows.write(run);
    files.push(...rows.take());
  };
  const place = ["epoch", "sequence", "row"].map((name) => batch.number(name).value);
  const { sec } = batch.time("ts_event");
  let [date = ""] = dates;
  let from = 0;
  for (let at = 0; at < batch.count; at++) {
    // A row without a time is of the day that its stream is in.
    if (!Number.isNaN(sec[at])) date = day(sec[at]);
    const key = [date, stream, ...place.map((value) => value[at])].join("/");
    if (known.has(key)) {
      write(from, at);
      from = at + 1;
    }
    known.add(key);
  }
  write(from, batch.count);
  return files;
}
