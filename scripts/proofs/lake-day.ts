/**
 * A day of the simulated exchange from the wire's capture to Delta tables, through real Kafka twice:
 * collect, Kafka, book, Kafka, ingest. Counts and digests equal those of the same day ingested
 * directly, and of the exchange; rows a second beside Python's `deltalake` writing the same rows; the
 * three as-of questions of docs/LAKE.md with their times.
 *
 *     npm run prove -- lake-day [MESSAGES]
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { marketFile } from "../../bench/market-files.ts";
import { LakeQuery } from "../../lake/lake-query.ts";
import { MAIN } from "../../tests/cli-run.ts";
import { pythonWithPackages } from "../../tests/python.ts";
import { startKafka } from "../kafka/broker.ts";

const messages = Number(process.argv[2] ?? 50_000_000);
const INSTRUMENTS = 5_000;
const LIVE_ORDERS = 200_000;
const STALL_MS = 120_000;
const DIGEST =
  "SELECT count(*) AS n, count(DISTINCT sequence) AS numbers, max(sequence) AS last, " +
  "bit_xor(hash(stream, epoch, sequence, row, token, action, side, price, size, order_id)) AS d " +
  "FROM events";
const COPY = [
  "import sys, time, glob, pyarrow.parquet as pq, pyarrow as pa",
  "from deltalake import write_deltalake",
  "files = sorted(glob.glob(sys.argv[1] + '/**/*.parquet', recursive=True))",
  "rows = pa.concat_tables([pq.ParquetFile(f).read() for f in files])[:4000000]",
  "started = time.time()",
  "write_deltalake(sys.argv[2], rows)",
  "print(rows.num_rows / (time.time() - started))",
].join("\n");

const folder = mkdtempSync(join(tmpdir(), "edgebook-prove-day-"));
const direct = join(folder, "direct");
const lake = join(folder, "lake");
const children: Bun.Subprocess[] = [];
const broker = await startKafka(1024);
const address = `kafka://${broker.brokers}`;
let isRight = true;
try {
  const { path } = marketFile("nse", messages, INSTRUMENTS, LIVE_ORDERS);
  const size = statSync(path).size;
  console.log(`${messages} messages, ${(size / 1e6).toFixed(0)} MB of capture`);

  const alone = performance.now();
  const ingested = await run("ingest", path, "--feed", "nse-fo", "--lake", direct, "--stats");
  const stats = JSON.parse(ingested.trim().split("\n").at(-1) ?? "{}") as {
    rows: number;
    bytes: number;
  };
  const aloneSeconds = (performance.now() - alone) / 1000;
  const wanted = await ask(direct, DIGEST);
  const events = Number(wanted[0]);
  console.log(
    `directly: ${stats.rows} rows in ${aloneSeconds.toFixed(1)} s, ` +
      `${Math.round(stats.rows / aloneSeconds)} rows/s, ${Math.round(messages / aloneSeconds)} messages/s; ` +
      `${(stats.bytes / stats.rows).toFixed(1)} bytes a row`,
  );
  check("the exchange's numbers are all there", Number(wanted[2]) >= messages, String(wanted[2]));

  const began = performance.now();
  background("book", "--from", address, "--events", address, "--http", "127.0.0.1:0");
  const collected = run(
    "collect",
    "--pcap",
    path,
    "--feed",
    "nse-fo",
    "--to",
    address,
    "--wait",
    "120s",
  );
  const worker = background(
    ...["ingest", "--kafka", address, "--lake", lake, "--member", "worker-1"],
    ...["--allowed-latency", "5s", "--max-messages-per-batch", "2000"],
  );
  await collected;
  console.log(`collected and confirmed after ${((performance.now() - began) / 1000).toFixed(1)} s`);
  const found = await grown(events);
  const seconds = (performance.now() - began) / 1000;
  worker.kill("SIGINT");
  await worker.exited;
  check("through Kafka twice: the same events", String(found) === String(wanted), String(found));
  console.log(
    `through Kafka twice: ${events} events in ${seconds.toFixed(1)} s, ` +
      `${Math.round(events / seconds)} events/s from capture to table`,
  );
  for (const table of readdirSync(lake)) {
    if (!table.startsWith("dead")) await run("ingest", "--compact", "--lake", lake);
    break;
  }
  await questions();
  const python = pythonWithPackages();
  if (python !== undefined) {
    const words = [python, "-c", COPY, join(direct, "events"), join(folder, "copied")];
    const done = Bun.spawnSync(words, { timeout: 600_000 });
    const theirs = Number(done.stdout.toString());
    const ours = stats.rows / aloneSeconds;
    console.log(
      `deltalake (Python) writes ${Math.round(theirs)} rows/s that it has in memory; ` +
        `we, books and decoding included, ${Math.round(ours)}: ${(ours / theirs).toFixed(2)} of it`,
    );
  }
} finally {
  for (const child of children) child.kill("SIGKILL");
  await broker.stop();
  rmSync(folder, { recursive: true, force: true });
}
process.exit(isRight ? 0 : 1);

function check(what: string, holds: boolean, found: string): void {
  console.log(`${holds ? "ok  " : "FAIL"} ${what}${holds ? "" : `: ${found}`}`);
  if (!holds) isRight = false;
}

async function run(...words: string[]): Promise<string> {
  const child = Bun.spawn([process.execPath, MAIN, ...words], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  children.push(child);
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const code = await child.exited;
  if (code !== 0 && code !== 3) throw new Error(`edgebook ${words.join(" ")}: ${code}: ${err}`);
  return out + err;
}

function background(...words: string[]): Bun.Subprocess {
  const child = Bun.spawn([process.execPath, MAIN, ...words], {
    stdio: ["ignore", "ignore", "inherit"],
  });
  children.push(child);
  return child;
}

async function ask(from: string, sql: string): Promise<readonly unknown[]> {
  const query = await LakeQuery.open(from);
  try {
    for await (const { rows } of query.ask(sql)) return rows[0].map(String);
    return [];
  } finally {
    query.close();
  }
}

/** Waits until the table has so many events, or has not grown for a while. */
async function grown(events: number): Promise<readonly unknown[]> {
  let best = -1;
  let movedMs = performance.now();
  for (;;) {
    await Bun.sleep(1000);
    const rows = await ask(lake, "SELECT count(*) AS n FROM events").catch(() => ["0"]);
    const now = Number(rows[0]);
    if (now > best) movedMs = performance.now();
    best = Math.max(best, now);
    if (best >= events || performance.now() - movedMs > STALL_MS) return ask(lake, DIGEST);
  }
}

/** The questions of docs/LAKE.md over this day. */
async function questions(): Promise<void> {
  const guide = readFileSync(new URL("../../docs/LAKE.md", import.meta.url), "utf8");
  const asked = [...guide.matchAll(/```sql\n([\s\S]*?)```/g)].map(([, sql]) => sql);
  for (const [at, sql] of asked.entries()) {
    const started = performance.now();
    const answer = await ask(lake, `SELECT count(*) FROM (${sql})`);
    const seconds = (performance.now() - started) / 1000;
    console.log(`question ${at + 1}: ${answer[0]} rows in ${seconds.toFixed(2)} s`);
  }
}
