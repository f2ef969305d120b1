/** `edgebook books --at`: a book of a past moment is the last row of levels up to it. */
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { csvRows, edgebook } from "./cli-run.ts";

const capture = join(
  import.meta.dir,
  "../../shared/data/captures/iex-deep/iex-deep-2023-10-02.pcap.gz",
);

test("each instrument's book is the one that rebuild had at that moment", async () => {
  if (!existsSync(capture)) {
    console.log("not run: no captures");
    return;
  }
  const words = [capture, "--feed", "iex-deep", "--format", "csv"];
  const rows = csvRows((await edgebook(["rebuild", "--schema", "mbp-10", ...words])).out);
  const at = rows[Math.floor(rows.length / 2)].ts_event;
  const wanted = new Map<string, Record<string, string>>();
  for (const row of rows) if (BigInt(row.ts_event) <= BigInt(at)) wanted.set(row.token, row);
  const { out, code } = await edgebook(["books", "--at", at, ...words]);
  expect(code).toBe(0);
  const found = csvRows(out);
  expect(found).toHaveLength(wanted.size);
  for (const row of found) expect(row).toEqual(wanted.get(row.token) ?? {});
  const one = [...wanted.keys()][3];
  const single = await edgebook(["books", "--at", at, "--token", one, ...words]);
  expect(csvRows(single.out)).toEqual([wanted.get(one) ?? {}]);
}, 60_000);

test("without a moment it says what to add", async () => {
  const { code, err } = await edgebook(["books", "day.pcap"]);
  expect(code).toBe(2);
  expect(err).toContain("Add --at");
});
