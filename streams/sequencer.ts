/**
 * From datagrams to messages: each number once, in order, from whichever line brought it first;
 * what is missing, doubled, late or in conflict is counted and kept in the ledger.
 *
 * One sequencer serves one feed. A packet that is next on its stream, and a copy of a message that
 * is still remembered, take `fast-path.ts`. Everything else goes through `epochs.ts` (which epoch is
 * it of?) and `arbiter.ts` (what is missing, what waits). The result does not depend on how the
 * frames are cut into batches. Memory is bounded by the options.
 */
import type { ChannelContext, Framing } from "../feed/feed.ts";
import { RowFlag } from "../feed/message-batch.ts";
import { FAULT_NAMES, Fault, PacketBatch, PacketKind } from "../feed/packet-batch.ts";
import type { Channels } from "../frames/channels.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { Arbiter } from "./arbiter.ts";
import { Arrival } from "./arrival.ts";
import { CaptureClock } from "./clock.ts";
import { ClockDoubt } from "./clock-doubt.ts";
import type { DeliverySink } from "./delivery.ts";
import { Epochs } from "./epochs.ts";
import { FastPath } from "./fast-path.ts";
import { Budget, Held } from "./held.ts";
import { type GapRow, Ledger } from "./ledger.ts";
import { Line, RECOVERY } from "./line.ts";
import { DEFAULT_OPTIONS, type SequencerOptions } from "./options.ts";
import { Outlet } from "./outlet.ts";
import { Quarantine, type Reason } from "./quarantine.ts";
import { Roster } from "./roster.ts";
import { isOtherEpoch, Splicer, type SpliceVerdict } from "./splice.ts";
import type { SnapshotImage } from "./splice-image.ts";
import { type SequencerStats, statsOf } from "./stats.ts";
import { Stream } from "./stream.ts";

export type { SequencerOptions } from "./options.ts";

const NO_CHANNEL: ChannelContext = { stream: 0 };

export class Sequencer {
  /** Dense; a message's `stream` is an index in it. */
  readonly streams: readonly Stream[];
  readonly ledger: Ledger;
  readonly quarantine = new Quarantine();
  private readonly framing: Framing;
  private readonly channels: Channels;
  private readonly out: Outlet;
  private readonly arbiter: Arbiter;
  private readonly epochs: Epochs;
  private readonly splicer: Splicer;
  private readonly fast: FastPath;
  private readonly roster: Roster;
  private readonly clock = new CaptureClock();
  private readonly doubt: ClockDoubt;
  private readonly budget: Budget;
  private readonly packets = new PacketBatch();
  /** The packet on the slow path; one object for all of them. */
  private readonly arrival: Arrival;
  /** Streams whose windows have to be looked at, and the earliest time for it. */
  private watched: Stream[] = [];
  private wakeNs = Number.POSITIVE_INFINITY;
  private stampNs = 0;
  /** Datagrams before the batch in hand. */
  private framesBefore = 0;
  private frames = 0;
  private bytes = 0;
  private packetCount = 0;
  private wrongStream = 0;
  private finished = false;

  constructor(
    framing: Framing,
    channels: Channels,
    sink: DeliverySink,
    options: Partial<SequencerOptions> = {},
  ) {
    const all = { ...DEFAULT_OPTIONS, ...options };
    this.framing = framing;
    this.channels = channels;
    this.doubt = new ClockDoubt(all.windowNs);
    this.ledger = new Ledger(all.ledgerRows);
    this.out = new Outlet(sink, all.batchMessages);
    this.budget = new Budget(all.windowBytes);
    this.arbiter = new Arbiter(framing, this.out, this.ledger, all);
    this.epochs = new Epochs(framing, this.arbiter, this.out, this.quarantine, all);
    this.splicer = new Splicer(this.arbiter, this.out, this.ledger, all);
    this.roster = new Roster(channels, all, this.budget);
    this.fast = new FastPath(framing, this.packets, this.roster.lineOfChannel, this.out);
    this.streams = this.roster.streams;
    const nobody = new Line(new Stream(-1, -1, new Held(0, this.budget), 1), 0, 0, 0);
    const nothing = new Uint8Array(0);
    this.arrival = new Arrival(nobody, this.packets, nothing, new DataView(nothing.buffer));
  }

  /** Takes captured datagrams in the order of capture; delivers before it returns. */
  push(frames: FrameBatch): void {
    this.read(frames);
    this.run(frames);
    this.end();
  }

  /**
   * Takes the answer to a request: datagrams (or their like) with numbers of one stream. They fill
   * gaps as a line would, flagged `V`; an answer asked for in an epoch that is over is late.
   */
  recover(frames: FrameBatch, stream: number, epoch: number): void {
    const target = this.streams[stream];
    if (target === undefined) return;
    target.recovery ??= new Line(target, RECOVERY, RECOVERY, epoch);
    const line = target.recovery;
    if (epoch === target.epoch && line.epoch !== epoch) line.enter(epoch);
    this.read(frames);
    for (let packet = 0; packet < this.packets.count; packet++) {
      const at = this.packets.frame[packet];
      if (this.packets.stream[packet] !== target.id) {
        this.refuse("wrong_stream", frames, at, packet);
      } else if (this.plausible(frames, at, packet)) {
        const a = this.arrivalOf(frames, at, packet, line);
        a.flags = RowFlag.Recovered;
        const isOther = epoch !== target.epoch || this.epochs.isOfALaterEpoch(target, a);
        if (isOther) this.arbiter.late(a, a.sequence, a.last);
        else this.receive(a);
      }
    }
    this.end();
  }

  /** Capture time moves on without frames (live): windows close. */
  advance(nowNs: number): void {
    this.clock.advance(nowNs);
    this.arbiter.nowNs = this.clock.nowNs;
    this.arbiter.sec = Math.floor(nowNs / 1e9);
    this.arbiter.nsec = Math.floor(nowNs % 1e9);
    if (this.clock.nowNs > this.wakeNs) this.judge();
    this.out.flush();
  }

  /**
   * The operator's command: the exchange dropped the stream's orders without saying so. Its place is
   * behind all that has come, so that all who read the same frames clear behind the same number: a
   * stream that is held clears when it has come so far.
   */
  clear(stream: number): void {
    const target = this.streams[stream];
    if (target === undefined) return;
    target.clearAfter = target.high;
    this.arbiter.clearIfDue(target);
    this.out.flush();
  }

  /** Another trading day begins: every stream's epoch is over. Call it between two batches. */
  beginDay(): void {
    for (const stream of this.streams) this.epochs.beginDay(stream);
    this.out.flush();
  }

  /** Index of the stream with the exchange's id; -1 if nothing of it has come. */
  indexOf(id: number): number {
    return this.streams.findIndex((stream) => stream.id === id);
  }

  /** Name of the session that the stream is in; empty where the feed has none. */
  sessionOf(stream: Stream): string {
    return this.framing.sessions[stream.session] ?? "";
  }

  /** Running maximum of the capture times, ns since 1970; -Infinity before the first. */
  get nowNs(): number {
    return this.clock.nowNs;
  }

  /**
   * Somebody asks the exchange for what is missing: verdicts wait so much longer, and a stream that
   * joined late stands still for its snapshot. Only ever raised.
   */
  expectRepairs(ticksNs: number, snapshotNs: number): void {
    const { repairs } = this.arbiter;
    repairs.ticksNs = Math.max(repairs.ticksNs, ticksNs);
    repairs.snapshotNs = Math.max(repairs.snapshotNs, snapshotNs);
  }

  /** Frames of the stream may still be on their way: what it misses is not lost for so much longer. */
  awaitChunks(stream: number, ns: number): void {
    const target = this.streams[stream];
    if (target === undefined || target.awaitedNs === ns) return;
    target.awaitedNs = ns;
    if (target.watched) this.wakeNs = Number.NEGATIVE_INFINITY;
  }

  /** A doubtful stream shall stand still, because a snapshot of it was asked for. */
  awaitSnapshot(stream: number): void {
    const target = this.streams[stream];
    if (target === undefined || !target.begun || target.starting) return;
    if (this.arbiter.repairs.snapshotNs === 0 || !this.splicer.needsImage(target)) return;
    if (target.gaps.count === 0) this.arbiter.standStill(target);
    this.settle(target);
  }

  /** False of a snapshot that, by its newest record's time, is of another epoch of the stream. */
  mayBeOfThisEpoch(stream: Stream, lastSequence: number, newestNs: number): boolean {
    return !isOtherEpoch(stream, { lastSequence, newestNs }, this.epochs.highTime(stream));
  }

  /** Takes a whole snapshot; joins it to its stream now, or when the lines have reached it. */
  snapshot(stream: number, image: SnapshotImage): SpliceVerdict {
    const target = this.streams[stream];
    if (target === undefined) return "unneeded";
    const verdict = this.splicer.offer(target, image, this.epochs.highTime(target));
    this.arbiter.judge(target);
    this.settle(target);
    this.out.flush();
    return verdict;
  }

  /** The input is over: what is missing is lost, what is held is delivered. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    for (const stream of this.streams) {
      this.epochs.finish(stream);
      this.arbiter.close(stream, "end");
      this.settle(stream);
    }
    this.out.flush();
  }

  stats(): SequencerStats {
    for (const stream of this.streams) this.arbiter.updateRow(stream);
    const { frames, bytes, wrongStream } = this;
    const counts = {
      frames,
      bytes,
      packets: this.packetCount,
      wrongStream,
      doubtfulTimes: this.clock.doubtful,
      heldMemoryBytes: this.budget.used,
    };
    return statsOf(counts, this.streams, this.framing, this.ledger, this.quarantine);
  }

  /** Gaps that are open now, as rows with the state `held`: what a recovery may ask for. */
  openGaps(): GapRow[] {
    const rows: GapRow[] = [];
    const rest = { closedNs: Number.NaN, state: "held", cause: "unknown", end: null } as const;
    for (const { id: stream, epoch, gaps } of this.streams) {
      for (const { from, to, detectedNs } of gaps.list) {
        rows.push({ stream, epoch, from, to, detectedNs, ...rest, repairedBy: null });
      }
    }
    return rows;
  }

  // --- a batch of frames --------------------------------------------------------------------

  /** Finds the packets of all datagrams. */
  private read(frames: FrameBatch): void {
    const { packets, framing } = this;
    const channels = this.channels.list;
    const { view, offset, length, channel } = frames;
    this.framesBefore = this.frames;
    this.frames += frames.count;
    packets.clear();
    let bytes = 0;
    for (let at = 0; at < frames.count; at++) bytes += length[at];
    for (let at = 0; at < frames.count; at++) {
      if (framing.readRun) {
        at = framing.readRun(view, offset, length, at, frames.count, packets);
        if (at === frames.count) break;
      }
      const context = channels[channel[at]] ?? NO_CHANNEL;
      const fault = framing.read(view, offset[at], length[at], at, context, packets);
      if (fault !== Fault.None) this.setAside(FAULT_NAMES[fault] as Reason, frames, at);
    }
    this.bytes += bytes;
    this.packetCount += packets.count;
    this.epochs.view = view;
  }

  /** Goes through the packets of a batch, in runs of the fast path where it may. */
  private run(frames: FrameBatch): void {
    const { fast, packets, doubt } = this;
    doubt.growTo(this.channels);
    doubt.isDoubtful = false;
    fast.latestNs = doubt.latestNs;
    fast.observed = -1;
    let packet = 0;
    for (;;) {
      // Rows of a frame with a doubtful time are marked, which the fast path does not do.
      if (!doubt.isDoubtful) packet = this.runFast(frames, packet);
      if (packet === packets.count) break;
      const at = packets.frame[packet];
      if (fast.observed < at) this.observe(frames, ++fast.observed);
      else this.take(frames, at, packet++);
    }
    while (fast.observed < frames.count - 1) this.observe(frames, ++fast.observed);
  }

  private runFast(frames: FrameBatch, packet: number): number {
    const { fast, clock } = this;
    fast.nowNs = clock.nowNs;
    fast.calmUntilNs = Math.min(this.wakeNs, clock.calmUntilNs);
    const observed = fast.observed;
    const next = fast.run(frames, packet);
    if (fast.observed > observed) this.catchUp(frames);
    return next;
  }

  /** The fast path moved the time on. */
  private catchUp(frames: FrameBatch): void {
    const { nowNs, observed } = this.fast;
    this.clock.nowNs = nowNs;
    this.stampNs = nowNs;
    this.arbiter.nowNs = nowNs;
    this.arbiter.sec = frames.sec[observed];
    this.arbiter.nsec = frames.nsec[observed];
  }

  private end(): void {
    const { touched } = this.fast;
    for (const stream of touched) if (stream.tailOffset >= 0) this.epochs.settleTime(stream);
    touched.length = 0;
    this.out.flush();
  }

  /** A frame's capture time: it may close windows before the frame's own packets count. */
  private observe(frames: FrameBatch, at: number): void {
    const { clock, arbiter, doubt } = this;
    arbiter.sec = frames.sec[at];
    arbiter.nsec = frames.nsec[at];
    const ns = arbiter.stampNs;
    this.stampNs = clock.observe(ns);
    if (clock.wentBack) doubt.startAfresh();
    doubt.observe(frames.channel[at], ns, clock.isFarAhead);
    arbiter.nowNs = clock.nowNs;
    if (clock.stepped) this.cutWindows();
    if (clock.nowNs > this.wakeNs) this.judge();
  }

  // --- the slow path ------------------------------------------------------------------------

  private take(frames: FrameBatch, at: number, packet: number): void {
    const line = this.roster.lineOf(frames.channel[at], this.packets.stream[packet]);
    if (typeof line === "string") this.refuse(line, frames, at, packet);
    else if (this.plausible(frames, at, packet)) {
      const a = this.arrivalOf(frames, at, packet, line);
      if (this.doubt.isDoubtful) a.flags |= RowFlag.ClockDoubtful;
      this.receive(a);
    }
  }

  private receive(a: Arrival): void {
    a.line.packets++;
    a.line.messages += a.numbers;
    this.epochs.receive(a);
    this.settle(a.line.stream);
  }

  /** After every change: may the fast path be taken, and when must the windows be looked at? */
  private settle(stream: Stream): void {
    if (stream.image !== undefined) this.splicer.attempt(stream, this.epochs.highTime(stream));
    this.arbiter.clearIfDue(stream);
    const calm = stream.begun && !stream.standing && stream.gaps.count === 0;
    stream.fastNext = calm && stream.suspects.length === 0 ? stream.next : Number.NaN;
    const deadline = Math.min(this.arbiter.deadline(stream), this.epochs.deadline(stream));
    if (deadline === Number.POSITIVE_INFINITY) return;
    if (deadline < this.wakeNs) this.wakeNs = deadline;
    if (stream.watched) return;
    stream.watched = true;
    this.watched.push(stream);
  }

  private judge(): void {
    const due = this.watched;
    this.watched = [];
    this.wakeNs = Number.POSITIVE_INFINITY;
    for (const stream of due) {
      stream.watched = false;
      this.epochs.judge(stream);
      this.arbiter.judge(stream);
      this.settle(stream);
    }
  }

  private cutWindows(): void {
    this.clock.stepped = false;
    for (const stream of this.watched) {
      this.arbiter.cutWindows(stream);
      this.epochs.cutWindows(stream);
    }
    this.wakeNs = this.watched.length > 0 ? this.clock.nowNs : Number.POSITIVE_INFINITY;
  }

  /** Numbers that no packet can have are set aside before they reach the windows. */
  private plausible(frames: FrameBatch, at: number, packet: number): boolean {
    const { kind, sequence, numbers } = this.packets;
    const first = sequence[packet];
    const messages = kind[packet] === PacketKind.Messages;
    const count = messages ? numbers[packet] : 0;
    let reason: Reason | undefined;
    if (messages && (count < 1 || count > frames.length[at])) reason = "bad_count";
    else if (!(first >= 0 && first + count < Number.MAX_SAFE_INTEGER) || first % 1 !== 0) {
      reason = "bad_sequence";
    }
    if (reason !== undefined) this.setAside(reason, frames, at);
    return reason === undefined;
  }

  private arrivalOf(frames: FrameBatch, at: number, packet: number, line: Line): Arrival {
    const { arrival: a, packets } = this;
    a.line = line;
    a.frame = this.framesBefore + at;
    a.channel = frames.channel[at];
    a.bytes = frames.bytes;
    a.view = frames.view;
    a.kind = packets.kind[packet];
    a.session = packets.session[packet];
    a.sequence = packets.sequence[packet];
    a.numbers = a.kind === PacketKind.Messages ? packets.numbers[packet] : 0;
    a.offsets = packets.messageOffset;
    a.lengths = packets.messageLength;
    a.firstMessage = packets.firstMessage[packet];
    a.messages = Math.min(packets.firstMessage[packet + 1] - a.firstMessage, a.numbers);
    a.sec = frames.sec[at];
    a.nsec = frames.nsec[at];
    a.stampNs = this.stampNs;
    a.flags = 0;
    a.carried = false;
    return a;
  }

  private refuse(reason: Reason, frames: FrameBatch, at: number, packet: number): void {
    if (reason === "wrong_stream" && this.packets.kind[packet] === PacketKind.Messages) {
      this.wrongStream += Math.max(1, this.packets.numbers[packet]);
    }
    this.setAside(reason, frames, at);
  }

  private setAside(reason: Reason, frames: FrameBatch, at: number): void {
    const { sec, nsec, channel, bytes, offset, length } = frames;
    const frame = this.framesBefore + at;
    const from = offset[at];
    this.quarantine.add(reason, frame, sec[at], nsec[at], channel[at], bytes, from, length[at]);
  }
}
