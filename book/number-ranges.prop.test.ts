import { expect, test } from "bun:test";
import fc from "fast-check";
import { NumberRanges } from "./number-ranges.ts";

const step = fc.oneof(
  fc.record({ op: fc.constant("add" as const), from: fc.nat(40), length: fc.nat(5) }),
  fc.record({ op: fc.constant("remove" as const), from: fc.nat(40), length: fc.constant(0) }),
);

test("ranges hold exactly the numbers that a plain set holds", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const ranges = new NumberRanges();
      const set = new Set<number>();
      for (const { op, from, length } of steps) {
        if (op === "remove") {
          ranges.remove(from);
          set.delete(from);
          continue;
        }
        ranges.add(from, from + length);
        for (let n = from; n <= from + length; n++) set.add(n);
      }
      for (let n = 0; n <= 46; n++) expect(ranges.has(n)).toBe(set.has(n));
      expect(ranges.highest).toBe(Math.max(0, ...set));
      const holes = new Set<number>();
      for (const { from, to } of ranges.missing(0, 46)) {
        for (let n = from; n <= to; n++) holes.add(n);
      }
      for (let n = 0; n <= 46; n++) expect(holes.has(n)).toBe(!set.has(n));
      let end = 0;
      while (set.has(end + 1)) end++;
      expect(ranges.contiguousFrom(1)).toBe(end);
    }),
  );
});

test("beyond its limit the lowest hole is closed, and the set stays bounded", () => {
  const ranges = new NumberRanges(3);
  for (const number of [1, 3, 5, 7, 9]) ranges.add(number);
  expect(ranges.missing(1, 9)).toEqual([
    { from: 6, to: 6 },
    { from: 8, to: 8 },
  ]);
});
