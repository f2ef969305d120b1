/**
 * What is counted of a stream's epoch while its messages are delivered: digest, ranges, types and
 * times. A certificate is made from it when somebody asks.
 *
 * Fed from what the sequencer delivers and from nothing else, so that it depends neither on lines
 * nor on how the input was cut. Costs a hash of each message and two steps more; no garbage.
 */
import type { EventTime, Feed } from "../feed/feed.ts";
import { type MessageBatch, MessageKind, RowFlag } from "../feed/message-batch.ts";
import { Runs } from "./certificate-runs.ts";
import { EventClock } from "./certificate-time.ts";
import { SequenceDigest } from "./digest.ts";

/** Midnight at the exchange (seconds since 1970 UTC) by capture time; NaN where nobody knows. */
export type MidnightOf = (captureSec: number) => number;

/** Every number of an epoch up to where it stands, by what became of it. */
export interface Ranges {
  /** Brought by a line. */
  readonly delivered: Runs;
  /** Obtained by request: as messages, or within a snapshot. */
  readonly recovered: Runs;
  /** Of the recovered those that only a snapshot brought: their messages never came. */
  readonly bySnapshot: Runs;
  readonly lost: Runs;
}

/** One epoch of one stream. */
export class EpochTally {
  readonly epoch: number;
  readonly digest = new SequenceDigest();
  /** Messages by the type's byte. */
  readonly types = new Float64Array(256);
  messages = 0;
  /** The lowest number, delivered or lost; NaN before the first. */
  first = Number.NaN;
  /** Capture time of the first message, seconds since 1970 UTC. */
  captureSec = 0;
  /** Exchange times of the first and the last message that have one; `sec` NaN: none had. */
  readonly firstEvent: EventTime = { sec: Number.NaN, nsec: 0 };
  readonly lastEvent: EventTime = { sec: Number.NaN, nsec: 0 };
  private readonly closed: Ranges = {
    delivered: new Runs(),
    recovered: new Runs(),
    bySnapshot: new Runs(),
    lost: new Runs(),
  };
  /** The run that is being added to, and how it came. */
  private runFrom = Number.NaN;
  private runRecovered = false;
  /** One more than the newest number. */
  private next = Number.NaN;
  /** Numbers from here up to the next message never came; NaN: none are missing. */
  private lostFrom = Number.NaN;
  /** A snapshot brought their effect. */
  private isCovered = false;

  constructor(epoch: number) {
    this.epoch = epoch;
  }

  /** Messages `from` up to, not including, `to`, all of this epoch. */
  add(batch: MessageBatch, from: number, to: number, typeOffset: number): void {
    const { bytes, offset, length, sequence, flags } = batch;
    const { types } = this;
    this.digest.add(batch, from, to);
    if (this.messages === 0) this.captureSec = batch.recvSec[from];
    this.messages += to - from;
    for (let at = from; at < to; at++) {
      const number = sequence[at];
      const recovered = (flags[at] & RowFlag.Recovered) !== 0;
      if (number !== this.next || recovered !== this.runRecovered) this.turn(number, recovered);
      this.next = number + 1;
      if (typeOffset < length[at]) types[bytes[offset[at] + typeOffset]]++;
    }
  }

  /** Numbers from `number` up to the next message never came; `isCovered`: a snapshot has them. */
  lose(number: number, isCovered: boolean): void {
    if (Number.isNaN(this.first)) this.first = number;
    if (!Number.isNaN(this.lostFrom) && isCovered !== this.isCovered) {
      this.closeRun(number, this.closed);
      this.runFrom = Number.NaN;
      this.lostFrom = Number.NaN;
    }
    if (Number.isNaN(this.lostFrom)) {
      this.lostFrom = number;
      this.isCovered = isCovered;
    }
    // The next message turns, even if it has the very number that was expected.
    this.next = Number.NaN;
  }

  /** A snapshot stands for messages that never came, if numbers are left out behind it. */
  snapshot(): void {
    if (!Number.isNaN(this.next)) this.lose(this.next, true);
  }

  /** @param position everything from `first` up to it is delivered or lost */
  ranges(position: number): Ranges {
    const { delivered, recovered, bySnapshot, lost } = this.closed;
    const all = {
      delivered: delivered.copy(),
      recovered: recovered.copy(),
      bySnapshot: bySnapshot.copy(),
      lost: lost.copy(),
    };
    this.closeRun(position + 1, all);
    return all;
  }

  private turn(number: number, recovered: boolean): void {
    if (Number.isNaN(this.first)) this.first = number;
    this.closeRun(number, this.closed);
    this.lostFrom = Number.NaN;
    this.runFrom = number;
    this.runRecovered = recovered;
  }

  /**
   * The run ends where a loss began, else at `next`: a message may stand for several numbers
   * (`sequenced` feeds), so that what is skipped without a loss was delivered.
   */
  private closeRun(next: number, { delivered, recovered, bySnapshot, lost }: Ranges): void {
    const isLost = !Number.isNaN(this.lostFrom);
    const end = isLost ? Math.min(this.lostFrom, next) : next;
    if (!Number.isNaN(this.runFrom)) {
      (this.runRecovered ? recovered : delivered).add(this.runFrom, end - 1);
    }
    if (!isLost) return;
    if (this.isCovered) bySnapshot.add(this.lostFrom, next - 1);
    (this.isCovered ? recovered : lost).add(this.lostFrom, next - 1);
  }
}

/** Epochs that are over, of all streams together; the oldest are forgotten. */
const EPOCHS_LIMIT = 4096;

/** The tallies of all streams of one feed. */
export class Tallies {
  /** By index of the stream, its epochs in order; the last one goes on. */
  readonly streams: (EpochTally[] | undefined)[] = [];
  /** Epochs that were forgotten. */
  forgotten = 0;
  private readonly typeOffset: number;
  private readonly clock: EventClock;
  private readonly midnightOf: MidnightOf;
  private readonly time: EventTime = { sec: 0, nsec: 0 };
  private epochs = 0;

  constructor(feed: Feed, midnightOf: MidnightOf) {
    this.clock = new EventClock(feed);
    this.midnightOf = midnightOf;
    // A feed without messages of its own has no types.
    this.typeOffset =
      feed.table.messages.length > 0 ? feed.table.typeOffset : Number.POSITIVE_INFINITY;
  }

  /** A delivered batch; streams may be mixed in it. */
  deliver(batch: MessageBatch): void {
    const { count, stream, kind } = batch;
    let from = 0;
    while (from < count) {
      const index = stream[from];
      let to = from + 1;
      if (kind[from] === MessageKind.Message) {
        while (to < count && stream[to] === index && kind[to] === MessageKind.Message) to++;
      }
      this.take(index, batch, from, to);
      from = to;
    }
  }

  /** Messages `from` up to, not including, `to`, all of one stream; or one event of it. */
  take(index: number, batch: MessageBatch, from: number, to: number): void {
    const kind = batch.kind[from];
    if (kind === MessageKind.Epoch) this.nextEpoch(index);
    else if (kind === MessageKind.Message) {
      const tally = this.current(index);
      tally.add(batch, from, to, this.typeOffset);
      this.noteTimes(tally, batch, from, to);
    } else if (kind === MessageKind.Lost) {
      const isCovered = (batch.flags[from] & RowFlag.Snapshot) !== 0;
      this.current(index).lose(batch.sequence[from], isCovered);
    } else if (kind === MessageKind.SnapshotBegin) this.current(index).snapshot();
  }

  private current(index: number): EpochTally {
    return this.streams[index]?.at(-1) ?? this.open(index, 0);
  }

  private nextEpoch(index: number): void {
    this.open(index, (this.streams[index]?.at(-1)?.epoch ?? 0) + 1);
    while (this.epochs > EPOCHS_LIMIT + this.streams.length && this.forgetOldest());
  }

  private open(index: number, epoch: number): EpochTally {
    const tally = new EpochTally(epoch);
    const epochs = this.streams[index] ?? [];
    this.streams[index] = epochs;
    epochs.push(tally);
    this.epochs++;
    return tally;
  }

  /** Of the stream with the most epochs. */
  private forgetOldest(): boolean {
    let longest: EpochTally[] = [];
    for (const epochs of this.streams) {
      if (epochs !== undefined && epochs.length > longest.length) longest = epochs;
    }
    if (longest.length < 2) return false;
    longest.shift();
    this.epochs--;
    this.forgotten++;
    return true;
  }

  /** The first and the last message of the run that have a time. */
  private noteTimes(tally: EpochTally, batch: MessageBatch, from: number, to: number): void {
    if (!this.clock.hasTimes) return;
    if (Number.isNaN(tally.firstEvent.sec)) {
      for (let at = from; at < to && !this.timeOf(batch, at, tally.firstEvent); at++);
    }
    for (let at = to - 1; at >= from; at--) {
      if (!this.timeOf(batch, at, this.time)) continue;
      tally.lastEvent.sec = this.time.sec;
      tally.lastEvent.nsec = this.time.nsec;
      break;
    }
  }

  private timeOf(batch: MessageBatch, at: number, out: EventTime): boolean {
    const { view, offset, length, recvSec } = batch;
    return this.clock.read(view, offset[at], length[at], this.midnightOf(recvSec[at]), out);
  }
}
