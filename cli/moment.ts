/** TIME as flags take it: ISO 8601, or integer nanoseconds since 1970 UTC. */
import type { Moment } from "../book/rows/observers.ts";
import { CliError } from "./errors.ts";

const ISO =
  /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?)?(Z|[+-]\d{2}:?\d{2})?$/;

/** A time without a zone is UTC; nine digits of a second are kept. */
export function parseMoment(flag: string, text: string): Moment {
  if (/^\d{1,19}$/.test(text)) {
    const digits = text.padStart(10, "0");
    return { sec: Number(digits.slice(0, -9)), nsec: Number(digits.slice(-9)) };
  }
  const parts = ISO.exec(text);
  const [, day, minutes = "00:00", seconds = "00", fraction = "", zone = "Z"] = parts ?? [];
  const ms = Date.parse(`${day}T${minutes}:${seconds}${withColon(zone)}`);
  if (!parts || Number.isNaN(ms)) {
    throw new CliError(
      "bad_flag",
      `'--${flag}' is '${text}', not a time.`,
      "Write 2023-10-02T11:34:00Z, with fractions of a second if need be, or nanoseconds since 1970.",
    );
  }
  return { sec: ms / 1000, nsec: Number(fraction.padEnd(9, "0")) };
}

function withColon(zone: string): string {
  return zone.length === 5 ? `${zone.slice(0, 3)}:${zone.slice(3)}` : zone;
}
