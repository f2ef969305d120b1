/**
 * Rows out of a book service into Kafka: those of `rebuild`, each once for a reader that drops what it
 * has, though the service was killed; and read by programs that are not ours.
 */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NameTable } from "../book/rows/name-table.ts";
import { readRows } from "../book/rows/protobuf-read.ts";
import { RowBatch } from "../book/rows/row-batch.ts";
import { lakeColumns } from "../book/rows/schema.ts";
import type { KafkaBroker } from "../scripts/kafka/broker.ts";
import { filesUnder } from "./chunk-files.ts";
import { csvRows, edgebook } from "./cli-run.ts";
import { sharedKafka } from "./kafka-broker.ts";
import { kcat, kcatBytes } from "./kafka-kcat.ts";
import { writeMorning } from "./kafka-market.ts";
import { type Running, run, start } from "./live-run.ts";
import { pythonWithPackages } from "./python.ts";
import { until } from "./until.ts";

const scratch = mkdtempSync(join(tmpdir(), "edgebook-kafka-rows-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const STREAMS = 2;
const MESSAGES = 3000;
const HALF = MESSAGES / 2;
const LIMIT_MS = 150_000;
const captures = [1, HALF + 1].map((from) => ({ from, path: join(scratch, `${from}.pcap`) }));

interface Reached {
  readonly running: Running;
  readonly url: string;
}

/** A book service that is at a number of each stream. */
async function service(words: readonly string[], number: number): Promise<Reached> {
  const running = start("book", "--http", "127.0.0.1:0", ...words);
  const url = await running.hears(/books at (\S+)/);
  for (const end = performance.now() + 60_000; ; await Bun.sleep(50)) {
    const { streams } = await (await fetch(`${url}/v1/streams`)).json();
    const positions = streams.map(({ position }: { position: string }) => Number(position));
    if (positions.length === STREAMS && Math.min(...positions) >= number) return { running, url };
    if (performance.now() > end) throw new Error(`at ${positions}, not at ${number}`);
  }
}

async function collect(path: string, kafka: string): Promise<void> {
  const words = ["collect", "--pcap", path, "--feed", "nse-fo", "--name", "colo-1"];
  const { code, err } = await run(...words, "--spool", join(scratch, "spool"), "--to", kafka);
  expect([code, err]).toEqual([0, expect.stringContaining("0 lost")]);
}

/** What both sides can say of a row. */
const SHOWN = ["stream", "sequence", "token", "action", "side", "price", "size", "order_id"];

async function rebuilt(): Promise<string[]> {
  const paths = captures.map(({ path }) => path);
  const { out } = await edgebook(["rebuild", ...paths, "--feed", "nse-fo", "--format", "csv"]);
  // A number that is not there is 0 for Python, unless it asks.
  return csvRows(out).map((row) => SHOWN.map((name) => row[name] || "0").join(" "));
}

const byStream = (rows: readonly string[]) =>
  Array.from({ length: STREAMS }, (_, at) => rows.filter((row) => row.startsWith(`${at + 1} `)));

/** Values of a topic's records, with their lengths before them. */
function valuesOf(bytes: Buffer): Buffer[] {
  const values: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    values.push(bytes.subarray(at + 4, at + 4 + length));
    at += 4 + length;
  }
  return values;
}

/** Rows as a reader has them that drops what is at or below its place; and how many came. */
function ourReading(bytes: Buffer): { places: Set<string>; rows: number } {
  const names = new NameTable();
  const places = new Set<string>();
  const done = new Map<number, readonly number[]>();
  let rows = 0;
  for (const value of valuesOf(bytes)) {
    const batch = new RowBatch(lakeColumns("events"), names, 2, 4096);
    const read = readRows(value, batch);
    expect(read).toBe(batch.count);
    rows += batch.count;
    const [stream, epoch, sequence, row] = ["stream", "epoch", "sequence", "row"].map(
      (name) => batch.number(name).value,
    );
    for (let at = 0; at < batch.count; at++) {
      const place = [epoch[at], sequence[at], row[at]];
      if (isAtOrBelow(place, done.get(stream[at]) ?? [-1, 0, 0])) continue;
      done.set(stream[at], place);
      places.add(`${stream[at]}/${place.join("/")}`);
    }
  }
  return { places, rows };
}

function isAtOrBelow(place: readonly number[], other: readonly number[]): boolean {
  const at = place.findIndex((value, i) => value !== other[i]);
  return at < 0 || place[at] < other[at];
}

/** The program that the documentation shows. */
function documentedReader(): string {
  const text = readFileSync(join(import.meta.dir, "../docs/KAFKA.md"), "utf8");
  const program = /```python\n([\s\S]*?)```/.exec(text)?.[1] ?? "";
  const path = join(scratch, "read-rows.py");
  writeFileSync(path, program);
  return path;
}

function pythonRows(python: string, desc: Uint8Array, values: Buffer): string[] {
  const file = join(scratch, "rows.desc");
  writeFileSync(file, desc);
  const words = [python, documentedReader(), file, "edgebook.v1.EventBatch"];
  const done = Bun.spawnSync(words, { stdin: values, timeout: 60_000 });
  expect(done.stderr.toString()).toBe("");
  return done.stdout.toString().trimEnd().split("\n");
}

/** @returns the descriptor that the service serves */
async function bothHalves(broker: KafkaBroker): Promise<Uint8Array> {
  const kafka = `kafka://${broker.brokers}/rows`;
  for (const { from, path } of captures) writeMorning(path, STREAMS, HALF, from);
  const out = ["--events", kafka, "--state", join(scratch, "state"), "--save-every", "500ms"];
  const words = ["--from", kafka, ...out, "--window", "0"];
  await collect(captures[0].path, kafka);
  const one = await service(words, HALF);
  await until(() => filesUnder(join(scratch, "state")).length > 0, "a saved state");
  process.kill(one.running.pid, "SIGKILL");
  await one.running.ended();
  await collect(captures[1].path, kafka);
  const other = await service(words, MESSAGES);
  const desc = await (await fetch(`${other.url}/schemas`)).bytes();
  const { code } = await other.running.interrupt();
  expect(code).toBe(130);
  return desc;
}

test(
  "rows in Kafka are those of rebuild, each once for who drops what it has",
  async () => {
    const broker = await sharedKafka();
    if (broker === undefined) return;
    const desc = await bothHalves(broker);
    const values = kcatBytes(broker, "rows.events", "%R%s");
    if (values === undefined) return;
    const expected = await rebuilt();
    expect(expected.length).toBeGreaterThan(STREAMS * MESSAGES);
    const { places, rows } = ourReading(values);
    expect(places.size).toBe(expected.length);
    expect(rows).toBeGreaterThanOrEqual(places.size);
    expect(kcat(broker, "rows.events", "%k %h")?.split("\n")[0]).toMatch(
      /^nse-fo\/\d message=edgebook.v1.EventBatch,schema=[0-9a-f]{16}$/,
    );
    const schema = valuesOf(kcatBytes(broker, "rows.schemas", "%R%s") ?? Buffer.alloc(0))[0];
    expect(schema.equals(desc)).toBe(true);
    const python = pythonWithPackages();
    if (python === undefined) return;
    const read = pythonRows(python, desc, values);
    expect(byStream(read)).toEqual(byStream(expected));
  },
  LIMIT_MS,
);
