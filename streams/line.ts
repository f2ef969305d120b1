/**
 * One line of a stream: what it brought, what it skipped, how far it leads the other. Lines hold
 * epochs apart: `epoch` is the last one that this line was seen in, which may be older than the
 * stream's.
 */
import { type LineAccount, lineName } from "./ledger.ts";
import { Ranges } from "./ranges.ts";
import type { Stream } from "./stream.ts";

/** Holes of a line that are remembered, so that a reordered packet takes its hole back. */
const HOLES = 256;
/** The index, and place, of the line that stands for answers to our requests. */
export const RECOVERY = 255;

export class Line {
  readonly stream: Stream;
  /** 0 is A. */
  readonly index: number;
  /** Its place in the stream's `lines`. */
  readonly place: number;
  epoch: number;
  /** One more than the line's highest number in its epoch; 0: none yet. */
  next = 0;
  /** The highest number that a heartbeat of this line named, in its epoch. */
  named = 0;
  packets = 0;
  /** Messages in those packets, whatever became of them. */
  messages = 0;
  /** Numbers that this line brought first. */
  firstArrivals = 0;
  duplicates = 0;
  conflicts = 0;
  late = 0;
  private readonly holes = new Ranges(HOLES);
  private lostBefore = 0;
  private leadSumNs = 0;
  private leads = 0;
  /** Of the epoch; the epochs before apart. */
  private leadMax = 0;
  private leadMaxBefore = 0;
  /** The counts when the epoch began. */
  private before = {
    packets: 0,
    messages: 0,
    firstArrivals: 0,
    duplicates: 0,
    conflicts: 0,
    late: 0,
    loss: 0,
    leads: 0,
    leadSumNs: 0,
  };

  constructor(stream: Stream, index: number, place: number, epoch: number) {
    this.stream = stream;
    this.index = index;
    this.place = place;
    this.epoch = epoch;
  }

  get name(): string {
    return this.index === RECOVERY ? "recovery" : `line ${lineName(this.index)}`;
  }

  /** Numbers of its epochs that it skipped; a tail that it owes counts when the epoch ends. */
  get loss(): number {
    return this.lostBefore + this.holes.total;
  }

  /** Mean lead over the line that brought the second copy, ns of capture time; NaN: none yet. */
  get leadMeanNs(): number {
    return this.leadSumNs / this.leads;
  }

  get leadMaxNs(): number {
    return this.leads === 0 ? Number.NaN : Math.max(this.leadMax, this.leadMaxBefore);
  }

  /** What it did since its stream's epoch began. */
  account(): LineAccount {
    const { before } = this;
    const leads = this.leads - before.leads;
    return {
      line: this.index,
      packets: this.packets - before.packets,
      messages: this.messages - before.messages,
      firstArrivals: this.firstArrivals - before.firstArrivals,
      duplicates: this.duplicates - before.duplicates,
      conflicts: this.conflicts - before.conflicts,
      late: this.late - before.late,
      loss: this.loss - before.loss,
      leadMeanNs: (this.leadSumNs - before.leadSumNs) / leads,
      leadMaxNs: leads === 0 ? Number.NaN : this.leadMax,
    };
  }

  /** The epoch's account, now that it is over; the next one begins at nothing. */
  closeAccount(): LineAccount {
    const account = this.account();
    const { packets, messages, firstArrivals, duplicates } = this;
    const { conflicts, late, loss, leads, leadSumNs } = this;
    const counts = { packets, messages, firstArrivals, duplicates };
    this.before = { ...counts, conflicts, late, loss, leads, leadSumNs };
    this.leadMaxBefore = Math.max(this.leadMax, this.leadMaxBefore);
    this.leadMax = 0;
    return account;
  }

  led(ns: number): void {
    this.leadSumNs += ns;
    this.leads++;
    if (ns > this.leadMax) this.leadMax = ns;
  }

  /** The line brought these numbers of its stream's epoch, new to us or not. */
  brought(from: number, to: number): void {
    if (from === this.next) this.next = to + 1;
    else this.broughtOutOfOrder(from, to);
  }

  /** Has gone past this number without bringing it, or said that it was sent. */
  passed(number: number): boolean {
    return this.next > number || this.named >= number;
  }

  /** The stream's epoch ended at `high` (or the input did): what the line still owes is lost. */
  settle(first: number, high: number): void {
    const next = this.next === 0 ? first : this.next;
    this.lostBefore += this.holes.total + Math.max(0, high - next + 1);
    this.holes.clear();
  }

  enter(epoch: number): void {
    this.epoch = epoch;
    this.next = 0;
    this.named = 0;
    this.holes.clear();
  }

  private broughtOutOfOrder(from: number, to: number): void {
    const expected = this.next === 0 ? this.stream.first : this.next;
    if (from > expected) this.holes.add(expected, from - 1);
    else this.holes.remove(from, to);
    if (to >= this.next) this.next = to + 1;
  }
}
