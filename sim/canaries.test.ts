/** Every canary still fits the sources, and `sim check` catches some of them here; all in the proof. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { CANARIES, edited } from "./canaries.ts";
import { CanaryCage } from "./canary-run.ts";

const house = new URL("..", import.meta.url).pathname;

describe("canaries", () => {
  test("are at least twelve, each an edit that fits the sources exactly once", () => {
    expect(CANARIES.length).toBeGreaterThanOrEqual(12);
    const texts = new Map<string, string>();
    for (const { name, edits } of CANARIES) {
      texts.clear();
      for (const edit of edits) {
        const text = texts.get(edit.file) ?? readFileSync(`${house}${edit.file}`, "utf8");
        const made = edited(text, edit);
        expect({ name, ...made }).toHaveProperty("text");
        if ("text" in made) texts.set(edit.file, made.text);
      }
    }
  });

  test("an edit that no longer fits, or fits twice, is refused in words", () => {
    const edit = { file: "a.ts", find: "x = 1", put: "x = 2" };
    expect(edited("y = 1", edit)).toEqual({ why: "a.ts no longer has: x = 1" });
    expect(edited("x = 1; x = 1", edit)).toEqual({ why: "a.ts has more than once: x = 1" });
    expect(edited("let x = 1;", edit)).toEqual({ text: "let x = 2;" });
  });

  for (const name of [
    "forgets a gap of one",
    "splices off by one",
    "flags every book to be safe",
  ]) {
    test(`edgebook that ${name} is caught`, async () => {
      const canary = CANARIES.find((one) => one.name === name);
      if (canary === undefined) throw new Error(`no canary ${name}`);
      const cage = new CanaryCage(house);
      const { signal } = new AbortController();
      try {
        const verdict = await cage.judge(canary, { runs: 200, seed: 1, workers: 1, signal });
        expect(verdict.caughtBy).not.toBe("");
      } finally {
        cage.close();
      }
    }, 120_000);
  }
});
