/** `edgebook books --at --lake`: the tables know every book of every moment as the capture does. */
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { csvRows, edgebook } from "./cli-run.ts";
import { contents } from "./lake-run.ts";

const folder = mkdtempSync(join(tmpdir(), "edgebook-books-lake-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Books of both; what a message did that did nothing is no event, so heads may differ. */
async function booksOf(capture: string, lake: string, at: string) {
  const words = ["books", "--at", at, "--format", "csv"];
  const [wanted, found] = await Promise.all([
    edgebook([...words, capture, "--feed", "nse-fo"]),
    edgebook([...words, "--lake", lake]),
  ]);
  return { wanted: csvRows(wanted.out), found: csvRows(found.out) };
}

const levelsOf = (row: Record<string, string>) =>
  Object.fromEntries(Object.entries(row).filter(([name]) => /^token$|_\d\d$/.test(name)));

test("a restarted, lossy morning: each book is the capture's own, at every moment", async () => {
  const [capture, schedule] = [join(folder, "day.pcap"), join(folder, "schedule")];
  writeFileSync(schedule, "at 2s restart\nat 4s drop AB 1 2000..2010\n");
  const market = ["--seed", "21", "--duration", "6s", "--rate", "800", "--streams", "2"];
  const words = ["--schedule", schedule, "--write-pcap", capture];
  const served = await edgebook(["sim", "serve", ...market, ...words]);
  expect({ code: served.code, err: served.err }).toMatchObject({ code: 0 });
  const lake = join(folder, "day");
  const filled = ["--feed", "nse-fo", "--lake", lake, "--rows-per-commit", "2000"];
  await edgebook(["ingest", capture, ...filled]);
  // What a restart does to the books has places of its own beside its first message.
  const { rows, places } = await contents(lake, "events");
  expect(places).toBe(rows);
  const sql = "SELECT DISTINCT ts_event_ns AS ns FROM events ORDER BY ns";
  const times = (await edgebook(["query", sql, "--lake", lake, "--format", "csv"])).out
    .trim()
    .split("\n")
    .slice(1);
  for (const share of [0.05, 0.34, 0.9]) {
    const at = times[Math.min(times.length - 1, Math.floor(times.length * share))];
    const { wanted, found } = await booksOf(capture, lake, at);
    expect(found.length).toBeGreaterThan(10);
    expect(found.map(levelsOf)).toEqual(wanted.map(levelsOf));
  }
  const before = String(BigInt(times[0]) - 1n);
  expect((await booksOf(capture, lake, before)).found).toEqual([]);
}, 60_000);

const ITCH = join(
  import.meta.dir,
  "../../shared/data/captures/itch/ritch-synthetic.lenfixed.itch50.gz",
);

test("ITCH's cuts, replacements and unknown orders: each book is the file's own", async () => {
  if (!existsSync(ITCH)) {
    console.log("not run: no captures");
    return;
  }
  const lake = join(folder, "itch");
  const dated = ["--date", "2023-10-02"];
  await edgebook(["ingest", ITCH, "--feed", "nasdaq-itch50", ...dated, "--lake", lake]);
  const sql = "SELECT ts_event_ns FROM events USING SAMPLE reservoir(3 ROWS) REPEATABLE (7)";
  const { out } = await edgebook(["query", sql, "--lake", lake, "--format", "csv"]);
  const times = out.trim().split("\n").slice(1);
  expect(times).toHaveLength(3);
  for (const at of times) {
    const words = ["books", "--at", at, "--format", "csv"];
    const wanted = csvRows(
      (await edgebook([...words, ITCH, "--feed", "nasdaq-itch50", ...dated])).out,
    );
    const found = csvRows((await edgebook([...words, "--lake", lake])).out);
    const lastOf = new Map(wanted.map((row) => [row.token, row]));
    expect(found.length).toBeGreaterThan(0);
    for (const row of found) expect(levelsOf(row)).toEqual(levelsOf(lastOf.get(row.token) ?? {}));
  }
}, 60_000);

test("where there is no lake it says how to make one, and makes none", async () => {
  const lake = join(folder, "none");
  const { code, err } = await edgebook(["books", "--at", "5", "--lake", lake]);
  expect(code).toBe(1);
  expect(err).toContain("edgebook ingest");
  expect(existsSync(lake)).toBe(false);
  const both = await edgebook(["books", "--at", "5", "day.pcap", "--lake", lake]);
  expect(both.code).toBe(2);
});
