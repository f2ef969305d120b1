/**
 * Arbitration inside one epoch: which copy of a number is used, what is missing, how long what
 * comes after a hole waits, and when a hole becomes a lost gap.
 *
 * Assumes that the packets handed to it belong to the stream's epoch (`epochs.ts` sees to that).
 * Cost: a packet that is next, or a copy, is linear in its messages; a packet behind a hole is
 * copied once more and found again by number. Worst case memory is the options' windows.
 */
import type { Framing } from "../feed/feed.ts";
import { MessageKind, RowFlag } from "../feed/message-batch.ts";
import { PacketKind } from "../feed/packet-batch.ts";
import type { Arrival } from "./arrival.ts";
import type { Gap } from "./gaps.ts";
import { hashOf } from "./hash.ts";
import { NO_MESSAGE } from "./held.ts";
import type { EpochRow, GapCause, GapEnd, Ledger } from "./ledger.ts";
import { RECOVERY } from "./line.ts";
import type { SequencerOptions } from "./options.ts";
import type { Outlet } from "./outlet.ts";
import { lowNs } from "./recent.ts";
import type { Stream } from "./stream.ts";

/** Open gaps of one stream at most; beyond it the oldest is lost. */
const OPEN_GAPS = 16384;

export class Arbiter {
  /** Capture time of the frame in hand: what events are stamped with. */
  sec = 0;
  nsec = 0;
  nowNs = Number.NEGATIVE_INFINITY;
  /** How long a gap and a late start may wait for what somebody else asks the exchange for, ns. */
  readonly repairs = { ticksNs: 0, snapshotNs: 0 };
  private readonly framing: Framing;
  private readonly out: Outlet;
  private readonly ledger: Ledger;
  private readonly options: SequencerOptions;

  constructor(framing: Framing, out: Outlet, ledger: Ledger, options: SequencerOptions) {
    this.framing = framing;
    this.out = out;
    this.ledger = ledger;
    this.options = options;
  }

  /** How long a gap may be open, ns. */
  get patienceNs(): number {
    return this.options.windowNs + this.repairs.ticksNs + this.repairs.snapshotNs;
  }

  /** Capture time of the frame in hand as ns since 1970. */
  get stampNs(): number {
    return this.sec * 1e9 + this.nsec;
  }

  /** The first packet of an epoch; hand it to `accept` or `heartbeat` afterwards. */
  begin(stream: Stream, a: Arrival, reason: EpochRow["reason"]): void {
    const lowest = a.kind === PacketKind.Messages ? a.sequence : a.sequence + 1;
    const counted = this.options.fromStart && lowest > 1;
    stream.begun = true;
    stream.first = counted ? 1 : lowest;
    stream.next = stream.first;
    stream.high = stream.first - 1;
    stream.epochRow = {
      stream: stream.id,
      epoch: stream.epoch,
      session: this.framing.sessions[stream.session] ?? "",
      reason,
      atNs: a.stampNs,
      first: stream.first,
      highWaterMark: stream.high,
      delivered: 0,
      lost: 0,
      covered: 0,
    };
    this.ledger.epochs.add(stream.epochRow);
    if (counted) this.openGap(stream, lowest - 1, a.stampNs);
    stream.splicing = false;
    stream.image = undefined;
    stream.starting = lowest > 1 && !counted && this.options.windowNs > 0;
    stream.startDeadlineNs = a.stampNs + this.options.windowNs;
    if (!stream.starting) this.endStart(stream);
  }

  /** Sorts the numbers of a packet: delivered, held, copies, late ones. */
  accept(a: Arrival): void {
    const stream = a.line.stream;
    const highBefore = stream.high;
    const last = a.last;
    a.line.brought(a.sequence, last);
    let at = a.sequence;
    if (stream.starting && at < stream.next) at = this.acceptBelow(stream, a);
    while (at <= last) {
      if (at < stream.next) {
        const to = Math.min(last, stream.next - 1);
        this.old(a, at, to);
        at = to + 1;
      } else if (at > stream.high) at = this.acceptAbove(stream, a, at, last);
      else at = this.acceptBetween(stream, a, at, last);
    }
    if (stream.high > highBefore) this.noteTime(stream, a);
  }

  /** A number that the exchange has sent: what is missing up to it is a hole behind the tail. */
  heartbeat(a: Arrival): void {
    const stream = a.line.stream;
    stream.heartbeats++;
    if (a.kind === PacketKind.EndOfSession) stream.ended = true;
    if (a.sequence > a.line.named) a.line.named = a.sequence;
    if (a.sequence > stream.high) this.openGap(stream, a.sequence, a.stampNs);
  }

  /** Numbers below the position: copies of what was delivered, or too late. */
  old(a: Arrival, from: number, to: number): void {
    const stream = a.line.stream;
    for (let number = from; number <= to; number++) {
      const gone = stream.lost.has(number) || stream.covered.has(number);
      if (number < stream.first || gone) this.late(a, number, number);
      else this.repeat(a, number);
    }
  }

  /** Dropped: a former epoch's, or of a gap that is lost already. */
  late(a: Arrival, from: number, to: number): void {
    const stream = a.line.stream;
    a.line.late += to - from + 1;
    this.ledger.addLate({
      stream: stream.id,
      epoch: stream.epoch,
      from,
      to,
      line: a.line.name,
      atNs: a.sec * 1e9 + a.nsec,
    });
  }

  /** True if every message of the packet is byte for byte what was delivered or is held. */
  isCopy(a: Arrival): boolean {
    const stream = a.line.stream;
    for (let number = a.sequence; number <= a.last; number++) {
      const index = a.peek(number);
      if (index < 0) continue;
      const known = stream.recent.hashOf(number, stream.high);
      if (known === 0 || known !== hashOf(a.view, a.offsets[index], a.lengths[index])) return false;
    }
    return a.messages > 0;
  }

  /** Closes what the passing of time closes. */
  judge(stream: Stream): void {
    const startNs = stream.startDeadlineNs + stream.awaitedNs;
    if (stream.starting && this.nowNs > startNs) this.endStart(stream);
    if (stream.splicing && this.nowNs > stream.spliceDeadlineNs) this.goOn(stream);
    while (stream.gaps.count > 0 && !stream.standing) {
      const deadline = stream.gaps.list[0].detectedNs + this.patienceNs + stream.awaitedNs;
      if (!(this.nowNs > deadline)) break;
      this.loseHead(stream, Number.POSITIVE_INFINITY, "window");
    }
  }

  /** The capture time at which `judge` may have something to do. */
  deadline(stream: Stream): number {
    if (stream.starting) return stream.startDeadlineNs + stream.awaitedNs;
    if (stream.splicing) return stream.spliceDeadlineNs;
    if (stream.gaps.count === 0) return Number.POSITIVE_INFINITY;
    return stream.gaps.list[0].detectedNs + this.patienceNs + stream.awaitedNs;
  }

  /** Time went back: nothing may wait longer than a window from now. */
  cutWindows(stream: Stream): void {
    stream.startDeadlineNs = Math.min(stream.startDeadlineNs, this.nowNs + this.options.windowNs);
    const latest = this.nowNs + this.repairs.snapshotNs;
    stream.spliceDeadlineNs = Math.min(stream.spliceDeadlineNs, latest);
    for (const gap of stream.gaps.list) gap.detectedNs = Math.min(gap.detectedNs, this.nowNs);
  }

  /** The operator's clear, once all that came before it is delivered or lost. */
  clearIfDue(stream: Stream): void {
    if (stream.next > stream.clearAfter) this.clear(stream);
  }

  /** The epoch, or the input, is over: what is missing is lost, what is held is delivered. */
  close(stream: Stream, end: "epoch" | "end"): void {
    if (!stream.begun) return;
    if (stream.starting) this.endStart(stream);
    if (stream.splicing) this.goOn(stream);
    while (stream.gaps.count > 0) this.loseHead(stream, Number.POSITIVE_INFINITY, end);
    for (const line of stream.lines) {
      if (line.epoch !== stream.epoch) line.enter(stream.epoch);
      line.settle(stream.first, stream.high);
    }
    this.updateRow(stream);
    if (stream.epochRow) stream.epochRow.lines = stream.lines.map((line) => line.closeAccount());
  }

  updateRow(stream: Stream): void {
    const row = stream.epochRow;
    if (row === undefined) return;
    row.first = stream.first;
    row.highWaterMark = stream.high;
    row.delivered = stream.delivered - stream.deliveredBefore;
    row.lost = stream.lostNumbers - stream.lostBefore;
    row.covered = stream.coveredNumbers - stream.coveredBefore;
  }

  /** Numbers below the lowest seen, while the start of the epoch is open. */
  private acceptBelow(stream: Stream, a: Arrival): number {
    const to = Math.min(a.last, stream.next - 1);
    if (stream.next - a.sequence > this.options.windowMessages) return a.sequence;
    const lowest = stream.next;
    const after = this.hold(a, a.sequence, to);
    if (after > a.sequence) {
      stream.next = a.sequence;
      stream.first = a.sequence;
      if (after < lowest) stream.gaps.open(after, lowest - 1, a.stampNs);
    }
    if (after <= to || stream.next <= 1) this.endStart(stream);
    return after;
  }

  private acceptAbove(stream: Stream, a: Arrival, at: number, last: number): number {
    if (at > stream.high + 1) {
      this.openGap(stream, at - 1, a.stampNs);
      return at;
    }
    if (at === stream.next && !stream.standing) {
      this.deliver(a, at, last);
      stream.high = last;
      return last + 1;
    }
    const after = this.hold(a, at, last);
    stream.high = after - 1;
    if (after <= last) this.giveWay(stream, after);
    return after;
  }

  private acceptBetween(stream: Stream, a: Arrival, at: number, last: number): number {
    const gaps = stream.gaps;
    const index = gaps.reaching(at);
    const gap = gaps.list[index];
    if (gap === undefined || gap.from > at) {
      const heldTo = gap === undefined ? stream.high : gap.from - 1;
      const to = Math.min(last, heldTo);
      for (let number = at; number <= to; number++) this.repeat(a, number);
      return to + 1;
    }
    const to = Math.min(last, gap.to);
    if (at === stream.next && !stream.standing) {
      this.repaired(stream, a, index, at, to);
      this.deliver(a, at, to);
      this.drain(stream);
      return to + 1;
    }
    const after = this.hold(a, at, to);
    if (after > at) this.repaired(stream, a, index, at, after - 1);
    if (after <= to) this.giveWay(stream, after);
    return after;
  }

  /** Everything up to `to` above the high-water mark is missing. */
  private openGap(stream: Stream, to: number, detectedNs: number): void {
    if (stream.gaps.count >= OPEN_GAPS) this.giveWay(stream, Number.POSITIVE_INFINITY);
    stream.gaps.open(stream.high + 1, to, detectedNs);
    stream.high = to;
    if (this.options.windowNs > 0 || stream.standing) return;
    while (stream.gaps.count > 0) this.loseHead(stream, Number.POSITIVE_INFINITY, "window");
  }

  /** No room for `number`: the oldest thing waited for below it is given up. */
  private giveWay(stream: Stream, number: number): void {
    if (stream.starting) this.endStart(stream);
    else if (stream.splicing) this.goOn(stream);
    else this.loseHead(stream, number - 1, "buffer");
  }

  private endStart(stream: Stream): void {
    stream.starting = false;
    if (stream.epochRow !== undefined) stream.epochRow.first = stream.first;
    if (stream.first > 1 && this.options.lateStartDoubtful) {
      stream.flags |= RowFlag.JoinedLate;
      if (this.repairs.snapshotNs > 0) this.standStill(stream);
    }
    this.drain(stream);
  }

  /** From now on everything is held, until a snapshot has come or `repairs.snapshotNs` are over. */
  standStill(stream: Stream): void {
    if (stream.splicing) return;
    stream.splicing = true;
    stream.spliceDeadlineNs = this.nowNs + this.repairs.snapshotNs;
  }

  /** The wait for a snapshot is over, well or not. */
  goOn(stream: Stream): void {
    stream.splicing = false;
    this.drain(stream);
  }

  /** Delivers what is held up to `last`; what nobody has up to there, a snapshot is to cover. */
  passTo(stream: Stream, last: number): void {
    while (stream.next <= last) {
      const gap = stream.gaps.list[0];
      const before = stream.next;
      if (gap !== undefined && gap.from === before) this.cover(stream, gap, last);
      else this.drainTo(stream, last);
      if (stream.next === before) throw new Error(`streams: ${before} is neither held nor missing`);
    }
  }

  /** The head of the first gap, up to `last`, is repaired by a snapshot. */
  private cover(stream: Stream, gap: Gap, last: number): void {
    const { ledger } = this;
    const { from, detectedNs } = gap;
    const to = Math.min(gap.to, last);
    const numbers = to - from + 1;
    ledger.repairedNumbers += numbers;
    ledger.recoveredNumbers += numbers;
    ledger.recoveredRanges++;
    ledger.repaired.add({
      stream: stream.id,
      epoch: stream.epoch,
      from,
      to,
      detectedNs,
      closedNs: this.stampNs,
      state: "repaired",
      cause: causeOfLoss(stream, to),
      end: "filled",
      repairedBy: "snapshot",
    });
    stream.coveredNumbers += numbers;
    stream.covered.add(from, to);
    // What follows up to the image is applied to books that lack this.
    stream.flags |= RowFlag.Gap;
    const { sec, nsec } = this;
    const flags = stream.flags | RowFlag.Snapshot;
    this.out.add(MessageKind.Lost, stream.index, from, 0, 0, sec, nsec, flags);
    stream.gaps.close(0, from, to);
    stream.next = to + 1;
  }

  /** The numbers are next: straight from the frame into the batch. */
  private deliver(a: Arrival, from: number, to: number): void {
    const stream = a.line.stream;
    const flags = stream.flags | a.flags;
    this.out.lieOver(a.bytes, a.view);
    for (let number = from; number <= to; number++) {
      const index = a.take(number);
      this.remember(a, number, index);
      if (number > stream.clearAfter) this.clear(stream);
      if (index < 0) continue;
      const { offsets, lengths, sec, nsec } = a;
      this.out.message(stream.index, number, offsets[index], lengths[index], sec, nsec, flags);
    }
    stream.next = to + 1;
    stream.delivered += to - from + 1;
    a.line.firstArrivals += to - from + 1;
  }

  /** Copies numbers behind a gap; returns the first that found no room. */
  private hold(a: Arrival, from: number, to: number): number {
    const held = a.line.stream.held;
    let number = from;
    for (; number <= to; number++) {
      const carried = a.carried;
      const index = a.take(number);
      const offset = index < 0 ? 0 : a.offsets[index];
      const length = index < 0 ? NO_MESSAGE : a.lengths[index];
      if (!held.put(number, a.bytes, offset, length, a.sec, a.nsec, a.flags)) {
        a.carried = carried;
        break;
      }
      this.remember(a, number, index);
    }
    a.line.firstArrivals += number - from;
    return number;
  }

  /** Delivers what waited for its turn. */
  private drain(stream: Stream): void {
    if (!stream.standing) this.drainTo(stream, Number.POSITIVE_INFINITY);
  }

  /** Delivers what is held, without a hole, up to `last`. Its bytes are reused: it leaves at once. */
  private drainTo(stream: Stream, last: number): void {
    const held = stream.held;
    if (!held.has(stream.next)) return;
    this.out.lieOver(held.bytes, held.view);
    do {
      const number = stream.next++;
      if (number > stream.clearAfter) this.clear(stream);
      const length = held.lengthOf(number);
      if (length !== NO_MESSAGE) {
        const flags = stream.flags | held.flagsOf(number);
        const sec = held.secOf(number);
        const nsec = held.nsecOf(number);
        this.out.message(stream.index, number, held.offsetOf(number), length, sec, nsec, flags);
      }
      held.release(number);
      stream.delivered++;
    } while (stream.next <= last && held.has(stream.next));
    this.out.flush();
  }

  private clear(stream: Stream): void {
    const { sec, nsec, stampNs: atNs } = this;
    const { id, epoch, clearAfter: sequence, flags } = stream;
    stream.clearAfter = Number.POSITIVE_INFINITY;
    this.out.add(MessageKind.Clear, stream.index, sequence, 0, 0, sec, nsec, flags);
    this.ledger.clears.add({ stream: id, epoch, sequence, atNs });
  }

  private remember(a: Arrival, number: number, index: number): void {
    const whole = index >= 0 && (a.messages === a.numbers || number === a.sequence);
    const hash = whole ? hashOf(a.view, a.offsets[index], a.lengths[index]) : 0;
    a.line.stream.recent.put(number, hash, lowNs(a.sec, a.nsec), a.line.place);
  }

  /** A second copy of a number that was delivered or is held. */
  private repeat(a: Arrival, number: number): void {
    const { recent, high, lines, id, epoch } = a.line.stream;
    const index = a.peek(number);
    const known = index < 0 ? 0 : recent.hashOf(number, high);
    if (known === 0) {
      a.line.duplicates++;
      return;
    }
    const slot = number & recent.mask;
    const first = lines[recent.line[slot]];
    if (first !== undefined && first !== a.line && a.line.index !== RECOVERY) {
      first.led((lowNs(a.sec, a.nsec) - recent.words[slot * 2 + 1]) | 0);
    }
    if (hashOf(a.view, a.offsets[index], a.lengths[index]) === known) {
      a.line.duplicates++;
      return;
    }
    a.line.conflicts++;
    this.ledger.conflicts.add({
      stream: id,
      epoch,
      sequence: number,
      line: a.line.name,
      atNs: a.sec * 1e9 + a.nsec,
      bytes: a.bytes.slice(a.offsets[index], a.offsets[index] + a.lengths[index]),
    });
  }

  /** Part of the gap at `index` has come. */
  private repaired(stream: Stream, a: Arrival, index: number, from: number, to: number): void {
    const gap = stream.gaps.list[index];
    const by = a.line.name;
    const numbers = to - from + 1;
    const ledger = this.ledger;
    const recovered = a.line.index === RECOVERY;
    ledger.repairedNumbers += numbers;
    if (recovered) ledger.recoveredNumbers += numbers;
    const row = gap.repair;
    if (row !== null && row.to + 1 === from && row.repairedBy === by) {
      row.to = to;
      row.closedNs = a.stampNs;
    } else {
      if (recovered) ledger.recoveredRanges++;
      gap.repair = {
        stream: stream.id,
        epoch: stream.epoch,
        from,
        to,
        detectedNs: gap.detectedNs,
        closedNs: a.stampNs,
        state: "repaired",
        cause: causeOfRepair(a, to),
        end: "filled",
        repairedBy: by,
      };
      ledger.repaired.add(gap.repair);
    }
    stream.gaps.close(index, from, to);
  }

  /** The first gap, or its part up to `upTo`, is lost; the stream goes on after it. */
  private loseHead(stream: Stream, upTo: number, end: GapEnd): void {
    const gap = stream.gaps.list[0];
    const from = gap.from;
    const to = Math.min(gap.to, upTo);
    const ledger = this.ledger;
    const nowNs = this.sec * 1e9 + this.nsec;
    const numbers = to - from + 1;
    if (stream.lost.highest !== from - 1 || stream.lost.count === 0) ledger.lostRanges++;
    ledger.lostNumbers += numbers;
    ledger.lost.add({
      stream: stream.id,
      epoch: stream.epoch,
      from,
      to,
      detectedNs: gap.detectedNs,
      closedNs: nowNs,
      state: "lost",
      cause: causeOfLoss(stream, to),
      end,
      repairedBy: null,
    });
    stream.lostNumbers += numbers;
    stream.lost.add(from, to);
    stream.flags |= RowFlag.Gap;
    const { sec, nsec } = this;
    this.out.add(MessageKind.Lost, stream.index, from, 0, 0, sec, nsec, stream.flags);
    stream.gaps.close(0, from, to);
    stream.next = to + 1;
    this.drain(stream);
  }

  /** Exchange time of the packet's last message, which stands at the high-water mark. */
  private noteTime(stream: Stream, a: Arrival): void {
    stream.tailOffset = -1;
    if (a.messages === 0) return;
    const index = a.firstMessage + a.messages - 1;
    const time = this.framing.messageTime(a.view, a.offsets[index], a.lengths[index]);
    if (Number.isNaN(time)) return;
    stream.highTimeNs = time;
    stream.timedNumber = a.last;
  }
}

function causeOfLoss(stream: Stream, to: number): GapCause {
  let passed = 0;
  let name: GapCause = "unknown";
  for (const line of stream.lines) {
    if (line.epoch !== stream.epoch || !line.passed(to)) continue;
    passed++;
    name = line.name as GapCause;
  }
  return passed > 1 ? "both lines" : name;
}

/** The lines that went past it; if there is none, the bringer itself was out of order. */
function causeOfRepair(a: Arrival, to: number): GapCause {
  const stream = a.line.stream;
  let passed = 0;
  let name = a.line.index === RECOVERY ? "unknown" : a.line.name;
  for (const line of stream.lines) {
    if (line === a.line || line.epoch !== stream.epoch || !line.passed(to)) continue;
    passed++;
    name = line.name;
  }
  return passed > 1 ? "both lines" : (name as GapCause);
}
