/** `edgebook stat` at a running collector, a running book service, and where nobody is. */
import { afterAll, afterEach, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { edgebook } from "./cli-run.ts";
import { type Running, start } from "./live-run.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-stat-"));
const running: Running[] = [];
afterEach(async () => {
  await Promise.all(running.splice(0).map((each) => each.interrupt()));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function begin(...words: string[]): Running {
  const process = start(...words);
  running.push(process);
  return process;
}

test("a collector's frames, drops by cause, spool and sinks are shown", async () => {
  const collector = begin(
    ..."collect --feed nse-fo --interface 127.0.0.1 --join 239.81.7.1:47001=1/A".split(" "),
    ..."--capture socket --name stat-1 --http 127.0.0.1:0 --to".split(" "),
    `dir:${join(folder, "chunks")}`,
  );
  const url = await collector.hears(/status at (\S+)/);
  const { code, out } = await edgebook(["stat", url, "--count", "2", "--interval", "200ms"]);
  expect(code).toBe(0);
  expect(out).toContain("collector stat-1");
  expect(out).toContain("lost      0: wire 0, kernel 0");
  expect(out).toContain("no frame of any stream yet");
  expect(out).toContain("0 frames/s");
  expect(out).not.toContain("\x1b");
  const [line] = (await edgebook(["stat", url, "--count", "1", "--json"])).out.split("\n");
  expect(JSON.parse(line)).toMatchObject({ kind: "collector", name: "stat-1", frames: 0 });
}, 60_000);

test("a book service's streams are shown, and whether they can be trusted", async () => {
  const book = begin(..."book --broker 127.0.0.1:0 --http 127.0.0.1:0".split(" "));
  const url = await book.hears(/books at (\S+)/);
  const { code, out } = await edgebook(["stat", url, "--count", "1"]);
  expect(code).toBe(0);
  expect(out).toContain("trust     every stream whole  0 lost");
  expect(out).toContain("no stream yet");
}, 60_000);

test("where nobody answers it says what to start", async () => {
  const { code, err } = await edgebook(["stat", "http://127.0.0.1:1", "--count", "1"]);
  expect(code).toBe(1);
  expect(err).toContain("Start 'edgebook book'");
});
