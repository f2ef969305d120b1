import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { exactDecimal, i64Text, placePoint, u64Text } from "./decimal.ts";

const MOST = Number.MAX_SAFE_INTEGER;
const word = fc.integer({ min: -0x80000000, max: 0x7fffffff });

describe("decimals", () => {
  test("a price keeps its sign, its places and every digit", () => {
    expect(exactDecimal(7020, 2)).toBe("70.20");
    expect(exactDecimal(-5, 2)).toBe("-0.05");
    expect(exactDecimal(0, 4)).toBe("0.0000");
    expect(exactDecimal(-0, 2)).toBe("0.00");
    expect(exactDecimal(4_294_967_295, 4)).toBe("429496.7295");
    expect(exactDecimal(705_000_000, 7)).toBe("70.5000000");
    expect(exactDecimal(12, 0)).toBe("12");
    expect(exactDecimal(-MOST, 8)).toBe("-90071992.54740991");
    expect(placePoint("-7", 2)).toBe("-0.07");
    expect(placePoint("18446744073709551615", 4)).toBe("1844674407370955.1615");
  });

  test("any whole number below 2^53 is the text of its digits with the point in place", () => {
    const places = fc.integer({ min: 0, max: 12 });
    const wholes = fc.oneof(fc.maxSafeInteger(), fc.integer(), fc.constantFrom(MOST, -MOST));
    fc.assert(
      fc.property(wholes, places, (integer, decimals) => {
        expect(exactDecimal(integer, decimals)).toBe(placePoint(String(integer), decimals));
      }),
      { numRuns: 2000 },
    );
  });

  test("two words are the digits that bigint gives, signed and unsigned", () => {
    fc.assert(
      fc.property(word, word, (hi, lo) => {
        const wide = (BigInt(hi) << 32n) | BigInt(lo >>> 0);
        expect(u64Text(hi, lo)).toBe(String(BigInt.asUintN(64, wide)));
        expect(i64Text(hi, lo)).toBe(String(wide));
      }),
      { numRuns: 5000 },
    );
  });

  test("digits are right on both sides of every multiple of 10^9 and power of two", () => {
    const near = (center: bigint) => [-2n, -1n, 0n, 1n, 2n].map((step) => center + step);
    const centers = [0n, 1n << 53n, 1n << 63n, (1n << 64n) - 3n];
    for (let k = 1n; k < 18_446_744_073n; k = k * 3n + 1n) centers.push(k * 1_000_000_000n);
    for (const value of centers.flatMap(near)) {
      if (value < 0n || value >= 1n << 64n) continue;
      expect(u64Text(Number(value >> 32n), Number(value & 0xffffffffn))).toBe(String(value));
    }
  });
});
