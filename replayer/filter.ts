/**
 * Which frames are sent: `--filter`, `--from`, `--until`. A frame passes if it meets every term.
 *
 *     group=239.1.1.1  port=10001  line=A  stream=3  size>=100  size<1500
 */
import type { EventTime, Feed, Framing } from "../feed/feed.ts";
import { PacketBatch } from "../feed/packet-batch.ts";
import type { Channels } from "../frames/channels.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";

/** A moment: seconds since 1970 UTC, and nanoseconds. */
export interface Instant {
  readonly sec: number;
  readonly nsec: number;
}

export interface Term {
  readonly name: "group" | "port" | "line" | "stream" | "size";
  readonly compare: "=" | "!=" | "<" | "<=" | ">" | ">=";
  readonly value: string;
}

const TERM = /^(group|port|line|stream|size)(<=|>=|!=|=|<|>)(\S+)$/;

/** The terms, separated by commas or spaces; `undefined` if one of them is none. */
export function parseFilter(text: string): Term[] | undefined {
  const terms: Term[] = [];
  for (const word of text.split(/[\s,]+/).filter((part) => part !== "")) {
    const [, name, compare, value] = TERM.exec(word) ?? [];
    if (name === undefined) return undefined;
    const numeric = name !== "group" && name !== "line";
    if (numeric && !/^\d+$/.test(value)) return undefined;
    if (!numeric && compare !== "=" && compare !== "!=") return undefined;
    if (name === "line" && !/^[A-Ha-h1-8]$/.test(value)) return undefined;
    terms.push({ name, compare, value } as Term);
  }
  return terms;
}

export interface SelectionOptions {
  readonly terms: readonly Term[];
  readonly from: Instant | undefined;
  /** Frames at this moment and later are left out. */
  readonly until: Instant | undefined;
  /** Whose clock `from` and `until` mean: the capture's, or that of this feed's exchange. */
  readonly clock: "recv" | "exchange";
  /** Needed for the exchange's clock, and for streams that only the bytes name. */
  readonly feed: Feed | undefined;
  /**
   * For feeds that give time since midnight: the trading day's midnight as seconds since 1970 UTC
   * (NaN: unknown), given the capture time of the first frame.
   */
  readonly midnightOf: (captureSec: number) => number;
}

const TWO_32 = 0x1_0000_0000;

export class Selection {
  private readonly options: SelectionOptions;
  private readonly channels: Channels;
  private readonly framing: Framing | undefined;
  private readonly packets = new PacketBatch(8, 64);
  private readonly time: EventTime = { sec: 0, nsec: 0 };
  /**
   * How much the exchange's clock was ahead of the capture's at the last frame that had both, in
   * seconds: what a heartbeat, which has no time of its own, is judged by.
   */
  private aheadSec = 0;
  private midnightSec: number | undefined;
  /** The first moment that passes. */
  private from: Instant | undefined;

  constructor(channels: Channels, options: SelectionOptions) {
    this.channels = channels;
    this.options = options;
    this.framing = options.feed?.framing();
    this.from = options.from;
  }

  /** A pass over the input begins: at another moment than `from`, where one is given. */
  begin(place: Instant | undefined): void {
    this.from = place ?? this.options.from;
    this.aheadSec = 0;
  }

  /** Another of the same kind, which has seen no frame yet. */
  again(): Selection {
    return new Selection(this.channels, this.options);
  }

  /** The moments that this pass needs frames of. */
  get span(): { readonly from: Instant | undefined; readonly until: Instant | undefined } {
    return { from: this.from, until: this.options.until };
  }

  get clock(): "recv" | "exchange" {
    return this.options.clock;
  }

  /** The moment that a frame is judged by. */
  timeOf(batch: FrameBatch, at: number, time: EventTime): void {
    if (this.options.clock === "exchange") this.readPackets(batch, at);
    this.readTime(batch, at);
    time.sec = this.time.sec;
    time.nsec = this.time.nsec;
  }

  /** Lays `out` over the batch's bytes and puts the frames in it that pass. */
  select(batch: FrameBatch, out: FrameBatch): void {
    out.reset(batch.bytes);
    for (let at = 0; at < batch.count; at++) {
      if (!this.passes(batch, at)) continue;
      out.add(batch.offset[at], batch.length[at], batch.sec[at], batch.nsec[at], batch.channel[at]);
    }
  }

  private passes(batch: FrameBatch, at: number): boolean {
    const { from } = this;
    const { terms, until } = this.options;
    const spanned = from !== undefined || until !== undefined;
    const needsPackets =
      (spanned && this.options.clock === "exchange") || terms.some(({ name }) => name === "stream");
    if (needsPackets) this.readPackets(batch, at);
    if (spanned && !this.isInSpan(batch, at)) return false;
    return terms.every((term) => this.meets(term, batch, at));
  }

  private readPackets(batch: FrameBatch, at: number): void {
    const { packets } = this;
    packets.clear();
    const channel = this.channels.list[batch.channel[at]];
    this.framing?.read(batch.view, batch.offset[at], batch.length[at], at, channel, packets);
  }

  private isInSpan(batch: FrameBatch, at: number): boolean {
    this.readTime(batch, at);
    const { time, from } = this;
    const { until } = this.options;
    if (from !== undefined && isBefore(time, from)) return false;
    return until === undefined || isBefore(time, until);
  }

  private readTime(batch: FrameBatch, at: number): void {
    const { time } = this;
    time.sec = batch.sec[at];
    time.nsec = batch.nsec[at];
    if (this.options.clock !== "exchange") return;
    if (this.readEventTime(batch)) this.aheadSec = time.sec - batch.sec[at];
    else time.sec += this.aheadSec;
  }

  /** False where the frame has no time of the exchange. */
  private readEventTime(batch: FrameBatch): boolean {
    const { packets, framing, time } = this;
    const { feed, midnightOf } = this.options;
    this.midnightSec ??= midnightOf(time.sec);
    if (packets.messageCount === 0 || framing === undefined || feed === undefined) return false;
    const ns = framing.messageTime(batch.view, packets.messageOffset[0], packets.messageLength[0]);
    if (Number.isNaN(ns)) return false;
    const { sec, nsec } = time;
    feed.eventTime(Math.floor(ns / TWO_32), (ns % TWO_32) | 0, this.midnightSec, time);
    if (!Number.isNaN(time.sec)) return true;
    time.sec = sec;
    time.nsec = nsec;
    return false;
  }

  private meets({ name, compare, value }: Term, batch: FrameBatch, at: number): boolean {
    const channel = this.channels.list[batch.channel[at]];
    switch (name) {
      case "group":
        return (channel.group === value) === (compare === "=");
      case "line":
        return (channel.line === lineIndex(value)) === (compare === "=");
      case "port":
        return compares(channel.port, compare, Number(value));
      case "size":
        return compares(batch.length[at], compare, Number(value));
      case "stream": {
        const { packets } = this;
        const stream = packets.count > 0 ? packets.stream[0] : channel.stream;
        return compares(stream, compare, Number(value));
      }
    }
  }
}

function lineIndex(text: string): number {
  return /\d/.test(text) ? Number(text) - 1 : text.toUpperCase().charCodeAt(0) - 65;
}

function compares(left: number, compare: Term["compare"], right: number): boolean {
  switch (compare) {
    case "=":
      return left === right;
    case "!=":
      return left !== right;
    case "<":
      return left < right;
    case "<=":
      return left <= right;
    case ">":
      return left > right;
    case ">=":
      return left >= right;
  }
}

function isBefore(a: Instant, b: Instant): boolean {
  return a.sec < b.sec || (a.sec === b.sec && a.nsec < b.nsec);
}
