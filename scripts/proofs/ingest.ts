/**
 * Each event is in the Delta table exactly once, whoever is killed: a book service that sends rows to
 * Kafka and the ingest behind it, both killed with SIGKILL at random moments, in 100 runs; read back
 * by DuckDB and, where Python is there, by `deltalake`.
 *
 *     npm run prove -- ingest [RUNS] [FIRST SEED]
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Random } from "../../faults/random.ts";
import { edgebook, MAIN } from "../../tests/cli-run.ts";
import { contents, deltalakeRows, ingestKilled } from "../../tests/lake-run.ts";
import { pythonWithPackages } from "../../tests/python.ts";
import { startKafka } from "../kafka/broker.ts";

const TABLES = ["events", "trades", "bbo"] as const;
const runs = Number(process.argv[2] ?? 100);
const firstSeed = Number(process.argv[3] ?? 1);
const folder = mkdtempSync(join(tmpdir(), "edgebook-prove-ingest-"));
const chunks = join(folder, "chunks");
const broker = await startKafka();
const python = pythonWithPackages();
let killed = 0;
let failed = 0;
try {
  const wanted = await market();
  for (let seed = firstSeed; seed < firstSeed + runs; seed++) {
    const found = await run(seed);
    const isRight = TABLES.every((table) => found[table] === `${wanted[table]}/${wanted[table]}`);
    if (!isRight) {
      failed++;
      console.log(`seed ${seed}: ${JSON.stringify(found)}, wanted ${JSON.stringify(wanted)}`);
      console.log(`  npm run prove -- ingest 1 ${seed}`);
    } else if (process.stderr.isTTY || seed % 10 === 0) {
      console.log(`run ${seed - firstSeed + 1} of ${runs}: ${killed} kills so far`);
    }
  }
  console.log(`${runs} runs, ${killed} kills, ${failed} failed; ${wanted.events} events each`);
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

async function run(seed: number): Promise<Record<string, string>> {
  const random = new Random(seed);
  const upTo = (ms: number) => random.below(ms);
  const address = `kafka://${broker.brokers}/run-${seed}`;
  await sendKilled(address, () => 300 + upTo(1500));
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
  return found;
}

/** The book service, killed twice while it sends, and then left in peace. */
async function sendKilled(address: string, killMs: () => number): Promise<void> {
  for (let life = 0; life < 3; life++) {
    const words = ["book", "--from", `dir:${chunks}`, "--http", "127.0.0.1:0", "--events", address];
    const book = Bun.spawn([process.execPath, MAIN, ...words], {
      stdio: ["ignore", "ignore", "pipe"],
    });
    if (life < 2) {
      await Bun.sleep(killMs());
      book.kill("SIGKILL");
      killed++;
    } else {
      await said(book.stderr, "every source has been read");
      book.kill("SIGINT");
    }
    await book.exited;
  }
}

async function said(stream: ReadableStream<Uint8Array>, words: string): Promise<void> {
  let text = "";
  const decoder = new TextDecoder();
  const reader = stream.getReader();
  while (!text.includes(words)) {
    const { done, value } = await reader.read();
    if (done) throw new Error(`the book service ended: ${text}`);
    text += decoder.decode(value, { stream: true });
  }
  reader.releaseLock();
}
