import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Lateness } from "./lateness.ts";
import { parsePace } from "./pace.ts";
import { Schedule } from "./schedule.ts";

const at = (ns: number): [number, number] => [1000 + Math.floor(ns / 1e9), ns % 1e9];
const gaps = fc.array(fc.nat(3_000_000_000), { minLength: 1, maxLength: 100 });
const factor = fc.double({ min: 0.1, max: 100, noNaN: true });

describe("the schedule", () => {
  test("never drifts: each frame is due at its distance from the first, over the factor", () => {
    fc.assert(
      fc.property(gaps, factor, (list, speed) => {
        const schedule = new Schedule({ kind: "captured", factor: speed });
        let time = 0;
        for (const gap of list) {
          expect(schedule.next(...at(time))).toBeCloseTo(time / speed, -1);
          time += gap;
        }
      }),
    );
  });

  test("a capture time that steps back is due at once, and moves nothing after it", () => {
    const schedule = new Schedule({ kind: "captured", factor: 1 });
    const due = [0, 5000, 2000, 6000].map((ns) => schedule.next(...at(ns)));
    expect(due).toEqual([0, 5000, 5000, 6000]);
  });

  test("no wait between two frames is longer than --maxsleep, and shorter ones stay", () => {
    fc.assert(
      fc.property(gaps, fc.integer({ min: 1, max: 2_000_000_000 }), (list, most) => {
        const schedule = new Schedule({ kind: "captured", factor: 1 }, most);
        let time = 0;
        let before = schedule.next(...at(0));
        for (const gap of list) {
          time += gap;
          const due = schedule.next(...at(time));
          expect(due - before).toBeCloseTo(Math.min(gap, most), -1);
          before = due;
        }
      }),
    );
  });

  test("a rate spaces frames evenly, whatever their capture times", () => {
    const schedule = new Schedule({ kind: "rate", perSecond: 50_000 });
    const due = [9, 0, 7].map((ns) => schedule.next(...at(ns)));
    expect(due).toEqual([0, 20_000, 40_000]);
  });

  test("a second pass goes on where the first ended", () => {
    const schedule = new Schedule({ kind: "captured", factor: 2 });
    const pass = () => [0, 4000].map((ns) => schedule.next(...at(ns)));
    expect(pass()).toEqual([0, 2000]);
    schedule.rewind();
    expect(pass()).toEqual([2000, 4000]);
  });

  test("a replay that joins midway has frames due before its beginning", () => {
    const schedule = new Schedule({ kind: "captured", factor: 1 }, undefined, -3000);
    expect([0, 2000, 4000].map((ns) => schedule.next(...at(ns)))).toEqual([-3000, -1000, 1000]);
  });
});

test("speeds are 10x, 0.5x, 50000pps and max, and nothing else", () => {
  expect(parsePace("10x")).toEqual({ kind: "captured", factor: 10 });
  expect(parsePace("0.5x")).toEqual({ kind: "captured", factor: 0.5 });
  expect(parsePace("50000pps")).toEqual({ kind: "rate", perSecond: 50_000 });
  expect(parsePace("max")).toEqual({ kind: "max" });
  for (const text of ["", "x", "0x", "-1x", "10", "1e3pps", "fast"]) {
    expect(parsePace(text)).toBeUndefined();
  }
});

test("lateness keeps its quantiles within five in a hundred", () => {
  const lateness = new Lateness();
  for (let us = 1; us <= 1000; us++) lateness.add(us * 1000);
  expect(Math.abs(lateness.quantileNs(0.5) - 500e3)).toBeLessThan(25e3);
  expect(Math.abs(lateness.quantileNs(0.99) - 990e3)).toBeLessThan(50e3);
  expect(lateness.maxNs).toBe(1e6);
});
