import { describe, expect, test } from "bun:test";
import { FEED_IDS } from "../../feed/registry.ts";
import { type Calendar, calendarOf } from "./declaration.ts";
import { dayNumber, dayText, type Span } from "./sessions.ts";

const TOML = `
[nse-fo]
time_zone = "Asia/Kolkata"
open = "09:00"
close = "15:45"
holidays = ["2026-11-24"]
[[nse-fo.special]]
date = "2026-11-08"
open = "18:00"
close = "19:15"
[[nse-fo.mock]]
date = "2026-11-14"
[nasdaq-itch50]
time_zone = "America/New_York"
open = "20:00"
close = "04:00"
`;

const read = (toml: string) =>
  calendarOf(Bun.TOML.parse(toml) as Record<string, unknown>, FEED_IDS);
const sec = (text: string) => Date.parse(text) / 1000;

function at(calendar: Calendar, feed: string, moment: string): string {
  const span = calendar.get(feed)?.at(sec(moment)) as Span;
  return Number.isNaN(span.day) ? span.kind : `${dayText(span.day)} ${span.kind}`;
}

describe("a calendar", () => {
  const calendar = read(TOML);

  test("names the trading day of a moment by the exchange's own clock", () => {
    const nse = (moment: string) => at(calendar, "nse-fo", moment);
    // 09:00 in India is half past three in the morning UTC.
    expect(nse("2026-11-23T03:29:59Z")).toBe("none");
    expect(nse("2026-11-23T03:30:00Z")).toBe("2026-11-23 regular");
    expect(nse("2026-11-23T10:14:59Z")).toBe("2026-11-23 regular");
    expect(nse("2026-11-23T10:15:00Z")).toBe("none");
  });

  test("knows holidays, week ends, special and mock sessions", () => {
    const nse = (moment: string) => at(calendar, "nse-fo", moment);
    expect(nse("2026-11-24T06:00:00Z")).toBe("none");
    expect(nse("2026-11-22T06:00:00Z")).toBe("none");
    expect(nse("2026-11-08T13:00:00Z")).toBe("2026-11-08 special");
    expect(nse("2026-11-08T06:00:00Z")).toBe("none");
    expect(nse("2026-11-14T02:00:00Z")).toBe("2026-11-14 mock");
  });

  test("a session past midnight is the day's on which it opened, in summer and in winter", () => {
    const night = (moment: string) => at(calendar, "nasdaq-itch50", moment);
    expect(night("2026-11-24T08:59:00Z")).toBe("2026-11-23 regular");
    expect(night("2026-11-24T09:00:00Z")).toBe("none");
    expect(night("2026-06-03T00:00:00Z")).toBe("2026-06-02 regular");
    expect(night("2026-06-02T23:59:00Z")).toBe("none");
  });

  test("every day has its number and its text, leap years too", () => {
    for (let day = -200_000; day < 200_000; day += 17) {
      const [year, month, date] = new Date(day * 86_400_000).toISOString().split("T")[0].split("-");
      if (day > -190_000) expect(dayNumber(Number(year), Number(month), Number(date))).toBe(day);
    }
    expect(dayText(dayNumber(2028, 2, 29))).toBe("2028-02-29");
  });

  test("what is wrong in it is named, with what it must be", () => {
    const why = (toml: string) => {
      try {
        read(toml);
      } catch (error) {
        return (error as Error).message;
      }
      return "nothing";
    };
    const zone = '[nse-fo]\ntime_zone = "Asia/Kolkata"\n';
    expect(why('[nse-xx]\ntime_zone = "UTC"')).toStartWith("no feed is called 'nse-xx': write one");
    expect(why("[nse-fo]")).toBe("nse-fo.time_zone is undefined, not a time zone as Asia/Kolkata");
    expect(why('[nse-fo]\ntime_zone = "Nowhere"')).toContain("not a time zone as Asia/Kolkata");
    expect(why(`${zone}open = "9"`)).toBe('nse-fo.open is "9", not a time as 09:15');
    expect(why(`${zone}holidays = ["2026-02-30"]`)).toContain("not a day as 2026-12-25");
    expect(why(`${zone}days = ["monday"]`)).toContain("not one of sun, mon");
    expect(why(`${zone}opens = "09:00"`)).toContain("nse-fo has no field 'opens'");
    expect(why(`${zone}[[nse-fo.mock]]\nday = "2026-11-14"`)).toContain("no field 'day'");
  });
});
