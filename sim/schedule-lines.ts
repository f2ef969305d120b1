/**
 * A schedule's faults on the lines: stands between what the exchange sends and the faults by rate.
 *
 * What is told by number strikes once on each line, however the numbers are packed into datagrams:
 * a datagram that holds one of them is struck whole. Datagrams come and go in the order of their
 * time; at most `DELAYED_LIMIT` are delayed at once, beyond which the earliest goes early.
 */
import { DelayQueue } from "../faults/delay-queue.ts";
import { FaultLog } from "../faults/record.ts";
import type { LineSink } from "./exchange/lines.ts";
import type { Schedule, Strike } from "./schedule.ts";

/** First and last number in a datagram; NaN of one that has none. */
export interface NumbersIn {
  read(bytes: Uint8Array, offset: number, length: number): void;
  first: number;
  last: number;
}

interface Armed {
  readonly strike: Strike;
  readonly line: number;
  hasStruck: boolean;
}

const DELAYED_LIMIT = 4_096;
const LINE_NAMES = "AB";
/** A delayed datagram is queued under its stream and line together. */
const LINES = 8;

export class ScheduledLines implements LineSink {
  readonly log = new FaultLog(1_000);
  private readonly schedule: Schedule;
  private readonly numbers: NumbersIn;
  private readonly sink: LineSink;
  private armed: Armed[];
  private readonly delayed = new DelayQueue(DELAYED_LIMIT);
  private scratch = new Uint8Array(2_048);

  constructor(schedule: Schedule, numbers: NumbersIn, sink: LineSink) {
    this.schedule = schedule;
    this.numbers = numbers;
    this.sink = sink;
    this.armed = schedule.strikes.flatMap((strike) =>
      strike.lines.map((line) => ({ strike, line, hasStruck: false })),
    );
  }

  /** Lines of the file, from 1, that have struck nothing yet. */
  get idle(): number[] {
    return [
      ...new Set(this.armed.filter((one) => !one.hasStruck).map(({ strike }) => strike.written)),
    ];
  }

  datagram(
    line: number,
    stream: number,
    sendNs: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    this.drain(sendNs);
    this.numbers.read(bytes, offset, length);
    const { first, last } = this.numbers;
    if (this.isOut(line, stream, sendNs)) {
      this.log.add("outage", LINE_NAMES[line]!, stream, first, last);
      return;
    }
    const hit = this.hit(line, stream, sendNs, first, last);
    if (hit === undefined) this.sink.datagram(line, stream, sendNs, bytes, offset, length);
    else {
      this.log.add(hit.fault, LINE_NAMES[line]!, stream, first, last);
      this.commit(hit, line, stream, sendNs, bytes, offset, length);
    }
  }

  /** What was delayed until `nowNs` goes on its way. */
  drain(nowNs: number): void {
    while (this.delayed.count > 0 && this.delayed.nextNs <= nowNs) this.release();
  }

  private release(): void {
    const { delayed } = this;
    delayed.take();
    const stream = Math.floor(delayed.line / LINES);
    const { timeNs, bytes, length } = delayed;
    this.sink.datagram(delayed.line % LINES, stream, timeNs, bytes, 0, length);
  }

  private isOut(line: number, stream: number, nowNs: number): boolean {
    return this.schedule.outages.some(
      (outage) =>
        nowNs >= outage.fromNs &&
        nowNs < outage.untilNs &&
        outage.lines.includes(line) &&
        (outage.stream === 0 || outage.stream === stream),
    );
  }

  /** The strike that meets the datagram; those that the line has passed are over. */
  private hit(
    line: number,
    stream: number,
    nowNs: number,
    first: number,
    last: number,
  ): Strike | undefined {
    let met: Strike | undefined;
    let isOver = false;
    for (const one of this.armed) {
      const { strike } = one;
      if (one.line !== line || strike.stream !== stream || nowNs < strike.atNs) continue;
      if (first <= strike.last && last >= strike.first) {
        one.hasStruck = true;
        met ??= strike;
      } else if (one.hasStruck && first > strike.last) isOver = true;
    }
    if (isOver) {
      const isPast = ({ strike, ...one }: Armed) =>
        one.hasStruck && one.line === line && strike.stream === stream && first > strike.last;
      this.armed = this.armed.filter((one) => !isPast(one));
    }
    return met;
  }

  private commit(
    { fault, byNs }: Strike,
    line: number,
    stream: number,
    sendNs: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    if (fault === "drop") return;
    if (fault === "delay") {
      if (this.delayed.isFull) this.release();
      this.delayed.push(stream * LINES + line, sendNs + byNs, bytes, offset, length);
      return;
    }
    if (length > this.scratch.length) this.scratch = new Uint8Array(length);
    this.scratch.set(bytes.subarray(offset, offset + length));
    let kept = length;
    if (fault === "truncate") kept = length >> 1;
    // The middle is the header's or a field's, the fourth from the end a quantity's.
    else if (fault === "corrupt") this.scratch[length >> 1]! ^= 0xff;
    else if (fault === "conflict") this.scratch[length - 4]! ^= 1;
    this.sink.datagram(line, stream, sendNs, this.scratch, 0, kept);
    if (fault === "duplicate") this.sink.datagram(line, stream, sendNs, bytes, offset, length);
  }
}

/** NSE: one number in a datagram, 32 bits at 4; 0 of a heartbeat. */
export class NseNumbersIn implements NumbersIn {
  first = Number.NaN;
  last = Number.NaN;

  read(bytes: Uint8Array, offset: number): void {
    const at = offset + 4;
    const number =
      bytes[at]! + bytes[at + 1]! * 256 + bytes[at + 2]! * 65_536 + bytes[at + 3]! * 16_777_216;
    this.first = number === 0 ? Number.NaN : number;
    this.last = this.first;
  }
}

/** MoldUDP64: the first number at 10, how many at 18. */
export class MoldNumbersIn implements NumbersIn {
  first = Number.NaN;
  last = Number.NaN;

  read(bytes: Uint8Array, offset: number): void {
    let first = 0;
    for (let at = offset + 10; at < offset + 18; at++) first = first * 256 + bytes[at]!;
    const count = bytes[offset + 18]! * 256 + bytes[offset + 19]!;
    const isData = count > 0 && count < 0xffff;
    this.first = isData ? first : Number.NaN;
    this.last = isData ? first + count - 1 : Number.NaN;
  }
}
