/** `collect --to kafka://…`, `book --from kafka://…`: the same books as from chunks in a directory. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { sharedKafka } from "./kafka-broker.ts";
import { tokensOf, writeMorning } from "./kafka-market.ts";
import { run, start } from "./live-run.ts";

const scratch = mkdtempSync(join(tmpdir(), "edgebook-kafka-pipe-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const STREAMS = 3;
const MESSAGES = 2000;
const LIMIT_MS = 120_000;

/** A book service that has everything. */
async function service(...words: string[]) {
  const running = start("book", "--http", "127.0.0.1:0", ...words);
  const url = await running.hears(/books at (\S+)/);
  const json = async (path: string) => (await fetch(url + path)).json();
  for (const end = performance.now() + 60_000; ; await Bun.sleep(50)) {
    const { streams } = await json("/v1/streams");
    const positions = streams.map(({ position }: { position: string }) => Number(position));
    if (positions.length === STREAMS && Math.min(...positions) >= MESSAGES) break;
    if (performance.now() > end) throw new Error(`at ${positions}, not at ${MESSAGES}`);
  }
  return { running, json };
}

test(
  "books of a capture that went through Kafka are those of its chunks",
  async () => {
    const broker = await sharedKafka();
    if (broker === undefined) return;
    const kafka = `kafka://${broker.brokers}/pipe`;
    const capture = join(scratch, "day.pcap");
    writeMorning(capture, STREAMS, MESSAGES);
    const chunks = `dir:${join(scratch, "chunks")}`;
    const words = ["collect", "--pcap", capture, "--feed", "nse-fo", "--name", "colo-1"];
    const spool = ["--spool", join(scratch, "spool")];
    const map = ["--kafka-partitions", "2", "--kafka-map", "3=0", "--kafka-memory", "4"];
    const collected = await run(...words, ...spool, ...map, "--to", kafka, "--to", chunks);
    expect([collected.code, collected.err]).toEqual([0, expect.stringContaining("chunks")]);
    const [one, other] = await Promise.all([
      service("--from", kafka, "--name", "over"),
      service("--from", chunks),
    ]);
    for (const token of tokensOf(STREAMS)) {
      const path = `/v1/books/nse-fo/${token}?depth=1000`;
      const book = await one.json(path);
      expect(book.bids.length).toBeGreaterThan(0);
      expect(book).toEqual(await other.json(path));
    }
    await Promise.all([one.running.interrupt(), other.running.interrupt()]);
  },
  LIMIT_MS,
);

test("a map that is none says what to write", async () => {
  const { code, err } = await run("collect", "--kafka-map", "3", "--to", "kafka://127.0.0.1:1");
  expect([code, err]).toEqual([2, expect.stringContaining("STREAM=PARTITION")]);
});
