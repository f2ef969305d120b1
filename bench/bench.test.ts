/** The small size of `edgebook bench`, and that a wrong result is never told as a figure alone. */
import { expect, test } from "bun:test";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { edgebook } from "../tests/cli-run.ts";
import { type Finding, findingLines } from "./finding.ts";
import { yardstickObstacle } from "./yardstick.ts";

const obstacle = yardstickObstacle();
if (obstacle !== undefined) console.log(`not run: ${obstacle}`);
const env = { EDGEBOOK_BENCH_CACHE: join(tmpdir(), "edgebook-bench-test") };

test.skipIf(obstacle !== undefined)(
  "books and fields are the C++ yardstick's, on ITCH and on NSE, and every format has rows",
  async () => {
    const run = await edgebook(["bench", "books", "decode", "rebuild", "--quick", "--json"], {
      env,
    });
    expect(run.err).toBe("");
    const { findings, machine } = JSON.parse(run.out);
    expect(machine.processor).not.toBe("");
    expect(findings.map((found: { bench: string }) => found.bench)).toEqual([
      ...["books", "books", "decode", "decode"],
      ...["rebuild", "rebuild", "rebuild"],
    ]);
    for (const found of findings) expect([found.what, found.is_right]).toEqual([found.what, true]);
    expect(new Set(findings.slice(0, 4).map((found: Finding) => found.digest)).size).toBe(4);
    expect(run.code).toBe(0);
  },
  90_000,
);

test("a result that is not the yardstick's is told as wrong", () => {
  const right: Finding = {
    bench: "books",
    what: "a day",
    value: 80,
    unit: "ns a message",
    yardstick: { name: "C++", value: 160 },
    digest: "cd28932e",
    isRight: true,
    notes: [],
  };
  expect(findingLines(right)[0]).toBe(
    "books    a day: 80.0 ns a message; C++ 160.0: ratio 0.50, digest cd28932e",
  );
  expect(findingLines({ ...right, isRight: false })[0]).toEndWith("  WRONG RESULT");
});

test("a benchmark that does not exist is refused with the list of those that do", async () => {
  const run = await edgebook(["bench", "nothing"]);
  expect(run.code).toBe(2);
  expect(run.err).toContain("books, decode, rebuild");
});
