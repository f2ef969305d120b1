/**
 * Each event is in the Delta table exactly once, whoever is killed: a book service that sends rows to
 * Kafka and the ingest behind it, both killed with SIGKILL at random moments, in 100 runs; read back
 * by DuckDB and, where Python is there, by `deltalake`. Every other run has two shards, and two of four
 * go on from checkpoints.
 *
 *     npm run prove -- ingest [RUNS] [FIRST SEED]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Exit } from "../../cli/errors.ts";
import { Random } from "../../faults/random.ts";
import { clientOptions, kafkaLibrary } from "../../frames/kafka-client.ts";
import { edgebook } from "../../tests/cli-run.ts";
import { contents, deltalakeRows, ingestKilled } from "../../tests/lake-run.ts";
import { type Running, startFor } from "../../tests/live-run.ts";
import { pythonWithPackages } from "../../tests/python.ts";
import { startKafka } from "../kafka/broker.ts";

const TABLES = ["events", "trades", "bbo"] as const;
const LIFE_MS = 120_000;
const AT = /books at (\S+)/;
const LOOK_MS = 25;
const runs = Number(process.argv[2] ?? 100);
const firstSeed = Number(process.argv[3] ?? 1);
const folder = mkdtempSync(join(tmpdir(), "edgebook-prove-ingest-"));
const chunks = join(folder, "chunks");
const broker = await startKafka();
const python = pythonWithPackages();
const began = performance.now();
let killed = 0;
let failed = 0;
let ended = 0;
let wanted: Readonly<Record<(typeof TABLES)[number], number>> = { events: 0, trades: 0, bbo: 0 };
try {
  wanted = await market();
  let seed = firstSeed;
  // Two at a time: each waits most of its time, for a kill or for its group.
  const work = async () => {
    while (seed < firstSeed + runs) await judge(seed++);
  };
  await Promise.all([work(), work()]);
  const minutes = ((performance.now() - began) / 60_000).toFixed(1);
  console.log(
    `${runs} runs, ${killed} kills, ${failed} failed; ${wanted.events} events each; ${minutes} min`,
  );
} finally {
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(failed === 0 ? 0 : 1);

/** A short day as chunks; how many rows each table must have. */
async function market(): Promise<Record<(typeof TABLES)[number], number>> {
  const capture = join(folder, "day.pcap");
  const words = ["--seed", "9", "--duration", "20s", "--rate", "800", "--streams", "3"];
  await edgebook(["sim", "serve", ...words, "--write-pcap", capture]);
  await edgebook(["collect", "--pcap", capture, "--feed", "nse-fo", "--to", `dir:${chunks}`]);
  const lake = join(folder, "direct");
  await edgebook(["ingest", chunks, "--feed", "nse-fo", "--lake", lake]);
  const rows = async (table: string) => (await contents(lake, table)).rows;
  return { events: await rows("events"), trades: await rows("trades"), bbo: await rows("bbo") };
}

async function judge(seed: number): Promise<void> {
  const found = await run(seed);
  ended++;
  const isRight = TABLES.every((table) => found[table] === `${wanted[table]}/${wanted[table]}`);
  if (!isRight) {
    failed++;
    console.log(`seed ${seed}: ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`);
    console.log(`  npm run prove -- ingest 1 ${seed}`);
  } else if (process.stderr.isTTY || ended % 10 === 0) {
    const seconds = ((performance.now() - began) / 1000 / ended).toFixed(1);
    console.log(`${ended} of ${runs} runs, ${seconds} s each: ${killed} kills so far`);
  }
}

/** What a run wrote is of no use to the next one. */
async function forgetTopics(prefix: string): Promise<void> {
  const { Admin } = await kafkaLibrary();
  const admin = new Admin(clientOptions("prove", [broker.brokers]));
  try {
    const topics = (await admin.listTopics()).filter((name) => name.startsWith(`${prefix}.`));
    await admin.deleteTopics({ topics });
  } finally {
    await admin.close().catch(() => {});
  }
}

async function run(seed: number): Promise<Record<string, string>> {
  const random = new Random(seed);
  const upTo = (ms: number) => random.below(ms);
  const address = `kafka://${broker.brokers}/run-${seed}`;
  const state = join(folder, `state-${seed}`);
  const shards = seed % 2 === 0 ? [] : ["--shards", "2"];
  const checkpoints = seed % 4 < 2 ? [] : ["--state", state, "--save-every", "200ms"];
  await sendKilled(address, [...shards, ...checkpoints], random);
  rmSync(state, { recursive: true, force: true });
  const lake = join(folder, `lake-${seed}`);
  const words = ["--kafka", address, "--lake", lake, "--ends-at-latest-offsets"];
  const group = ["--consumer-group", `run-${seed}`, "--member", "worker-1"];
  const often = ["--max-messages-per-batch", String(2 + upTo(8))];
  killed += await ingestKilled(lake, [...words, ...group, ...often], () => 600 + upTo(2500));
  const found: Record<string, string> = {};
  for (const table of TABLES) {
    const { rows, places } = await contents(lake, table);
    const read = python === undefined ? rows : deltalakeRows(python, lake, table);
    found[table] = `${rows === read ? rows : `${rows} but deltalake ${read}`}/${places}`;
  }
  rmSync(lake, { recursive: true, force: true });
  await forgetTopics(`run-${seed}`);
  return found;
}

/**
 * The book service, killed once after as many rows as chance says, then at any moment, and then left
 * in peace until it has read all and the brokers have its rows.
 * @param words more of them
 */
async function sendKilled(address: string, words: string[], random: Random): Promise<void> {
  const rowsOfAll = TABLES.reduce((sum, table) => sum + wanted[table], 0);
  const stops: ((url: string) => Promise<void>)[] = [
    (url) => sent(url, 1 + random.below(rowsOfAll / 2)),
    () => Bun.sleep(random.below(1500)),
  ];
  for (const stop of stops) {
    const book = bookService(address, words);
    await stop(await book.hears(AT));
    process.kill(book.pid, "SIGKILL");
    killed++;
    await book.ended();
  }
  const last = bookService(address, words);
  await last.says("every source has been read");
  const { code, err } = await last.interrupt();
  if (code !== Exit.Interrupted) throw new Error(`the book service ended with ${code}: ${err}`);
}

function bookService(address: string, more: string[]): Running {
  const words = ["--from", `dir:${chunks}`, "--http", "127.0.0.1:0", "--events", address];
  return startFor(LIFE_MS, "book", ...words, ...more);
}

/** Resolves when the brokers have acknowledged so many rows. */
async function sent(url: string, rows: number): Promise<void> {
  for (const end = performance.now() + LIFE_MS; ; await Bun.sleep(LOOK_MS)) {
    const page = await (await fetch(`${url}/metrics`)).text();
    const found = Number(/^edgebook_events_sent_total (\d+)/m.exec(page)?.[1] ?? 0);
    if (found >= rows) return;
    if (performance.now() > end) throw new Error(`${found} of ${rows} rows are with the brokers`);
  }
}
