import { expect, test } from "bun:test";
import fc from "fast-check";
import { ByteBudget } from "./byte-budget.ts";

test("a budget never holds more than its limit, and lets everybody in, in their order", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.integer({ min: 1, max: 100 }), { maxLength: 60 }),
      async (asks) => {
        const budget = new ByteBudget(100);
        const entered: number[] = [];
        const inside: number[] = [];
        const all = asks.map(async (bytes, at) => {
          await budget.take(bytes);
          entered.push(at);
          inside.push(bytes);
          expect(inside.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(100);
          await Promise.resolve();
          inside.splice(inside.indexOf(bytes), 1);
          budget.give(bytes);
        });
        await Promise.all(all);
        expect(entered).toEqual(asks.map((_, at) => at));
        expect(budget.used).toBe(0);
        expect(budget.usedMost).toBeLessThanOrEqual(100);
      },
    ),
  );
});

test("what is larger than the whole budget goes alone", async () => {
  const budget = new ByteBudget(10);
  expect(budget.take(50)).toBeUndefined();
  let isIn = false;
  const second = budget.take(1)?.then(() => {
    isIn = true;
  });
  await Promise.resolve();
  expect(isIn).toBe(false);
  budget.give(50);
  await second;
  expect(budget.used).toBe(1);
});
