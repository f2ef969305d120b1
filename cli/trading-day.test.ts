import { expect, test } from "bun:test";
import { dayInNewYork, dayOfFileName, midnightInNewYork, parseDay } from "./trading-day.ts";

const utc = (text: string) => Date.parse(text) / 1000;

test("midnight in New York is 4 or 5 hours after UTC's, and right on the days clocks change", () => {
  const cases: [day: string, midnight: string][] = [
    ["2012-06-21", "2012-06-21T04:00:00Z"],
    ["2020-01-30", "2020-01-30T05:00:00Z"],
    ["2023-03-12", "2023-03-12T05:00:00Z"],
    ["2023-03-13", "2023-03-13T04:00:00Z"],
    ["2023-11-05", "2023-11-05T04:00:00Z"],
    ["2023-11-06", "2023-11-06T05:00:00Z"],
  ];
  for (const [day, midnight] of cases) expect(midnightInNewYork(parseDay(day))).toBe(utc(midnight));
});

test("the evening in New York is still the day that UTC has left", () => {
  expect(dayInNewYork(utc("2023-10-03T03:59:59Z"))).toEqual({ year: 2023, month: 10, day: 2 });
  expect(dayInNewYork(utc("2023-10-03T04:00:00Z"))).toEqual({ year: 2023, month: 10, day: 3 });
});

test("NASDAQ's file names tell the day, other numbers do not", () => {
  expect(dayOfFileName("/x/01302020.NASDAQ_ITCH50.gz")).toEqual({ year: 2020, month: 1, day: 30 });
  expect(dayOfFileName("/01302020/a.itch")).toBeUndefined();
  expect(dayOfFileName("13302020.NASDAQ_ITCH50")).toBeUndefined();
  expect(dayOfFileName("101302020.itch")).toBeUndefined();
});

test("a date that does not exist is refused", () => {
  expect(() => parseDay("2023-02-30")).toThrow("not a day");
});
