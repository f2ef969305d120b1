/**
 * Edge: what the books of a service depend on, from the flags of `book`: as plain values that a
 * shard's worker is given too, and as the options that are made from them on either side.
 */
import { dayNumber } from "../book/calendar/sessions.ts";
import type { LiveOptions } from "../book/live.ts";
import type { DecoderOptions, Feed } from "../feed/feed.ts";
import { FEEDS } from "../feed/registry.ts";
import { parseAsOf } from "./as-of.ts";
import { parseCalendar } from "./calendar.ts";
import { loadMasters } from "./masters.ts";
import { dayInNewYork, midnightInNewYork, parseDay } from "./trading-day.ts";
import { parseWindow } from "./window.ts";

/** The flags, as they were written. */
export interface BookFlags {
  readonly masters: readonly string[];
  readonly window: string;
  readonly date: string | undefined;
  readonly certify: boolean;
  readonly asOf: string | undefined;
  readonly calendar: string | undefined;
}

export type BookOptions = Pick<
  LiveOptions,
  "decoderFor" | "sequencer" | "midnightSec" | "certify" | "asOf" | "calendar" | "onlyDay"
>;

export async function bookOptions(flags: BookFlags): Promise<BookOptions> {
  return {
    decoderFor: await decoderOptions(flags.masters),
    sequencer: parseWindow(flags.window),
    midnightSec: midnightOf(flags.date),
    certify: flags.certify,
    ...(flags.asOf === undefined ? {} : { asOf: await parseAsOf(flags.asOf) }),
    ...(flags.calendar === undefined ? {} : { calendar: await parseCalendar(flags.calendar) }),
    ...(flags.date === undefined ? {} : { onlyDay: dayNumberOf(flags.date) }),
  };
}

/** Names what a saved state depends on; contract files and calendars are read with every start. */
export function stateKeyOf({ window, date, certify, asOf, calendar }: BookFlags): string {
  return JSON.stringify([window, date ?? "", certify, asOf ?? "", calendar !== undefined]);
}

function dayNumberOf(date: string): number {
  const { year, month, day } = parseDay(date);
  return dayNumber(year, month, day);
}

/** Contract files hold prices in the unit of their feed, so they are read once for each places. */
async function decoderOptions(paths: readonly string[]): Promise<(feed: Feed) => DecoderOptions> {
  const byPlaces = new Map<number, DecoderOptions>();
  for (const feed of paths.length === 0 ? [] : FEEDS.filter(({ id }) => id.startsWith("nse-"))) {
    const places = feed.table.priceDecimals;
    if (byPlaces.has(places)) continue;
    const masters = await loadMasters(paths, feed);
    byPlaces.set(places, masters === undefined ? {} : { masters });
  }
  return ({ id, table }) =>
    (id.startsWith("nse-") ? byPlaces.get(table.priceDecimals) : undefined) ?? {};
}

/** Midnight in New York of the day given, else of the capture's; kept for the hour it was asked of. */
export function midnightOf(date: string | undefined): (captureSec: number) => number {
  if (date !== undefined) {
    const midnight = midnightInNewYork(parseDay(date));
    return () => midnight;
  }
  let hour = Number.NaN;
  let midnight = Number.NaN;
  return (captureSec) => {
    const asked = Math.floor(captureSec / 3600);
    if (asked === hour) return midnight;
    hour = asked;
    midnight = midnightInNewYork(dayInNewYork(captureSec));
    return midnight;
  };
}
