/** What running services say: JSON lines in the log, and pages that Prometheus' own checker takes. */
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { METRIC_NAMES, PREFIX, specOf } from "../metrics/table.ts";
import { type Running, start } from "./live-run.ts";
import { check, promtool } from "./promtool.ts";
import { until } from "./until.ts";

const scratch = mkdtempSync(join(tmpdir(), "edgebook-log-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What stands behind a word in a log of JSON lines. */
const place = (running: Running, what: string) =>
  running.hears(new RegExp(`"text":"${what} at (http[^" ]+)`));

async function metricsOf(url: string): Promise<string> {
  const answer = await fetch(`${url}/metrics`, { signal: AbortSignal.timeout(10_000) });
  expect(answer.headers.get("content-type")).toContain("version=0.0.4");
  return answer.text();
}

/** Each family is of the table, and promtool finds nothing to complain of. */
function expectGood(page: string, room: string): void {
  const types = new Map(
    [...page.matchAll(/^# TYPE (\w+) (\w+)$/gm)].map(([, name, type]) => [name, type]),
  );
  const known = METRIC_NAMES.filter((name) => specOf(name).room === room);
  for (const [name, type] of types) {
    const own = known.find((each) => PREFIX + each === name);
    expect([name, own && specOf(own).type]).toEqual([name, type as "counter"]);
  }
  expect(types.size).toBeGreaterThan(8);
  if (promtool !== null) expect(check(["check", "metrics"], page)).toEqual({ ok: true, text: "" });
}

function expectJsonLines(text: string): void {
  const lines = text.trimEnd().split("\n");
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) {
    expect(JSON.parse(line)).toMatchObject({
      time: expect.stringMatching(/^\d{4}-\d{2}-\d{2}T.*Z$/),
      level: expect.stringMatching(/^(info|warn|error)$/),
      event: expect.any(String),
      text: expect.any(String),
    });
  }
}

test("a collector's log is JSON lines without its password, its page what the table says", async () => {
  const broker = "mqtt://user:secret-1@127.0.0.1:9";
  const wire = "--feed nse-fo --interface lo --capture socket --join 239.255.77.9:36271=1/A";
  const join2 = "--join 239.255.77.10:36272=1/B --name log-1 --http 127.0.0.1:0 --log json";
  const words = [..."collect".split(" "), ...wire.split(" "), ...join2.split(" ")];
  const collector = start(...words, "--to", broker, "--spool", join(scratch, "spool"));
  const page = await metricsOf(await place(collector, "status"));
  await collector.says("broker_gone");
  const { err } = await collector.interrupt();
  expectGood(page, "collector");
  expect(page).toContain(
    'edgebook_collector_line_packets_total{feed="nse-fo",stream="1",line="B"} 0',
  );
  expect(page).toContain('edgebook_collector_sink_connected{sink="mqtt://127.0.0.1:9"} 0');
  expectJsonLines(err);
  expect(err + page).not.toContain("secret-1");
}, 60_000);

test("a book service's log is JSON lines, and its page what the table says", async () => {
  const words = "book --broker 127.0.0.1:0 --http 127.0.0.1:0 --log json --shards 2";
  const book = start(...words.split(" "), "--state", join(scratch, "state"));
  const url = await place(book, "books");
  const isConnected = /edgebook_source_connected\{source="mqtt:\/\/127.0.0.1:\d+"\} 1/;
  const page = await until(async () => {
    const found = await metricsOf(url);
    return found.includes("edgebook_chunks_total") && isConnected.test(found) && found;
  }, "a source that is connected");
  expectGood(page, "book");
  expectJsonLines((await book.interrupt()).err);
}, 60_000);
