/** Chunks to books to Kafka to Delta: each row once, whoever is killed, whatever is sent again. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { clientOptions, closeClients, openClients } from "../frames/kafka-client.ts";
import { samplesOf } from "../metrics/page.ts";
import { ethernet, ipv4, pcapFile, udp } from "./capture-files.ts";
import { edgebook } from "./cli-run.ts";
import { sharedKafka } from "./kafka-broker.ts";
import { MORNING_SEC } from "./kafka-market.ts";
import { contents, ingestKilled } from "./lake-run.ts";
import { start } from "./live-run.ts";
import { nseMessage } from "./nse-messages.ts";
import { until } from "./until.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-lake-kafka-"));
const chunks = join(folder, "chunks");
const LIMIT_MS = 180_000;
const NSE_EPOCH_SEC = 315_532_800 - 19_800;
const prefix = `lake-${process.pid}`;
let url: string | undefined;
let wanted = { events: 0, trades: 0, bbo: 0 };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A short day of the simulated exchange, as chunks, and its rows in a lake of their own. */
beforeAll(async () => {
  const broker = await sharedKafka();
  if (broker === undefined) return;
  url = `kafka://${broker.brokers}/${prefix}`;
  const capture = join(folder, "day.pcap");
  const market = ["--seed", "5", "--duration", "20s", "--rate", "600", "--streams", "3"];
  await edgebook(["sim", "serve", ...market, "--write-pcap", capture]);
  const collected = ["collect", "--pcap", capture, "--feed", "nse-fo", "--to", `dir:${chunks}`];
  await edgebook(collected);
  const lake = join(folder, "direct");
  await edgebook(["ingest", chunks, "--feed", "nse-fo", "--lake", lake]);
  const rows = async (table: string) => (await contents(lake, table)).rows;
  wanted = { events: await rows("events"), trades: await rows("trades"), bbo: await rows("bbo") };
  await sendEvents(url);
}, LIMIT_MS);

/**
 * The book service reads the chunks and sends what happened; ends when all is with the brokers.
 * @param lost gaps that it has to know of by then
 */
async function sendEvents(to: string, from = chunks, lost = 0): Promise<void> {
  const words = ["--from", `dir:${from}`, "--http", "127.0.0.1:0", "--events", to];
  const book = start("book", ...words);
  const url = await book.hears(/books at (\S+)/);
  await book.says("every source has been read");
  const answer = async (path: string) => (await fetch(url + path)).text();
  await until(async () => (await answer("/v1/gaps")).split('"lost"').length > lost);
  // Nothing waits, and nothing more has come for a while.
  let [before, quiet] = [-1, 0];
  await until(async () => {
    const samples = samplesOf(await answer("/metrics"));
    const sent = samples.get("edgebook_events_sent_total") ?? 0;
    const isQuiet =
      sent > 0 && sent === before && samples.get("edgebook_events_waiting_bytes") === 0;
    quiet = isQuiet ? quiet + 1 : 0;
    before = sent;
    return quiet === QUIET_LOOKS;
  });
  await book.interrupt();
}

const QUIET_LOOKS = 25;

/**
 * Orders on three streams: of the first twenty numbers in the middle never come, of the second nothing
 * comes behind 200 but a heartbeat that says there were thirty more.
 */
function writeHoled(path: string): void {
  const packets: Parameters<typeof pcapFile>[0][number][] = [];
  const put = (stream: number, ms: number, bytes: Uint8Array) => {
    const sec = MORNING_SEC + Math.floor(ms / 1000);
    const payload = ethernet(0x0800, ipv4(`239.1.1.${stream}`, udp(10_000, bytes)));
    packets.push({ sec, fraction: (ms % 1000) * 1000, bytes: payload });
  };
  for (let number = 1; number <= 200; number++) {
    for (const stream of [1, 2, 3]) {
      if (stream === 1 && number > 100 && number <= 120) continue;
      const timestamp = BigInt(MORNING_SEC - NSE_EPOCH_SEC) * 1_000_000_000n + BigInt(number);
      const order = { order_id: number, token: 7, side: "B", price: 7000, quantity: 5, timestamp };
      put(stream, number * 2, nseMessage("N", number, order, stream));
    }
  }
  for (let ms = 500; ms < 1500; ms += 100) {
    put(2, ms, nseMessage("Z", 0, { last_seq_no: 230 }, 2));
    put(3, ms, nseMessage("Z", 0, { last_seq_no: 200 }, 3));
  }
  writeFileSync(path, pcapFile(packets));
}

async function rowsOf(lake: string) {
  const found = { events: 0, trades: 0, bbo: 0 };
  for (const table of ["events", "trades", "bbo"] as const) {
    const { rows, places } = await contents(lake, table);
    expect(places).toBe(rows);
    found[table] = rows;
  }
  return found;
}

const words = (lake: string, ...more: string[]) => [
  "--kafka",
  url ?? "",
  ...["--lake", lake, "--ends-at-latest-offsets", "--stats"],
  ...["--consumer-group", `${prefix}-${lake.split("/").at(-1)}`],
  ...more,
];

describe("ingest from Kafka", () => {
  test(
    "puts into the tables what ingesting the chunks themselves does",
    async () => {
      if (url === undefined) return;
      expect(wanted.trades).toBeGreaterThan(50);
      const lake = join(folder, "plain");
      const { code, err } = await edgebook(["ingest", ...words(lake)]);
      expect({ code, err }).toMatchObject({ code: 0 });
      expect(await rowsOf(lake)).toEqual(wanted);
    },
    LIMIT_MS,
  );

  test(
    "leaves out what a restarted book service sends again",
    async () => {
      if (url === undefined) return;
      await sendEvents(url);
      const lake = join(folder, "plain");
      const { code, err } = await edgebook(["ingest", ...words(lake)]);
      expect(code).toBe(0);
      expect(JSON.parse(err.trim().split("\n").at(-1) ?? "")).toMatchObject({ rows: 0 });
      expect(await rowsOf(lake)).toEqual(wanted);
    },
    LIMIT_MS,
  );

  test(
    "that is killed again and again has each row once",
    async () => {
      if (url === undefined) return;
      const lake = join(folder, "killed");
      const more = ["--max-messages-per-batch", "5", "--member", "worker-1"];
      const kills = await ingestKilled(lake, words(lake, ...more), () => 400 + Math.random() * 900);
      expect({ kills, ...(await rowsOf(lake)) }).toEqual({ kills, ...wanted });
    },
    LIMIT_MS,
  );

  test(
    "of two workers at once each row is there once",
    async () => {
      if (url === undefined) return;
      const lake = join(folder, "two");
      const more = ["--max-messages-per-batch", "3"];
      const both = await Promise.all(
        [1, 2].map(() => edgebook(["ingest", ...words(lake, ...more)])),
      );
      expect(both.map(({ code }) => code)).toEqual([0, 0]);
      expect(await rowsOf(lake)).toEqual(wanted);
    },
    LIMIT_MS,
  );

  test(
    "tells what is missing, also behind the last event of a stream",
    async () => {
      if (url === undefined) return;
      const capture = join(folder, "holed.pcap");
      writeHoled(capture);
      const holed = join(folder, "holed-chunks");
      await edgebook(["collect", "--pcap", capture, "--feed", "nse-fo", "--to", `dir:${holed}`]);
      const to = `${url}-holed`;
      await sendEvents(to, holed, 2);
      const direct = join(folder, "holed-direct");
      await edgebook(["ingest", holed, "--feed", "nse-fo", "--lake", direct]);
      const lake = join(folder, "holed-lake");
      const more = ["--lake", lake, "--ends-at-latest-offsets", "--consumer-group", "holed"];
      const { code, err } = await edgebook(["ingest", "--kafka", to, ...more]);
      expect({ code, err }).toMatchObject({ code: 0 });
      const sql = "SELECT stream, sequence, last, state FROM gaps ORDER BY stream, sequence";
      const ask = ["query", sql, "--format", "csv", "--prove", "--lake"];
      const found = await edgebook([...ask, lake]);
      expect(found.out).toBe("stream,sequence,last,state\n1,101,120,lost\n2,201,230,lost\n");
      expect(found.code).toBe(3);
      expect(found.err).toMatch(/stream 1: .*numbers are lost/);
      expect(found.err).toMatch(/stream 2: .*numbers 1 to 200.*numbers are lost/);
      expect(found.err).toMatch(/stream 3: .*whole/);
      expect(found.out).toBe((await edgebook([...ask, direct])).out);
    },
    LIMIT_MS,
  );

  test(
    "puts what cannot be read aside, with where it stood",
    async () => {
      if (url === undefined) return;
      const address = url.slice("kafka://".length).split("/")[0];
      const clients = openClients(clientOptions("test", [address]));
      const { producer } = await clients;
      const bad = {
        topic: `${prefix}.trades`,
        partition: 0,
        key: Buffer.from("x"),
        value: Buffer.from("no batch"),
      };
      await producer.send({ messages: [bad] });
      await closeClients(clients);
      const lake = join(folder, "plain");
      const { code, err } = await edgebook(["ingest", ...words(lake)]);
      expect(code).toBe(3);
      expect(err).toContain("1 batches went to dead_letters");
      const sql = "SELECT topic, base64_bytes, error FROM dead_letters";
      const { out } = await edgebook(["query", sql, "--lake", lake]);
      expect(JSON.parse(out)).toEqual({
        topic: `${prefix}.trades`,
        base64_bytes: Buffer.from("no batch").toString("base64"),
        error: "no batch of rows",
      });
    },
    LIMIT_MS,
  );
});
