import { expect, test } from "bun:test";
import { formerLife, type KeptLives } from "./former.ts";

const kept = (lives: Readonly<Record<number, readonly [number, number]>>): KeptLives => ({
  boots: Object.keys(lives).map(Number),
  oldest: (boot) => lives[boot]?.[0] ?? 0,
  newest: (boot) => lives[boot]?.[1] ?? 0,
});

test("the former life is the last that began before, with what the spool still has of it", () => {
  const spool = kept({ 100: [1, 9], 200: [40, 70], 300: [1, 2] });
  expect(formerLife(spool, 300)).toEqual({ boot: 200, oldest: 40, newest: 70 });
  expect(formerLife(spool, 400)).toEqual({ boot: 300, oldest: 1, newest: 2 });
  expect(formerLife(spool, 100)).toBeUndefined();
  expect(formerLife(kept({}), 100)).toBeUndefined();
});
