/** What could not be read is tried again: each row is there once, whatever was there and whoever is killed. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NameTable } from "../book/rows/name-table.ts";
import { ProtobufRows } from "../book/rows/protobuf-rows.ts";
import { RowBatch } from "../book/rows/row-batch.ts";
import { lakeColumns } from "../book/rows/schema.ts";
import { edgebook } from "../tests/cli-run.ts";
import { contents } from "../tests/lake-run.ts";
import { type DeadLetter, putLetters, redrive } from "./dead-letters.ts";
import { openTable } from "./lake-tables.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-dead-letters-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
/** 27 November 2023, 09:15 in India. */
const MORNING_SEC = 1_701_056_700;

/** Trades of stream 3, one for each number, a second apart. */
function trades(from: number, to: number, daysLater = 0): Uint8Array {
  const names = new NameTable();
  const batch = new RowBatch(lakeColumns("trades"), names, 2, to - from + 1);
  for (let number = from; number <= to; number++) {
    const at = batch.count++;
    batch.clearRow(at);
    batch.time("ts_event").sec[at] = MORNING_SEC + number + daysLater * 86_400;
    batch.number("stream").value[at] = 3;
    batch.number("sequence").value[at] = number;
    batch.number("epoch").value[at] = 0;
    batch.number("row").value[at] = 0;
    batch.name("token").value[at] = names.indexOf("7");
    batch.number("price").value[at] = 7000 + number;
    batch.number("size").value[at] = 5;
  }
  let made = new Uint8Array();
  new ProtobufRows("nse-fo", 2, (bytes) => {
    made = new Uint8Array(bytes);
  }).write(batch);
  return made;
}

const letter = (offset: number, value: Uint8Array, topic = "edgebook.trades"): DeadLetter => {
  return { topic, partition: 1, offset, atSec: MORNING_SEC, error: "damaged rows", value };
};

async function bury(lake: string, letters: readonly DeadLetter[]): Promise<void> {
  const dead = await openTable(lake, "dead_letters", 0);
  await dead.commit(await putLetters(dead, letters), {});
}

test("rows that the tables lack are put there, and what cannot be read stays", async () => {
  const lake = join(folder, "lake");
  const text = new TextEncoder().encode("no batch");
  // The second overlaps the first, the third has the same numbers on another day.
  const sound = [trades(10, 14), trades(13, 16), trades(10, 11, 1)];
  await bury(lake, [
    ...sound.map((bytes, at) => letter(at, bytes)),
    letter(8, text),
    letter(9, trades(1, 2), "edgebook.nothing"),
  ]);
  expect(await redrive(lake)).toEqual({ driven: 3, left: 2, rows: 9 });
  expect(await contents(lake, "trades")).toEqual({ rows: 9, places: 9 });
  expect((await contents(lake, "dead_letters")).rows).toBe(2);
  // As if it had been killed before the letters went out.
  await bury(lake, [letter(0, sound[0]), letter(4, trades(16, 18))]);
  expect(await redrive(lake)).toEqual({ driven: 2, left: 2, rows: 2 });
  expect(await contents(lake, "trades")).toEqual({ rows: 11, places: 11 });
  expect(await redrive(lake)).toEqual({ driven: 0, left: 2, rows: 0 });
  const sql = "SELECT topic, sequence, base64_bytes FROM dead_letters ORDER BY sequence";
  const { out } = await edgebook(["query", sql, "--lake", lake, "--format", "csv"]);
  expect(out.split("\n")[1]).toBe(`edgebook.trades,8,${Buffer.from(text).toString("base64")}`);
}, 30_000);

test("two at once put each row there once", async () => {
  const lake = join(folder, "two");
  await bury(lake, [letter(0, trades(1, 5))]);
  await openTable(lake, "trades", 2);
  const both = await Promise.allSettled([redrive(lake), redrive(lake)]);
  expect(both.some(({ status }) => status === "fulfilled")).toBe(true);
  expect(await contents(lake, "trades")).toEqual({ rows: 5, places: 5 });
  await redrive(lake);
  expect(await contents(lake, "trades")).toEqual({ rows: 5, places: 5 });
}, 30_000);

test("the command says what it did, and that something is left by its exit code", async () => {
  const lake = join(folder, "said");
  const none = await edgebook(["ingest", "--redrive", "--lake", lake]);
  expect({ code: none.code, err: none.err }).toMatchObject({ code: 0 });
  expect(none.err).toContain("no dead letters");
  await bury(lake, [letter(0, trades(1, 3)), letter(1, new Uint8Array([1]))]);
  const first = await edgebook(["ingest", "--redrive", "--lake", lake]);
  expect(first.code).toBe(3);
  expect(first.err).toContain("1 dead letters could be read, 3 rows");
  const files = await edgebook(["ingest", "x.pcap", "--redrive", "--lake", lake]);
  expect(files.code).toBe(2);
}, 30_000);
