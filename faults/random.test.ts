import { expect, test } from "bun:test";
import { Random } from "./random.ts";

test("one seed gives one sequence, and another seed another", () => {
  const first = new Random(7);
  const again = new Random(7);
  const other = new Random(8);
  const draw = (random: Random) => Array.from({ length: 50 }, () => random.next());
  const words = draw(first);
  expect(draw(again)).toEqual(words);
  expect(draw(other)).not.toEqual(words);
});

test("the sequence of seed 1 is the same on every machine", () => {
  const random = new Random(1);
  expect([random.next(), random.next(), random.next()]).toEqual([441792574, 614447336, 1644328534]);
});

test("the high half of a seed counts too", () => {
  expect(new Random(5).next()).not.toBe(new Random(5 + 2 ** 32).next());
});

test("a fork has its own sequence and does not disturb its parent", () => {
  const parent = new Random(3);
  const child = parent.fork(1);
  const sibling = parent.fork(2);
  expect(child.next()).not.toBe(sibling.next());
  expect(parent.next()).toBe(new Random(3).next());
});

test("an exponential draw has its mean, and a fair coin is fair", () => {
  const random = new Random(11);
  let sum = 0;
  let heads = 0;
  for (let at = 0; at < 100_000; at++) {
    sum += random.exponential(500);
    if (random.chance(0.5)) heads++;
  }
  expect(sum / 100_000).toBeWithin(490, 510);
  expect(heads).toBeWithin(49_000, 51_000);
});

test("a draw below a limit reaches each value and never the limit", () => {
  const random = new Random(2);
  const seen = new Set<number>();
  for (let at = 0; at < 1_000; at++) seen.add(random.below(6));
  expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 5]);
});

test("a seed that is no integer is refused", () => {
  expect(() => new Random(0.5)).toThrow("a seed is an integer");
});
