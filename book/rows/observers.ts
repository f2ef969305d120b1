/** Observers that stand before others: several at once, and only a span of time. */
import type { EventTime, Feed } from "../../feed/feed.ts";
import { type OpBatch, OpKind } from "../../feed/op-batch.ts";
import type { BookObserver, Books } from "../books.ts";
import type { RowStream } from "./row-head.ts";

export class Both implements BookObserver {
  private readonly first: BookObserver;
  private readonly second: BookObserver;

  constructor(first: BookObserver, second: BookObserver) {
    this.first = first;
    this.second = second;
  }

  after(ops: OpBatch, at: number, books: Books): void {
    this.first.after(ops, at, books);
    this.second.after(ops, at, books);
  }
}

/** Seconds since 1970 UTC and nanoseconds. */
export interface Moment {
  readonly sec: number;
  readonly nsec: number;
}

export interface TimeSpan {
  /** The first moment that belongs to it. */
  readonly from?: Moment;
  /** The first moment that does not any more. */
  readonly until?: Moment;
  /** The exchange's clock, or the capture's. */
  readonly clock: "event" | "recv";
}

/**
 * Lets ops through whose time lies in a span. The books are built from the start all the same. An
 * op without a time (a new epoch) belongs to the one before it.
 */
export class WithinSpan implements BookObserver {
  private readonly inner: BookObserver;
  private readonly stream: RowStream;
  private readonly feed: Feed;
  private readonly span: TimeSpan;
  private readonly midnightSec: number;
  private readonly time: EventTime = { sec: 0, nsec: 0 };
  private inside: boolean;

  constructor(inner: BookObserver, stream: RowStream, span: TimeSpan, midnightSec: number) {
    this.inner = inner;
    this.stream = stream;
    this.feed = stream.feed;
    this.span = span;
    this.midnightSec = midnightSec;
    this.inside = span.from === undefined;
  }

  after(ops: OpBatch, at: number, books: Books): void {
    const { time, span } = this;
    if (span.clock === "recv") {
      const { messages } = this.stream.source;
      time.sec = messages.recvSec[at];
      time.nsec = messages.recvNsec[at];
      this.inside = isWithin(time, span);
    } else if (hasTime(ops.kind[at])) {
      this.feed.eventTime(ops.timeHi[at], ops.timeLo[at], this.midnightSec, time);
      this.inside = isWithin(time, span);
    }
    if (this.inside) this.inner.after(ops, at, books);
  }
}

function hasTime(kind: number): boolean {
  return kind !== OpKind.None && kind !== OpKind.Clear && kind !== OpKind.SnapshotBegin;
}

export function isWithin(time: Moment, { from, until }: TimeSpan): boolean {
  return (from === undefined || !isBefore(time, from)) && (!until || isBefore(time, until));
}

function isBefore(a: Moment, b: Moment): boolean {
  return a.sec < b.sec || (a.sec === b.sec && a.nsec < b.nsec);
}
