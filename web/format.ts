/** Numbers, sizes and times as the page writes them: of a fixed shape, so that nothing jumps. */
import type { Gap } from "./api.ts";

const whole = new Intl.NumberFormat("en-US");
export const count = (value: number): string => whole.format(value);

export const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;

const two = (value: number): string => String(value).padStart(2, "0");

/** Nanoseconds since 1970 as the reader's clock time, to the millisecond. */
export function clockTime(ns: string | null): string {
  if (ns === null || ns.length < 7) return "";
  const ms = Number(ns.slice(0, -6));
  return `${wallTime(ms)}.${String(new Date(ms).getMilliseconds()).padStart(3, "0")}`;
}

/** Milliseconds since 1970 as the reader's clock time, to the second. */
export function wallTime(ms: number): string {
  const time = new Date(ms);
  return `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`;
}

/** Milliseconds since 1970; NaN where there is none. */
export const msOf = (ns: string | null): number => (ns === null ? Number.NaN : Number(ns) / 1e6);

export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  let size = value;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit++;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit]}`;
}

/** A length of time, from microseconds to days. */
export function span(seconds: number): string {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds === 0) return "no time";
  if (seconds < 1e-3) return `${(seconds * 1e6).toFixed(0)} µs`;
  if (seconds < 1) return `${(seconds * 1e3).toFixed(seconds < 0.01 ? 2 : 0)} ms`;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${two(Math.floor(seconds % 60))} s`;
  if (seconds < 86_400) {
    return `${Math.floor(seconds / 3600)} h ${two(Math.floor((seconds % 3600) / 60))} min`;
  }
  return `${Math.floor(seconds / 86_400)} d ${Math.floor((seconds % 86_400) / 3600)} h`;
}

/** How long a gap was open, or is by now. */
export function openFor({ detected, closed }: Pick<Gap, "detected" | "closed">): string {
  const until = closed === null ? Date.now() : msOf(closed);
  return span((until - msOf(detected)) / 1000);
}

export const inWords = (state: string): string => state.replaceAll("_", " ");
