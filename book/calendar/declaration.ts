/**
 * A calendar as it is written in a config, checked: one table a feed, times by the exchange's clocks.
 *
 *   [nse-fo]
 *   time_zone = "Asia/Kolkata"
 *   days = ["mon", "tue", "wed", "thu", "fri"]
 *   open = "08:45"                        # absent: the whole day
 *   close = "16:15"
 *   holidays = ["2026-12-25"]
 *   take_mock = false                     # true: mock sessions are applied too
 *   [[nse-fo.special]]
 *   date = "2026-11-08"
 *   open = "17:45"
 *   close = "19:30"
 *   [[nse-fo.mock]]
 *   date = "2026-11-14"
 */
import { DAY_SEC, dayNumber, dayText, type ExtraSession, Sessions } from "./sessions.ts";

type Fields = Readonly<Record<string, unknown>>;

/** By feed; a feed that is not in it is not judged. */
export type Calendar = ReadonlyMap<string, Sessions>;

/** What is wrong in a calendar. */
export class CalendarError extends Error {
  readonly code = "bad_calendar";
}

const WEEK = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
const SEGMENT_FIELDS = [
  "time_zone",
  "days",
  "open",
  "close",
  "holidays",
  "take_mock",
  "special",
  "mock",
];
const SESSION_FIELDS = ["date", "open", "close"];
const LIST_LIMIT = 10_000;

/**
 * @param feeds that there are
 * @throws CalendarError names the field and says what it must be
 */
export function calendarOf(fields: Fields, feeds: readonly string[]): Calendar {
  const calendar = new Map<string, Sessions>();
  for (const [feed, value] of Object.entries(fields)) {
    if (!feeds.includes(feed)) {
      throw new CalendarError(`no feed is called '${feed}': write one of ${feeds.join(", ")}`);
    }
    calendar.set(feed, segmentOf(feed, table(feed, value, SEGMENT_FIELDS)));
  }
  return calendar;
}

function segmentOf(feed: string, fields: Fields): Sessions {
  const timeZone = fields.time_zone;
  if (typeof timeZone !== "string") {
    throw wrong(`${feed}.time_zone`, timeZone, "a time zone as Asia/Kolkata");
  }
  const days = list(`${feed}.days`, fields.days ?? WEEK.slice(1, 6)).map((name) => {
    const at = WEEK.indexOf(String(name));
    if (at < 0) throw wrong(`${feed}.days`, name, `one of ${WEEK.join(", ")}`);
    return at;
  });
  const takesMock = fields.take_mock ?? false;
  if (typeof takesMock !== "boolean") {
    throw wrong(`${feed}.take_mock`, takesMock, "true or false");
  }
  const holidays = list(`${feed}.holidays`, fields.holidays ?? []);
  try {
    return new Sessions({
      timeZone,
      tradesOn: WEEK.map((_, at) => days.includes(at)),
      ...hours(feed, fields),
      holidays: new Set(holidays.map((value) => date(`${feed}.holidays`, value))),
      extra: [...extra(feed, "special", fields), ...extra(feed, "mock", fields)],
      takesMock,
    });
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw wrong(`${feed}.time_zone`, timeZone, "a time zone as Asia/Kolkata");
  }
}

function extra(feed: string, kind: "special" | "mock", fields: Fields): ExtraSession[] {
  const name = `${feed}.${kind}`;
  return list(name, fields[kind] ?? []).map((value) => {
    const session = table(name, value, SESSION_FIELDS);
    return { day: date(`${name}.date`, session.date), kind, ...hours(name, session) };
  });
}

function hours(name: string, { open = "00:00", close = "24:00" }: Fields) {
  return { openSec: time(`${name}.open`, open), closeSec: time(`${name}.close`, close) };
}

function time(name: string, value: unknown): number {
  const parts = /^(\d\d):(\d\d)(?::(\d\d))?$/.exec(String(value));
  const [hour, minute, second] = (parts ?? []).slice(1).map((digits) => Number(digits ?? 0));
  const sec = (hour ?? Number.NaN) * 3600 + minute * 60 + second;
  if (!(sec <= DAY_SEC) || minute > 59 || second > 59) throw wrong(name, value, "a time as 09:15");
  return sec;
}

function date(name: string, value: unknown): number {
  const parts = /^(\d{4})-(\d\d)-(\d\d)$/.exec(String(value));
  const [year, month, day] = (parts ?? []).slice(1).map(Number);
  const number = dayNumber(year, month, day);
  if (parts === null || dayText(number) !== value) throw wrong(name, value, "a day as 2026-12-25");
  return number;
}

function list(name: string, value: unknown): readonly unknown[] {
  if (Array.isArray(value) && value.length <= LIST_LIMIT) return value;
  throw wrong(name, value, `a list of at most ${LIST_LIMIT}`);
}

function table(name: string, value: unknown, known: readonly string[]): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(name, value, `a table of ${known.join(", ")}`);
  }
  const unknown = Object.keys(value).find((field) => !known.includes(field));
  if (unknown === undefined) return value as Fields;
  throw new CalendarError(`${name} has no field '${unknown}': write ${known.join(", ")}`);
}

function wrong(name: string, value: unknown, must: string): CalendarError {
  return new CalendarError(`${name} is ${JSON.stringify(value)}, not ${must}`);
}
