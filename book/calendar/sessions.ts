/**
 * When an exchange's segment trades, by its own clocks: which trading day a moment belongs to.
 *
 * A session is named by the day on which it opens; one that closes at or before the hour at which it
 * opens closes on the day after. Special and mock sessions stand before the week's, so that a mock
 * day on a trading day is a mock day.
 *
 * The zone is asked for its offset when a moment is outside the span that was found last, so once a
 * session for a live feed.
 */
export type SessionKind = "regular" | "special" | "mock";

/** Of one date, besides the week's. */
export interface ExtraSession {
  /** Days since 1970. */
  readonly day: number;
  readonly kind: "special" | "mock";
  readonly openSec: number;
  readonly closeSec: number;
}

export interface SegmentSessions {
  /** As `Asia/Kolkata`. */
  readonly timeZone: string;
  /** Seven, Sunday first. */
  readonly tradesOn: readonly boolean[];
  /** Seconds since midnight by the zone's clock. */
  readonly openSec: number;
  readonly closeSec: number;
  /** Days since 1970 without the week's session. */
  readonly holidays: ReadonlySet<number>;
  readonly extra: readonly ExtraSession[];
  /** Mock sessions are taken as any other. */
  readonly takesMock: boolean;
}

/** What a moment belongs to, and the moments for which that is so: seconds since 1970 UTC. */
export interface Span {
  readonly fromSec: number;
  readonly untilSec: number;
  /** The trading day, in days since 1970; NaN: there is no session. */
  readonly day: number;
  readonly kind: SessionKind | "none";
}

export const DAY_SEC = 86_400;
/** 1970 began on a Thursday. */
const FIRST_WEEKDAY = 4;
/** So long a moment without a session is believed to be followed by more of them. */
const NONE_SEC = 60;

export class Sessions {
  readonly takesMock: boolean;
  private readonly given: SegmentSessions;
  private readonly clock: Intl.DateTimeFormat;

  constructor(given: SegmentSessions) {
    this.given = given;
    this.takesMock = given.takesMock;
    const digits = { year: "numeric", month: "numeric", day: "numeric" } as const;
    const times = { hour: "numeric", minute: "numeric", second: "numeric" } as const;
    const { timeZone } = given;
    this.clock = new Intl.DateTimeFormat("en-US", {
      timeZone,
      hourCycle: "h23",
      ...digits,
      ...times,
    });
  }

  /** @param sec seconds since 1970 UTC */
  at(sec: number): Span {
    const today = Math.floor(this.localSec(sec) / DAY_SEC);
    // A session of yesterday may go on after midnight.
    for (const day of [today, today - 1]) {
      for (const span of this.sessionsOf(day)) {
        if (sec >= span.fromSec && sec < span.untilSec) return span;
      }
    }
    const fromSec = sec - (sec % NONE_SEC);
    return { fromSec, untilSec: sec + 1, day: Number.NaN, kind: "none" };
  }

  private *sessionsOf(day: number): Generator<Span> {
    const { extra, tradesOn, holidays, openSec, closeSec } = this.given;
    for (const session of extra) {
      if (session.day === day) {
        yield this.span(day, session.kind, session.openSec, session.closeSec);
      }
    }
    const weekday = (((day + FIRST_WEEKDAY) % 7) + 7) % 7;
    if (tradesOn[weekday] && !holidays.has(day)) {
      yield this.span(day, "regular", openSec, closeSec);
    }
  }

  private span(day: number, kind: SessionKind, openSec: number, closeSec: number): Span {
    const closes = closeSec > openSec ? closeSec : closeSec + DAY_SEC;
    const midnight = day * DAY_SEC;
    return {
      fromSec: this.utcSec(midnight + openSec),
      untilSec: this.utcSec(midnight + closes),
      day,
      kind,
    };
  }

  /** The moment at which the zone's clocks show so many seconds since their 1970. */
  private utcSec(localSec: number): number {
    const near = localSec - (this.localSec(localSec) - localSec);
    return localSec - (this.localSec(near) - near);
  }

  private localSec(sec: number): number {
    const parts = this.clock.formatToParts(sec * 1000);
    const of = (type: string) => Number(parts.find((part) => part.type === type)?.value);
    const day = dayNumber(of("year"), of("month"), of("day"));
    return day * DAY_SEC + of("hour") * 3600 + of("minute") * 60 + of("second");
  }
}

/** Days since 1970 of a date of the Gregorian calendar. */
export function dayNumber(year: number, month: number, day: number): number {
  const shifted = month > 2 ? year : year - 1;
  const era = Math.floor(shifted / 400);
  const yearOfEra = shifted - era * 400;
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1;
  const leaps = Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100);
  return era * 146_097 + yearOfEra * 365 + leaps + dayOfYear - 719_468;
}

/** `2026-11-23` of days since 1970. */
export function dayText(day: number): string {
  const parts = UTC_DAY.formatToParts(day * DAY_SEC * 1000);
  const of = (type: string) => parts.find((part) => part.type === type)?.value ?? "";
  return `${of("year")}-${of("month")}-${of("day")}`;
}

const UTC_DAY = new Intl.DateTimeFormat("en-US", {
  timeZone: "UTC",
  year: "numeric",
  month: "2-digit",
  day: "2-digit",
});
