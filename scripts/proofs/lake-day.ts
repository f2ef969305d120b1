/**
 * A day of the simulated exchange from the wire's capture to Delta tables, at once and through real
 * Kafka twice (collect, Kafka, book, Kafka, ingest): the same rows, and what the exchange's own bytes
 * say. Each stage's pace, processor time and bytes; Python's `deltalake` beside us; the three as-of
 * questions of docs/LAKE.md with their times.
 *
 *     npm run prove -- lake-day [MESSAGES]
 */
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { machineLine, thisMachine } from "../../bench/machine.ts";
import { marketFile } from "../../bench/market-files.ts";
import {
  askRow,
  differences,
  digestsOf,
  LakeDay,
  lakeAccount,
  type StageRun,
} from "../../tests/lake-day-run.ts";
import { questionsOf } from "../../tests/lake-questions.ts";
import { pythonWithPackages } from "../../tests/python.ts";
import { wireAccount } from "../../tests/wire-account.ts";
import { startKafka } from "../kafka/broker.ts";

const messages = Number(process.argv[2] ?? 50_000_000);
const INSTRUMENTS = 5_000;
const LIVE_ORDERS = 200_000;
/** What a day's burst asks of `ingest`. */
const WANTED_PER_SECOND = 300_000;
const COPIED_ROWS = 4_000_000;
const COPY = [
  "import sys, time, pyarrow.parquet as pq, pyarrow as pa",
  "from deltalake import DeltaTable, write_deltalake",
  "batches, rows = [], 0",
  "for file in sorted(DeltaTable(sys.argv[1]).file_uris()):",
  "    for batch in pq.ParquetFile(file).iter_batches(65536):",
  "        if rows >= int(sys.argv[3]): break",
  "        batches.append(batch); rows += batch.num_rows",
  "table = pa.Table.from_batches(batches)",
  "started, used = time.time(), time.process_time()",
  "write_deltalake(sys.argv[2], table)",
  "print(table.num_rows / (time.time() - started), table.num_rows / (time.process_time() - used))",
].join("\n");

let isRight = true;
const folder = mkdtempSync(join(tmpdir(), "edgebook-prove-day-"));
const began = performance.now();
console.log(machineLine(thisMachine()));
const capture = marketFile("nse", messages, INSTRUMENTS, LIVE_ORDERS).path;
const broker = await startKafka(1024);
const day = new LakeDay({ capture, brokers: broker.brokers, folder, say: console.log });
try {
  const exchange = wireAccount(capture);
  const events = exchange.messages;
  const size = (statSync(capture).size / 1e6).toFixed(0);
  console.log(`${events} messages, ${size} MB of capture, there after ${minutes()}`);

  const direct = await day.ingestDirectly();
  const wanted = await digestsOf(day.direct);
  const rows = Object.values(wanted).reduce((sum, [count]) => sum + Number(count), 0);
  const perRow = (of: number) => `${(of / rows).toFixed(1)} B a row`;
  tell("directly", direct, events, `${rows} rows, ${perRow(parquetBytes(day.direct))}`);
  await holds("the tables say what the exchange's bytes say", day.direct);

  const collected = await day.collect();
  const chunkBytes = await day.topicBytes(".frames.nse-fo");
  tell("collect", collected, events, `${(chunkBytes / events).toFixed(1)} B an event`);
  const booked = await day.book(rows);
  const rowBytes = await day.topicBytes(".events", ".trades", ".bbo");
  tell("book", booked, events, `${(rowBytes / events).toFixed(1)} B an event, ${perRow(rowBytes)}`);
  const ingested = await day.ingest();
  tell("ingest", ingested, events, perRow(parquetBytes(day.lake)));
  const keepsUp = events / ingested.seconds;
  console.log(
    `ingest ${keepsUp >= WANTED_PER_SECOND ? "keeps up with" : "does NOT keep up with"} ` +
      `${WANTED_PER_SECOND} events a second: ${Math.round(keepsUp)}, of its processor time ` +
      `${Math.round(events / ingested.cpuSeconds)}`,
  );
  const found = await digestsOf(day.lake);
  const isSame = check("through Kafka twice: the same rows", String(Object.values(found)), wanted);
  if (!isSame) console.log(`  they differ in ${await differences(day.direct, day.lake)}`);
  await holds("through Kafka twice: what the exchange's bytes say", day.lake);
  rmSync(day.direct, { recursive: true, force: true });

  const before = parquetFiles(day.lake);
  tell("compact", await day.compact(), events, perRow(parquetBytes(day.lake, before)));
  await questions();
  besideDeltalake(rows / ingested.seconds);
  console.log(`all of it in ${minutes()}`);

  async function holds(what: string, lake: string): Promise<void> {
    const { messages: _, ...account } = exchange;
    check(what, JSON.stringify(await lakeAccount(lake)), JSON.stringify(account));
  }
} finally {
  day.stop();
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(isRight ? 0 : 1);

function check(what: string, found: string, wanted: unknown): boolean {
  const text = typeof wanted === "string" ? wanted : String(Object.values(wanted as object));
  const isSo = found === text;
  console.log(`${isSo ? "ok  " : "FAIL"} ${what}${isSo ? "" : `: ${found}, wanted ${text}`}`);
  if (!isSo) isRight = false;
  return isSo;
}

function minutes(): string {
  return `${((performance.now() - began) / 60_000).toFixed(1)} min`;
}

function tell(name: string, run: StageRun, events: number, more: string): void {
  const { seconds, cpuSeconds, peakMib } = run;
  console.log(
    `${name.padEnd(9)} ${seconds.toFixed(1)} s, ${Math.round(events / seconds)} events/s; ` +
      `${cpuSeconds.toFixed(1)} s of CPU, ${Math.round(events / cpuSeconds)} events/s; ` +
      `${Math.round(peakMib)} MiB; ${more}`,
  );
}

/** Of a lake's files, but for those that were there before. */
function parquetBytes(lake: string, before: ReadonlySet<string> = new Set()): number {
  return [...parquetFiles(lake)]
    .filter((path) => !before.has(path))
    .reduce((sum, path) => sum + statSync(path).size, 0);
}

function parquetFiles(lake: string): Set<string> {
  const files = readdirSync(lake, { recursive: true, withFileTypes: true })
    .filter(
      ({ name, parentPath }) => name.endsWith(".parquet") && !parentPath.includes("_delta_log"),
    )
    .map(({ name, parentPath }) => join(parentPath, name));
  return new Set(files);
}

/** The questions of docs/LAKE.md over this day, then each once more by a slow search. */
async function questions(): Promise<void> {
  const most = "SELECT token FROM trades GROUP BY token ORDER BY count(*) DESC, token LIMIT 2";
  const [pair] = await askRow(day.lake, `SELECT string_agg(token, ',') FROM (${most})`);
  const [option, future] = pair.split(",");
  for (const [at, { sql, check: slow }] of questionsOf([option, future]).entries()) {
    const started = performance.now();
    const [rows] = await askRow(day.lake, `SELECT count(*) FROM (${sql})`);
    const seconds = (performance.now() - started) / 1000;
    const [answers, wanted, different] = await askRow(day.lake, slow.trim());
    const slowSeconds = (performance.now() - started) / 1000 - seconds;
    console.log(
      `question ${at + 1}: ${rows} rows in ${seconds.toFixed(2)} s; ` +
        `${wanted} by a slow search in ${slowSeconds.toFixed(1)} s, ${different} differ`,
    );
    check(`question ${at + 1} is the slow search's`, `${answers} ${different}`, `${wanted} 0`);
    if (Number(rows) === 0) isRight = false;
  }
}

function besideDeltalake(ours: number): void {
  const python = pythonWithPackages();
  if (python === undefined) return;
  const words = [join(day.lake, "events"), join(folder, "copied"), String(COPIED_ROWS)];
  const done = Bun.spawnSync([python, "-c", COPY, ...words], { timeout: 600_000 });
  if (!done.success) {
    console.log(`not run beside deltalake: ${done.stderr.toString().trimEnd().split("\n").at(-1)}`);
    return;
  }
  const [theirs, ofCpu] = done.stdout.toString().split(" ").map(Number);
  console.log(
    `deltalake (Python) writes ${Math.round(theirs)} rows/s that it has in memory, ${Math.round(ofCpu)} ` +
      `a second of its CPU; ingest, from Kafka, ${Math.round(ours)}: ${(ours / theirs).toFixed(2)} of it`,
  );
}
