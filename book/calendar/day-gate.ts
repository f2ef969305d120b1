/**
 * Keeps frames of another day from the books of a feed. Whose day it is the messages say themselves
 * where they carry a date (NSE, IEX), else the capture does; so a recorded day that somebody replays
 * on a live group is another day, whenever it is captured.
 *
 *   frame ─► in the day in force: taken   a later session's: the day changes, then taken
 *        └─► an earlier day's, a mock session's, in no session, ahead of its capture: refused, counted
 *
 * A day never goes back. Costs a second look at each datagram, some tens of nanoseconds. Only the
 * first message of a datagram is looked at: an exchange does not put two days into one.
 */
import type { ChannelContext, EventTime, Feed, Framing } from "../../feed/feed.ts";
import { PacketBatch } from "../../feed/packet-batch.ts";
import type { Channels } from "../../frames/channels.ts";
import { FrameBatch } from "../../frames/frame-batch.ts";
import { DAY_SEC, type Sessions, type Span } from "./sessions.ts";

export const REFUSALS = ["other_day", "no_session", "mock_session", "ahead_of_capture"] as const;
export type Refusal = (typeof REFUSALS)[number];

export interface DaySink {
  /** Frames of the day in force, in their order. Valid during the call. */
  take(frames: FrameBatch): void;
  /** @param day the day before; NaN: the first that is seen */
  dayBegan(before: number): void;
}

/** Frames that are copied at once where some of a batch are refused. */
const COPIED = 1024;
const NO_CHANNEL: ChannelContext = { stream: 0 };
const NOWHERE: Span = { fromSec: 1, untilSec: 0, day: Number.NaN, kind: "none" };

export class DayGate {
  /** The trading day in force, days since 1970; NaN: none has been seen. */
  day = Number.NaN;
  /** Frames refused, by why. */
  readonly refused: Record<Refusal, number> = {
    other_day: 0,
    no_session: 0,
    mock_session: 0,
    ahead_of_capture: 0,
  };
  private readonly sessions: Sessions;
  private readonly channels: Channels;
  private readonly framing: Framing;
  private readonly packets = new PacketBatch(8, 64);
  private readonly part = new FrameBatch(COPIED);
  /** From the feed's own times to seconds since 1970; NaN: they carry no date. */
  private readonly epochSec: number;
  private readonly pinned: number;
  private span = NOWHERE;

  /** @param pinned the only day that is taken, days since 1970; NaN: whichever comes */
  constructor(feed: Feed, channels: Channels, sessions: Sessions, pinned = Number.NaN) {
    this.sessions = sessions;
    this.channels = channels;
    this.framing = feed.framing();
    const zero: EventTime = { sec: Number.NaN, nsec: 0 };
    feed.eventTime(0, 0, Number.NaN, zero);
    this.epochSec = zero.sec;
    this.pinned = pinned;
  }

  /** @param mayBegin a new day may begin with these; false: what is not of the day in force is refused */
  push(frames: FrameBatch, mayBegin: boolean, sink: DaySink): void {
    let from = 0;
    for (let at = 0; at < frames.count; at++) {
      const why = this.judge(frames, at, mayBegin);
      if (why === undefined) continue;
      this.pass(frames, from, at, sink);
      if (why === "new_day") {
        const before = this.day;
        this.day = this.span.day;
        sink.dayBegan(before);
        from = at;
      } else {
        this.refused[why]++;
        from = at + 1;
      }
    }
    this.pass(frames, from, frames.count, sink);
  }

  private judge(
    frames: FrameBatch,
    at: number,
    mayBegin: boolean,
  ): Refusal | "new_day" | undefined {
    const sec = this.timeOf(frames, at);
    if (sec > frames.sec[at] + DAY_SEC) return "ahead_of_capture";
    if (!(sec >= this.span.fromSec && sec < this.span.untilSec)) this.span = this.sessions.at(sec);
    const { day, kind } = this.span;
    if (kind === "mock" && !this.sessions.takesMock) return "mock_session";
    if (day === this.day) return undefined;
    if (kind === "none") return "no_session";
    if (!mayBegin || day < this.day) return "other_day";
    return Number.isNaN(this.pinned) || day === this.pinned ? "new_day" : "other_day";
  }

  /** Seconds since 1970 UTC. */
  private timeOf({ view, offset, length, channel, sec }: FrameBatch, at: number): number {
    if (Number.isNaN(this.epochSec)) return sec[at];
    const { packets, framing } = this;
    const context = this.channels.list[channel[at]] ?? NO_CHANNEL;
    packets.clear();
    framing.read(view, offset[at], length[at], 0, context, packets);
    if (packets.messageCount === 0) return sec[at];
    const ns = framing.messageTime(view, packets.messageOffset[0], packets.messageLength[0]);
    return Number.isNaN(ns) ? sec[at] : Math.floor(ns / 1e9) + this.epochSec;
  }

  private pass(frames: FrameBatch, from: number, to: number, sink: DaySink): void {
    if (from === 0 && to === frames.count) {
      sink.take(frames);
      return;
    }
    const { part } = this;
    for (let at = from; at < to; ) {
      part.reset(frames.bytes);
      for (; at < to && part.count < part.capacity; at++) {
        const { offset, length, sec, nsec, channel } = frames;
        part.add(offset[at], length[at], sec[at], nsec[at], channel[at]);
      }
      sink.take(part);
    }
  }
}
