/**
 * Exchange times for certificates: exact, read from the one field of a message that the feed's
 * table calls its time, and the date at the exchange. Asked for once a run of messages, not once a
 * message.
 */
import { layoutsByType } from "../feed/codec-fields.ts";
import type { EventTime, Feed } from "../feed/feed.ts";
import type { FieldLayout } from "../feed/layout.ts";

export class EventClock {
  /** Some message of the feed has a time. */
  readonly hasTimes: boolean;
  private readonly feed: Feed;
  /** By the type's byte. */
  private readonly timeFields: readonly (FieldLayout | undefined)[];

  constructor(feed: Feed) {
    this.feed = feed;
    this.timeFields = layoutsByType(feed.table).map((layout) =>
      layout?.fields.find((field) => field.meaning === "time" && TIME_WIDTH[field.type] > 0),
    );
    this.hasTimes = this.timeFields.some((field) => field !== undefined);
  }

  /**
   * Reads the message's exchange time into `out`.
   * @param midnightSec as `Feed.eventTime` takes it
   * @returns false where the message has none, or nobody knows its day
   */
  read(
    view: DataView,
    offset: number,
    length: number,
    midnightSec: number,
    out: EventTime,
  ): boolean {
    const { typeOffset, littleEndian: little } = this.feed.table;
    if (typeOffset >= length) return false;
    const field = this.timeFields[view.getUint8(offset + typeOffset)];
    if (field === undefined || field.offset + TIME_WIDTH[field.type] > length) return false;
    const at = offset + field.offset;
    const narrow = field.type === "u48";
    const highAt = little ? at + 4 : at;
    const hi = narrow ? view.getUint16(highAt, little) : view.getInt32(highAt, little);
    const lo = view.getInt32(little ? at : at + (narrow ? 2 : 4), little);
    this.feed.eventTime(hi, lo, midnightSec, out);
    return !Number.isNaN(out.sec);
  }
}

/** Bytes of the field types that hold a time. */
const TIME_WIDTH: Readonly<Record<string, number>> = { u48: 6, u64: 8, i64: 8 };

/** Where the exchange of a feed has its clocks; a feed of nobody in particular goes by UTC. */
function timeZoneOf(feed: string): string {
  if (feed.startsWith("nse-")) return "Asia/Kolkata";
  if (feed.startsWith("nasdaq-") || feed.startsWith("iex-")) return "America/New_York";
  return "UTC";
}

const calendars = new Map<string, Intl.DateTimeFormat>();

/** The date at the exchange of a moment (seconds since 1970 UTC), as `2012-06-21`. */
export function exchangeDay(feed: string, sec: number): string {
  const timeZone = timeZoneOf(feed);
  let calendar = calendars.get(timeZone);
  if (calendar === undefined) {
    const digits = { year: "numeric", month: "2-digit", day: "2-digit" } as const;
    calendar = new Intl.DateTimeFormat("en-US", { timeZone, ...digits });
    calendars.set(timeZone, calendar);
  }
  const parts = calendar.formatToParts(sec * 1000);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("year")}-${of("month")}-${of("day")}`;
}
