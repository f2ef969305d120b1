/**
 * Watches what one life of the centre applies to its books, message by message, and holds it
 * against what was sent: each number once, in order, in its epoch, in the bytes that the exchange
 * sent; a number left out only after the stream has said so; the flags that follow from that.
 */
import type { Live } from "../../book/live.ts";
import type { PipelineStream } from "../../book/pipeline.ts";
import { type MessageBatch, MessageKind, RowFlag } from "../../feed/message-batch.ts";
import { AuditedStream, type TrueStream, type Truth } from "./truth.ts";

const PROBLEMS_LIMIT = 10;

/** Numbers left out, both included. */
export interface Skipped {
  readonly from: number;
  readonly to: number;
}

/** One epoch of the stream as this life of the centre saw it. */
export interface WatchedEpoch {
  /** The exchange's epoch; -1: nothing of it was applied. */
  readonly epoch: number;
  readonly first: number;
  readonly last: number;
  readonly applied: number;
  readonly skipped: readonly Skipped[];
  readonly covered: readonly Skipped[];
  readonly recovered: readonly Skipped[];
  readonly isSpliced: boolean;
  /** Lost from this number on, with nothing applied after it; NaN: no. */
  readonly lostFrom: number;
}

export class WatchedStream {
  readonly truth: TrueStream;
  /** Epochs that are over, by the sequencer's count. */
  readonly former: WatchedEpoch[] = [];
  readonly audited: AuditedStream;
  /** The exchange's epoch; -1 before the first message of it. */
  epoch = -1;
  /** The exchange's epoch that the one before belonged to; -1: there was none. */
  formerEpoch = -1;
  first = Number.NaN;
  last = Number.NaN;
  /** Numbers left out in this epoch. */
  skipped: Skipped[] = [];
  /** Numbers that a snapshot covers: nobody had their messages. */
  covered: Skipped[] = [];
  /** Something was left out since the epoch began or a snapshot healed it. */
  isGap = false;
  /** An image does not say of which epoch it is: the next message will. */
  isEpochOpen = false;
  /** Its books come from a snapshot, so that places in queues are the exchange's secret. */
  isSpliced = false;
  /** The stream has said that a gap is lost, from this number on; NaN: it has not. */
  lostFrom = Number.NaN;
  /** Numbers of this epoch that came by request. */
  recovered: { from: number; to: number }[] = [];
  applied = 0;
  /**
   * Nobody can tell by numbers that those in hand are another epoch's: the first of it that was used
   * is just the next number of the one before. Nothing is held against the stream until a snapshot or
   * the next epoch; how often this happens is counted.
   */
  isUndecidable = false;

  constructor(truth: TrueStream, audited: AuditedStream) {
    this.truth = truth;
    this.audited = audited;
  }

  /** As it is, to go on from here another time. */
  copy(): WatchedStream {
    const made = new WatchedStream(this.truth, this.audited.copy());
    const { truth, audited, former, ...rest } = this;
    Object.assign(made, structuredClone(rest));
    made.former.push(...former);
    return made;
  }

  noteRecovered(number: number): void {
    const last = this.recovered.at(-1);
    if (last !== undefined && last.to + 1 === number) last.to = number;
    else this.recovered.push({ from: number, to: number });
  }

  /** Every epoch, the one in hand last. */
  get epochs(): WatchedEpoch[] {
    const { epoch, first, last, applied, skipped, covered, recovered, isSpliced, lostFrom } = this;
    const own = { epoch, first, last, applied, skipped, covered, recovered, isSpliced, lostFrom };
    return [...this.former, own];
  }

  /** The flags that its rows must have. */
  get flags(): number {
    const gap = this.isGap || !Number.isNaN(this.lostFrom) ? RowFlag.Gap : 0;
    return gap | (this.first > 1 && !this.isSpliced ? RowFlag.JoinedLate : 0);
  }
}

export class DeliveryWatch {
  readonly problems: string[] = [];
  /** Times that numbers could not tell one epoch from another. */
  undecidable = 0;
  /** By index of the pipeline's streams. */
  readonly streams: WatchedStream[] = [];
  live: Live | null = null;
  private readonly truth: Truth;

  constructor(truth: Truth) {
    this.truth = truth;
  }

  /** Of the moment, for a life that begins from a checkpoint of it. */
  copy(): DeliveryWatch {
    const made = new DeliveryWatch(this.truth);
    made.undecidable = this.undecidable;
    this.streams.forEach((stream, index) => {
      made.streams[index] = stream.copy();
    });
    return made;
  }

  run({ index, id, messages }: PipelineStream, from: number, to: number): void {
    const stream = this.streams[index] ?? this.open(index, id);
    if (stream === undefined) return;
    for (let at = from; at < to; at++) this.take(stream, messages, at);
  }

  private take(stream: WatchedStream, batch: MessageBatch, at: number): void {
    const number = batch.sequence[at];
    switch (batch.kind[at]) {
      case MessageKind.Message:
        this.message(stream, batch, at, number);
        return;
      case MessageKind.Epoch:
        this.endEpoch(stream);
        return;
      case MessageKind.Lost:
        this.lost(stream, number);
        return;
      case MessageKind.Clear:
        stream.audited.clearBehind(number);
        return;
      case MessageKind.SnapshotEnd:
        this.splice(stream, number);
        return;
      default:
        return;
    }
  }

  /** A loss is told in parts too, one behind the other; that none is left out the ledger must show. */
  private lost(stream: WatchedStream, number: number): void {
    const next = this.expected(stream);
    const goesOn = !Number.isNaN(stream.lostFrom) && number > next;
    if (!Number.isNaN(stream.last) && number !== next && !goesOn) {
      this.problem(stream, `lost from ${number}, but ${next} is next`);
    }
    if (Number.isNaN(stream.lostFrom)) stream.lostFrom = number;
  }

  private message(stream: WatchedStream, batch: MessageBatch, at: number, number: number): void {
    this.judgeBytes(stream, batch, at, number);
    if (Number.isNaN(stream.first)) {
      // A heartbeat may have said where the stream begins, and then its first messages are lost.
      stream.first = Number.isNaN(stream.lostFrom) ? number : stream.lostFrom;
      stream.last = stream.first - 1;
    }
    if (!Number.isNaN(stream.lostFrom)) {
      if (number < stream.lostFrom) {
        this.problem(stream, `${number} is applied after ${stream.lostFrom} was lost`);
      } else if (number > stream.lostFrom) this.skip(stream, stream.lostFrom, number - 1);
    } else if (number !== stream.last + 1) {
      this.problem(stream, `${number} is applied after ${stream.last}`);
    }
    if (!Number.isNaN(stream.lostFrom)) stream.isGap = true;
    stream.lostFrom = Number.NaN;
    stream.last = number;
    stream.applied++;
    if (batch.flags[at] & RowFlag.Recovered) stream.noteRecovered(number);
    const flags = batch.flags[at] & (RowFlag.Gap | RowFlag.JoinedLate);
    if (flags !== stream.flags) {
      this.problem(stream, `${number} has the flags ${flags}, expected ${stream.flags}`);
    }
  }

  /** The bytes must be the exchange's, of the epoch in hand, or a forged copy that did arrive. */
  private judgeBytes(stream: WatchedStream, batch: MessageBatch, at: number, number: number): void {
    const { bytes, offset, length } = batch;
    const { id } = stream.truth;
    const sent = stream.truth.epochOf(number, bytes, offset[at], length[at]);
    if (sent >= 0) {
      this.judgeEpoch(stream, sent, number);
      return;
    }
    const forged = this.truth.forgedCopy(id, number, bytes, offset[at], length[at]);
    if (forged === undefined) {
      this.problem(stream, `${number} is applied with bytes that never arrived`);
      return;
    }
    stream.audited.used.set(number, forged.bytes);
    if (forged.epoch >= 0) this.judgeEpoch(stream, forged.epoch, number);
    else if (stream.epoch < 0) {
      stream.epoch = stream.formerEpoch + 1;
      stream.isEpochOpen = true;
    }
  }

  /** A message of the exchange's `epoch` is applied: does the stream know which it is in? */
  private judgeEpoch(stream: WatchedStream, epoch: number, number: number): void {
    if (stream.epoch === epoch) {
      stream.isEpochOpen = false;
      return;
    }
    // Another epoch that is first seen above the high-water mark looks like a gap, and is flagged.
    const looksLikeGap = !Number.isNaN(stream.lostFrom) && number > stream.lostFrom;
    const isNew = Number.isNaN(stream.first) || looksLikeGap || stream.isEpochOpen;
    if (epoch > stream.formerEpoch && isNew) {
      stream.epoch = epoch;
      stream.isEpochOpen = false;
    } else if (this.isJustNext(stream, epoch, number)) {
      if (!stream.isUndecidable) this.undecidable++;
      stream.isUndecidable = true;
      stream.epoch = epoch;
    } else {
      this.problem(stream, `${number} of epoch ${epoch} is applied in epoch ${stream.epoch}`);
    }
  }

  /** Just the next number, of another epoch of which the stream has used nothing before. */
  private isJustNext(stream: WatchedStream, epoch: number, number: number): boolean {
    if (stream.isUndecidable) return true;
    return epoch > stream.formerEpoch && number === stream.last + 1;
  }

  private skip(stream: WatchedStream, from: number, to: number): void {
    stream.skipped.push({ from, to });
  }

  /** An image up to `number` has replaced every book. */
  private splice(stream: WatchedStream, number: number): void {
    const next = this.expected(stream);
    if (number < stream.last)
      this.problem(stream, `a snapshot of ${number} follows ${stream.last}`);
    if (Number.isNaN(stream.last)) {
      stream.first = number;
      stream.epoch = Math.max(stream.epoch, stream.truth.epochWith(number));
    } else if (Number.isNaN(stream.lostFrom)) {
      if (number >= next) stream.covered.push({ from: next, to: number });
    } else if (number >= stream.lostFrom) this.skip(stream, stream.lostFrom, number);
    stream.audited.forget();
    stream.lostFrom = Number.NaN;
    stream.last = number;
    stream.isGap = false;
    stream.isEpochOpen = true;
    stream.isSpliced = true;
    stream.isUndecidable = false;
  }

  private expected(stream: WatchedStream): number {
    return Number.isNaN(stream.lostFrom) ? stream.last + 1 : stream.lostFrom;
  }

  private endEpoch(stream: WatchedStream): void {
    stream.former.push(stream.epochs[stream.former.length]);
    stream.formerEpoch = Math.max(stream.formerEpoch, stream.epoch);
    stream.audited.forget();
    stream.epoch = -1;
    stream.applied = 0;
    stream.first = Number.NaN;
    stream.last = Number.NaN;
    stream.lostFrom = Number.NaN;
    stream.skipped = [];
    stream.covered = [];
    stream.recovered = [];
    stream.isGap = false;
    stream.isEpochOpen = false;
    stream.isSpliced = false;
    stream.isUndecidable = false;
  }

  private open(index: number, id: number): WatchedStream | undefined {
    const truth = this.truth.streams.get(id);
    if (truth === undefined) {
      this.problems.push(`stream ${id} has books, and no exchange has such a stream`);
      return undefined;
    }
    const audited = new AuditedStream(truth, this.truth.hasClosingAuction);
    this.streams[index] = new WatchedStream(truth, audited);
    return this.streams[index];
  }

  private problem(stream: WatchedStream, text: string): void {
    if (this.problems.length < PROBLEMS_LIMIT) {
      this.problems.push(`stream ${stream.truth.id}: ${text}`);
    }
  }
}
