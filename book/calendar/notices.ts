/**
 * What a person is told of days: that one began, and that frames were refused, once for each feed,
 * day and reason; how many there are is in the metrics.
 */
import type { DayGate, Refusal } from "./day-gate.ts";
import { REFUSALS } from "./day-gate.ts";
import { dayText } from "./sessions.ts";

const WHY: Readonly<Record<Refusal, string>> = {
  other_day: "they are of another day",
  no_session: "the calendar has no session then",
  mock_session: "they are of a mock session, and take_mock is not true",
  ahead_of_capture: "they are dated more than a day after their capture",
};
/** Nobody reads more. */
const WAITING_LIMIT = 100;

export class DayNotices {
  private readonly waiting: string[] = [];
  private readonly told = new Set<string>();
  private readonly counts = new Map<string, number>();

  /** @param before days since 1970; NaN: there was none */
  began(feed: string, day: number, before: number): void {
    this.told.clear();
    const instead = Number.isNaN(before) ? "" : `, after ${dayText(before)}`;
    this.say(`${feed}: the trading day is ${dayText(day)}${instead}`);
  }

  look(feed: string, { day, refused }: DayGate): void {
    for (const why of REFUSALS) {
      const key = `${feed} ${why}`;
      const isMore = refused[why] !== (this.counts.get(key) ?? 0);
      this.counts.set(key, refused[why]);
      if (!isMore || this.told.has(key)) continue;
      this.told.add(key);
      const than = Number.isNaN(day) ? "" : ` (the day is ${dayText(day)})`;
      this.say(`${feed}: frames are refused, because ${WHY[why]}${than}`);
    }
  }

  /** What was not taken before. */
  take(): string[] {
    return this.waiting.splice(0);
  }

  private say(text: string): void {
    if (this.waiting.length < WAITING_LIMIT) this.waiting.push(text);
  }
}
