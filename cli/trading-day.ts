/**
 * Edge: the calendar of an exchange whose feed gives time since midnight. Asks `Intl` for the time
 * zone once a run, since midnight in New York is 4 or 5 hours after UTC's.
 */
import { CliError } from "./errors.ts";

const NEW_YORK = "America/New_York";
const DAY_SEC = 86_400;

export interface Day {
  readonly year: number;
  readonly month: number;
  readonly day: number;
}

/** Of `--date`: 2012-06-21 or 20120621. */
export function parseDay(text: string): Day {
  const parts = /^(\d{4})-?(\d{2})-?(\d{2})$/.exec(text);
  const day = parts && realDay(Number(parts[1]), Number(parts[2]), Number(parts[3]));
  if (day) return day;
  throw new CliError("bad_flag", `'--date' is '${text}', not a day.`, "Write it as 2012-06-21.");
}

/** NASDAQ names its files by the day: `01302020.NASDAQ_ITCH50`, `S062112-v50.txt` is not that. */
export function dayOfFileName(path: string): Day | undefined {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const parts = /(?<!\d)(\d{2})(\d{2})((?:19|20)\d{2})(?!\d)/.exec(name);
  return parts ? realDay(Number(parts[3]), Number(parts[1]), Number(parts[2])) : undefined;
}

/** The day in New York at a moment, given as seconds since 1970 UTC. */
export function dayInNewYork(sec: number): Day {
  const shifted = new Date((sec + offsetInNewYork(sec)) * 1000);
  return {
    year: shifted.getUTCFullYear(),
    month: shifted.getUTCMonth() + 1,
    day: shifted.getUTCDate(),
  };
}

/** As ISO 8601 has it: `2023-10-02`. */
export function dayText({ year, month, day }: Day): string {
  const two = (part: number) => String(part).padStart(2, "0");
  return `${year}-${two(month)}-${two(day)}`;
}

/** Midnight in New York at the beginning of the day, as seconds since 1970 UTC. */
export function midnightInNewYork({ year, month, day }: Day): number {
  const utc = Date.UTC(year, month - 1, day) / 1000;
  // Clocks change at 2 in the morning: the offset some hours before midnight's end is midnight's.
  return utc - offsetInNewYork(utc + 5 * 3600);
}

/** Seconds that New York's clock is ahead of UTC (negative) at a moment. */
function offsetInNewYork(sec: number): number {
  const parts = new Intl.DateTimeFormat("en-US", {
    timeZone: NEW_YORK,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  }).formatToParts(new Date(sec * 1000));
  const of = (type: string) => Number(parts.find((part) => part.type === type)?.value);
  const local = Date.UTC(
    of("year"),
    of("month") - 1,
    of("day"),
    of("hour"),
    of("minute"),
    of("second"),
  );
  return local / 1000 - Math.floor(sec);
}

function realDay(year: number, month: number, day: number): Day | undefined {
  const made = new Date(Date.UTC(year, month - 1, day));
  const same = made.getUTCMonth() === month - 1 && made.getUTCDate() === day;
  return same && made.getTime() / 1000 >= -DAY_SEC * 365 ? { year, month, day } : undefined;
}
