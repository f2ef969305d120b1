/** A trading day against the numbers of the manifests: 1 M messages a second, bursts of six times that. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Autoscaler } from "../scripts/deploy/autoscaler.ts";
import { DAY_SECONDS, messagesPerSecond } from "../scripts/deploy/market-day.ts";
import type { WorkloadNumbers } from "../scripts/deploy/plan-numbers.ts";
import { plans, SHAPE } from "../scripts/deploy/plans.ts";
import { plotOf } from "../scripts/deploy/plot.ts";

const { book, ingest } = plans();

describe("the day", () => {
  test("has the average and the bursts that it says", () => {
    const rate = messagesPerSecond(SHAPE);
    const session = rate.subarray(SHAPE.open, SHAPE.close);
    expect(session.reduce((sum, each) => sum + each, 0) / session.length).toBeCloseTo(1e6, 0);
    expect(Math.max(...rate)).toBe(6e6);
    expect(Math.min(...session)).toBeGreaterThan(0);
  });
});

describe("books", () => {
  test("are never behind for longer than a burst", () => {
    expect(book.day.behindSecondsMax).toBeLessThanOrEqual(60);
    expect(book.day.lagAtEnd).toBe(0);
  });

  test("are all ready a quarter of an hour before the pre-open, and never change in session", () => {
    const { ready } = book.day;
    const { replicas } = book.numbers.calendar;
    for (let at = SHAPE.preOpen - 900; at < SHAPE.close; at++) expect(ready[at]).toBe(replicas);
  });

  test("are gone outside the hours", () => {
    expect(book.day.ready[8 * 3600]).toBe(0);
    expect(book.day.ready[17 * 3600]).toBe(0);
  });
});

describe("ingest", () => {
  test("is behind for ten minutes at most, and has everything before it goes", () => {
    expect(ingest.day.lagMax).toBeGreaterThan(0);
    expect(ingest.day.behindSecondsMax).toBeLessThanOrEqual(600);
    const last = ingest.day.ready.findLastIndex((each) => each > 0);
    expect(ingest.day.lag[last]).toBe(0);
    expect(ingest.day.lagAtEnd).toBe(0);
    expect(last).toBeLessThan(17 * 3600);
  });

  test("keeps within what the manifests allow", () => {
    expect(Math.max(...ingest.day.wanted)).toBeLessThanOrEqual(ingest.numbers.replicasMax);
    expect(Math.max(...ingest.day.ready)).toBeGreaterThan(ingest.numbers.calendar.replicas);
  });

  test("a day that is far too large is seen to be", () => {
    const { ingest: tooMuch } = plans(4);
    expect(tooMuch.day.behindSecondsMax).toBeGreaterThan(3600);
  });

  test("lag outlives the calendar: nobody goes while something waits", () => {
    const { ready, lag } = plans(8).ingest.day;
    const end = ingest.numbers.calendar.until;
    const late = end + 2 * 3600;
    expect(lag[end]).toBeGreaterThan(0);
    for (let at = end; at < late && lag[at] > 0; at++) expect(ready[at]).toBeGreaterThan(0);
  });
});

describe("the autoscaler", () => {
  const rules = { stabilizationWindowSeconds: 60, policies: [] };
  const numbers: WorkloadNumbers = {
    name: "one",
    pollingSeconds: 30,
    cooldownSeconds: 120,
    replicasMax: 10,
    calendar: { from: 1000, until: 2000, replicas: 2 },
    lag: { recordsPerReplica: 100, activationRecords: 0 },
    up: { ...rules, policies: [{ type: "Pods", value: 3, periodSeconds: 15 }] },
    down: { ...rules, policies: [{ type: "Percent", value: 50, periodSeconds: 15 }] },
    messagesPerSecond: 1,
    messagesPerRecord: 1,
    startSeconds: 0,
  };

  function replicasAt(until: number, lag: (at: number) => number): number[] {
    const scaler = new Autoscaler(numbers);
    return Array.from({ length: until }, (_, at) => {
      scaler.step(at, lag(at));
      return scaler.replicas;
    });
  }

  test("looks at the calendar only so often", () => {
    const seen = replicasAt(1100, () => 0);
    expect(seen.findIndex((each) => each > 0)).toBe(1020);
    expect(seen[1060]).toBe(2);
  });

  test("climbs no faster than its rule, and no higher than its most", () => {
    const seen = replicasAt(1900, (at) => (at > 1200 ? 1e6 : 0));
    expect([seen[1215], seen[1230], seen[1245]]).toEqual([5, 8, 10]);
    expect(Math.max(...seen)).toBe(10);
  });

  test("comes down after the window, by half at a time, and to none after the cool-down", () => {
    const seen = replicasAt(3000, (at) => (at > 1200 && at < 1400 ? 1000 : 0));
    expect(seen[1395]).toBe(10);
    expect(seen[1450]).toBe(10);
    expect(seen[1470]).toBe(5);
    expect(seen[1900]).toBe(2);
    expect(seen[2075]).toBe(1);
    expect(seen[2160]).toBe(0);
  });

  test("lag alone wakes it outside the hours", () => {
    expect(replicasAt(200, (at) => (at > 100 ? 50 : 0))[125]).toBe(1);
  });
});

test("the plot in the repository is of these numbers", () => {
  const file = join(import.meta.dir, "../deploy/day-plan.svg");
  expect(readFileSync(file, "utf8")).toBe(plotOf({ book, ingest }));
  expect(book.arriving).toHaveLength(DAY_SECONDS);
});
