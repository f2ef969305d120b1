/**
 * Mutated inputs for every parser: whatever the bytes, it comes to an end, throws nothing that is not
 * an answer, and keeps a bounded memory.
 *
 * `EDGEBOOK_RUNS` is the number of inputs (`npm run prove -- fuzz`: 10,000,000), `EDGEBOOK_SECONDS`
 * a time instead (`npm run prove -- fuzz 60m`), `EDGEBOOK_SEED` repeats a run. Inputs that once broke
 * something are in `tests/corpus/` and always tried first.
 */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { byteTargets } from "./fuzz-bytes.ts";
import { FuzzFinding, fuzz, tryInput } from "./fuzz-target.ts";
import { textTargets } from "./fuzz-texts.ts";

const seconds = Number(process.env.EDGEBOOK_SECONDS ?? 0);
const runs = seconds > 0 ? Number.MAX_SAFE_INTEGER : Number(process.env.EDGEBOOK_RUNS ?? 60_000);
const isLong = runs >= 1e6;
const seed = Number(process.env.EDGEBOOK_SEED ?? Date.now() % 0x7fffffff);
/** Two dozen pipelines with their books are alive at once; nothing may be added to them without end. */
const GROWN_BYTES = 700e6;
const corpus = join(import.meta.dir, "corpus");
const targets = [...byteTargets(), ...textTargets()];

describe("every parser", () => {
  test("takes what broke something once", () => {
    for (const line of readdirSync(corpus).flatMap((file) => linesOf(join(corpus, file)))) {
      const { target: name, hex } = JSON.parse(line) as { target: string; hex: string };
      const target = targets.find((each) => each.name === name);
      expect(target?.name).toBe(name);
      if (target !== undefined) tryInput(target, new Uint8Array(Buffer.from(hex, "hex")));
    }
  });

  test(
    "takes any bytes, in time and in bounded memory",
    async () => {
      let toldMs = performance.now();
      const length = seconds > 0 ? { inputs: runs, seconds } : { inputs: runs };
      const report = await fuzz(targets, length, seed, (done) => {
        if (performance.now() - toldMs < 30_000) return;
        toldMs = performance.now();
        console.log(`${done} inputs`);
      });
      const slowest = [...report.byTarget].sort(([, a], [, b]) => b.slowestMs - a.slowestMs)[0];
      console.log(
        `${report.inputs} mutated inputs for ${targets.length} targets in ` +
          `${report.seconds.toFixed(1)} s, slowest ${slowest[1].slowestMs.toFixed(0)} ms ` +
          `(${slowest[0]}), memory grown by ${(report.grownBytes / 1e6).toFixed(0)} MB ` +
          `(EDGEBOOK_SEED=${seed})`,
      );
      if (isLong) {
        for (const [name, { inputs, slowestMs }] of report.byTarget) {
          console.log(`  ${name.padEnd(24)} ${inputs} inputs, slowest ${slowestMs.toFixed(1)} ms`);
        }
      }
      if (seconds === 0) expect(report.inputs).toBe(runs);
      expect(report.inputs).toBeGreaterThan(targets.length);
      expect(report.grownBytes).toBeLessThan(GROWN_BYTES);
    },
    { timeout: 60_000 + (seconds > 0 ? seconds * 2000 : runs * 2) },
  );

  test("the search finds a parser that breaks, and gives the input that does it", async () => {
    const broken = {
      name: "broken",
      share: 1,
      seeds: [Uint8Array.of(1, 2, 3, 4)],
      take(input: Uint8Array) {
        if (input[1] === 0xff) throw new RangeError("out of bounds");
      },
    };
    const found = await fuzz([broken], { inputs: 20_000 }, 1).catch((error: unknown) => error);
    expect(found).toBeInstanceOf(FuzzFinding);
    expect((found as FuzzFinding).input[1]).toBe(0xff);
  });
});

const linesOf = (path: string): string[] => readFileSync(path, "utf8").trim().split("\n");
