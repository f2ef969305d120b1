/** A group of book services on one Kafka: streams move between them, with every book right and no row missing. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NameTable } from "../book/rows/name-table.ts";
import { readRows } from "../book/rows/protobuf-read.ts";
import { RowBatch } from "../book/rows/row-batch.ts";
import { lakeColumns } from "../book/rows/schema.ts";
import { ObjectStorage, parseS3Address } from "../frames/object-storage.ts";
import { samplesOf } from "../metrics/page.ts";
import { BUCKET, S3Missing, type S3Server, startS3 } from "../scripts/s3/server.ts";
import { filesUnder } from "./chunk-files.ts";
import { csvRows, edgebook } from "./cli-run.ts";
import { withVariables } from "./environment.ts";
import { sharedKafka } from "./kafka-broker.ts";
import { kcatBytes } from "./kafka-kcat.ts";
import { tokensOf, writeMorning } from "./kafka-market.ts";
import { type Running, run, startFor } from "./live-run.ts";
import { until } from "./until.ts";

const scratch = mkdtempSync(join(tmpdir(), "edgebook-kafka-group-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const STREAMS = 4;
const PART = 1000;
const PARTS = 3;
const LIMIT_MS = 200_000;
const captures = Array.from({ length: PARTS }, (_, at) => join(scratch, `${at}.pcap`));

interface Member {
  readonly running: Running;
  readonly json: (path: string) => Promise<Record<string, unknown>>;
  /** Number of each stream that it has, by stream. */
  readonly streams: () => Promise<Map<number, number>>;
  /** It has its partitions, and knows what others did with them. */
  readonly isReady: () => Promise<boolean>;
  /** Rows that it has sent. */
  readonly sent: () => Promise<number>;
}

async function service(...words: string[]): Promise<Member> {
  const running = startFor(LIMIT_MS, "book", "--http", "127.0.0.1:0", "--window", "0", ...words);
  const url = await running.hears(/books at (\S+)/);
  const json = async (path: string) => (await fetch(url + path)).json();
  const streams = async () => {
    const { streams } = (await json("/v1/streams")) as { streams: Record<string, unknown>[] };
    return new Map(streams.map(({ stream, position }) => [Number(stream), Number(position)]));
  };
  const sent = async () => {
    const page = await (await fetch(`${url}/metrics`)).text();
    return samplesOf(page).get("edgebook_events_sent_total") ?? Number.NaN;
  };
  const isReady = async () => (await fetch(`${url}/ready`)).ok;
  return { running, json, streams, isReady, sent };
}

/** All members together have every stream once, at a number at least. */
async function haveAll(members: readonly Member[], number: number): Promise<boolean> {
  const each = await Promise.all(members.map(({ streams }) => streams()));
  const all = each.flatMap((streams) => [...streams]);
  const isOnce = new Set(all.map(([stream]) => stream)).size === all.length;
  const isShared = each.every(({ size }) => size > 0);
  return isShared && isOnce && all.length === STREAMS && all.every(([, at]) => at >= number);
}

/** Each row's place, as a reader has them that drops what is at or below its own. */
function placesOf(bytes: Buffer): string[] {
  const done = new Map<number, readonly number[]>();
  const places: string[] = [];
  const names = new NameTable();
  for (let from = 0; from < bytes.length; ) {
    const length = bytes.readUInt32BE(from);
    const batch = new RowBatch(lakeColumns("events"), names, 2, 4096);
    expect(readRows(bytes.subarray(from + 4, from + 4 + length), batch)).toBe(batch.count);
    from += 4 + length;
    const [stream, epoch, sequence, row] = ["stream", "epoch", "sequence", "row"].map(
      (name) => batch.number(name).value,
    );
    for (let at = 0; at < batch.count; at++) {
      const place = [epoch[at], sequence[at], row[at]];
      const last = done.get(stream[at]) ?? [-1, 0, 0];
      const differs = place.findIndex((value, i) => value !== last[i]);
      if (differs < 0 || place[differs] < last[differs]) continue;
      done.set(stream[at], place);
      places.push(`${stream[at]}/${sequence[at]}/${row[at]}`);
    }
  }
  return places.sort();
}

/** The same places from the captures themselves. */
async function expectedPlaces(): Promise<string[]> {
  const { out } = await edgebook(["rebuild", ...captures, "--feed", "nse-fo", "--format", "csv"]);
  const counts = new Map<string, number>();
  const places = csvRows(out).map(({ stream, sequence }) => {
    const message = `${stream}/${sequence}`;
    const row = counts.get(message) ?? 0;
    counts.set(message, row + 1);
    return `${message}/${row}`;
  });
  return places.sort();
}

const NAME = "streams go to who comes and from who dies, every book right and no row missing";

test(`${NAME}: a directory`, () => scenario("group", join(scratch, "state")), LIMIT_MS);

test(
  `${NAME}: object storage`,
  async () => {
    const server = await s3Server();
    if (server === undefined) return;
    const restore = withVariables(server.env);
    try {
      await scenario("group-s3", `s3://${BUCKET}/group`);
    } finally {
      restore();
      await server.stop();
    }
  },
  LIMIT_MS + 600_000,
);

/** A real one, which is built where it is not there yet. */
async function s3Server(): Promise<S3Server | undefined> {
  try {
    return await startS3(process.env.CI !== undefined);
  } catch (error) {
    if (!(error instanceof S3Missing) || process.env.CI) throw error;
    console.log(`not run: no S3 server (${error.message})`);
    return undefined;
  }
}

/** @param name of the topics, and of what is kept beside them */
async function scenario(name: string, state: string): Promise<void> {
  const broker = await sharedKafka();
  if (broker === undefined) return;
  const kafka = `kafka://${broker.brokers}/${name}`;
  const folder = join(scratch, name);
  const chunks = `dir:${join(folder, "chunks")}`;
  captures.forEach((path, at) => {
    writeMorning(path, STREAMS, PART, at * PART + 1);
  });
  const collect = async (path: string) => {
    const words = ["collect", "--pcap", path, "--feed", "nse-fo", "--name", "colo-1"];
    const places = ["--kafka-partitions", "4", "--to", kafka, "--to", chunks];
    const { code } = await run(...words, "--spool", join(folder, "spool"), ...places);
    expect(code).toBe(0);
  };
  const shared = ["--from", kafka, "--events", kafka, "--state", state];
  const member = (who: string) =>
    service(...shared, "--save-every", "1s", "--name", "pair", "--member", who);
  await collect(captures[0]);
  const one = await member("one");
  await until(() => haveAll([one], PART), "the first to have all streams");
  const other = await member("other");
  await until(() => haveAll([one, other], PART), "each to have some streams");
  await collect(captures[1]);
  await until(() => haveAll([one, other], 2 * PART), "both to go on");
  await until(() => isSaved(state), "a saved state");
  process.kill(one.running.pid, "SIGKILL");
  await one.running.ended();
  await collect(captures[2]);
  await until(() => haveAll([other], PARTS * PART), "the other to have all streams");
  const reference = await service("--from", chunks);
  await until(() => haveAll([reference], PARTS * PART), "the reference");
  await hasBooks(other, reference);
  await other.running.interrupt();
  // Somebody who comes when nobody is left goes on from what is kept, and has every book.
  const late = await member("late");
  await until(() => haveAll([late], PARTS * PART), "the last to have all streams");
  expect(await late.sent()).toBeLessThan(PART);
  await hasBooks(late, reference);
  await Promise.all([late.running.interrupt(), reference.running.interrupt()]);
  const bytes = kcatBytes(broker, `${name}.events`, "%R%s");
  if (bytes !== undefined) expect(placesOf(bytes)).toEqual(await expectedPlaces());
}

/** Every book is the reference's, once the member has come to say so: until then books are held. */
async function hasBooks(member: Member, reference: Member): Promise<void> {
  await until(() => member.isReady(), "the member to be one");
  for (const token of tokensOf(STREAMS)) {
    const path = `/v1/books/nse-fo/${token}?depth=1000`;
    const wanted = await reference.json(path);
    await until(async () => {
      const { state } = await member.json(path);
      return state === wanted.state;
    }, `the book of ${token}`);
    expect(await member.json(path)).toEqual(wanted);
  }
}

/** Some partition's place is there, and so are the checkpoints before it. */
async function isSaved(state: string): Promise<boolean> {
  const address = parseS3Address(state);
  const names =
    address === undefined
      ? filesUnder(state)
      : (await new ObjectStorage(address).list("")).map(({ path }) => path);
  return names.some((name) => name.endsWith("place.json"));
}

test("a member without a state to share says what to give", async () => {
  const { code, err } = await run("book", "--from", "kafka://127.0.0.1:1", "--member", "one");
  expect([code, err]).toEqual([2, expect.stringContaining("--state")]);
});
