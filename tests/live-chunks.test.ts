/** `edgebook chunks`: what it lists is what was collected, and a pcap made of chunks is the capture. */
import { afterAll, describe, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastJson, run } from "./live-run.ts";

const capture = join(
  import.meta.dir,
  "../../shared/data/captures/iex-deep/iex-deep-2023-10-02.pcap.gz",
);
const present = existsSync(capture);
if (!present) console.log("not run: no captures");

const scratch = mkdtempSync(join(tmpdir(), "edgebook-chunks-"));
afterAll(() => rmSync(scratch, { recursive: true }));

const statsOf = async (...files: string[]) => {
  const { err } = await run("rebuild", ...files, "--schema", "none", "--stats", "--digest");
  const { frames, messages, bytes, bbo_changes, bbo_digest } = lastJson(err);
  return { frames, messages, bytes, bbo_changes, bbo_digest };
};

describe.skipIf(!present)("a capture collected into chunks", () => {
  const folder = join(scratch, "chunks");
  /** One file an hour. */
  const files = () =>
    readdirSync(folder, { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".ebch"))
      .sort()
      .map((name) => join(folder, name));

  test("lists, verifies, rebuilds the same books, and converts back to the same frames", async () => {
    const collected = await run("collect", "--pcap", capture, "--to", `dir:${folder}`);
    expect(collected.code).toBe(0);
    const listed = await run("chunks", "list", folder, "--format", "json");
    const rows = listed.out
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(rows.reduce((sum, row) => sum + row.frames, 0)).toBe(5000);
    expect((await run("chunks", "verify", folder)).code).toBe(0);
    const pcap = join(scratch, "back.pcap");
    const converted = await run("chunks", "convert", folder, "--out", pcap);
    expect([converted.code, converted.err]).toEqual([0, ""]);
    const expected = await statsOf(capture);
    expect(expected.frames).toBe(5000);
    expect(await statsOf(pcap)).toEqual(expected);
    expect(await statsOf(...files())).toEqual(expected);
    expect((await run("chunks", "convert", folder, "--out", pcap)).code).toBe(2);
  }, 60_000);

  test("with a byte changed is told to be damaged, and the rest still reads", async () => {
    const bytes = readFileSync(files()[0]);
    bytes[Math.floor(bytes.length / 2)] ^= 1;
    const damaged = join(scratch, "damaged.ebch");
    writeFileSync(damaged, bytes);
    const verified = await run("chunks", "verify", damaged);
    expect([verified.code, verified.err]).toEqual([3, expect.stringContaining("1 damaged")]);
    expect(verified.out).toContain("DAMAGED");
    expect((await run("rebuild", damaged, "--schema", "none")).code).toBe(3);
  }, 60_000);
});
