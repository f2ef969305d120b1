import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { formatNs, joinNs, splitNs } from "./time.ts";

const BILLION = 1_000_000_000n;
const time = { sec: 0, nsec: 0 };
const words = { hi: 0, lo: 0 };

function split(ns: bigint): bigint {
  splitNs(Number(BigInt.asIntN(32, ns >> 32n)), Number(BigInt.asIntN(32, ns)), time);
  expect(time.nsec).toBeGreaterThanOrEqual(0);
  expect(time.nsec).toBeLessThan(1e9);
  return BigInt(time.sec) * BILLION + BigInt(time.nsec);
}

describe("64-bit nanoseconds", () => {
  test("split into seconds and nanoseconds, print and join again without losing one", () => {
    const any = fc.bigInt({ min: -(1n << 63n), max: (1n << 63n) - 1n });
    fc.assert(
      fc.property(any, (ns) => {
        expect(split(ns)).toBe(ns);
        expect(formatNs(time.sec, time.nsec)).toBe(String(ns));
        joinNs(time.sec, time.nsec, words);
        expect((BigInt(words.hi) << 32n) | BigInt(words.lo >>> 0)).toBe(ns);
      }),
      { numRuns: 5000 },
    );
  });

  test("are right on both sides of a whole second and of a carry between the words", () => {
    for (let k = 1n; k < 9_000_000_000n; k = k * 2n + 1n) {
      for (const center of [k * BILLION, (k << 32n) % (1n << 63n)]) {
        for (const ns of [center - 1n, center, center + 1n, -center]) {
          expect(split(ns)).toBe(ns);
          joinNs(time.sec, time.nsec, words);
          expect((BigInt(words.hi) << 32n) | BigInt(words.lo >>> 0)).toBe(ns);
        }
      }
    }
  });

  test("an unknown time is an empty text", () => {
    expect(formatNs(Number.NaN, 0)).toBe("");
    expect(formatNs(0, 17)).toBe("17");
    expect(formatNs(-1, 500_000_000)).toBe("-500000000");
  });
});
