/**
 * From datagrams to messages: each number once, in order, from whichever line brought it first;
 * what is missing, doubled, late or in conflict is counted and kept in the ledger.
 *
 * One sequencer serves one feed. A packet that is next on its stream, and a copy of a message that
 * is still remembered, take the fast path here: no copying, no object. Everything else goes through
 * `epochs.ts` (which epoch is it of?) and `arbiter.ts` (what is missing, what waits). The result
 * does not depend on how the frames are cut into batches. Memory is bounded by the options.
 */
import type { ChannelContext, Framing } from "../feed/feed.ts";
import { MessageKind, RowFlag } from "../feed/message-batch.ts";
import { FAULT_NAMES, Fault, PacketBatch, PacketKind } from "../feed/packet-batch.ts";
import type { Channels } from "../frames/channels.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { Arbiter } from "./arbiter.ts";
import { Arrival } from "./arrival.ts";
import { CaptureClock } from "./clock.ts";
import type { DeliverySink } from "./delivery.ts";
import { Epochs } from "./epochs.ts";
import { hashOf } from "./hash.ts";
import { Budget } from "./held.ts";
import { type GapRow, Ledger } from "./ledger.ts";
import { Line, RECOVERY } from "./line.ts";
import { DEFAULT_OPTIONS, type SequencerOptions } from "./options.ts";
import { Outlet } from "./outlet.ts";
import { Quarantine, type Reason } from "./quarantine.ts";
import { lowNs } from "./recent.ts";
import { type SequencerStats, statsOf } from "./stats.ts";
import { Stream } from "./stream.ts";

export type { SequencerOptions } from "./options.ts";

/** Numbers whose copies can be compared: of the first streams, and of those beyond. */
const RECENT = 65536;
const RECENT_STREAMS = 64;
const RECENT_BEYOND = 1024;
const LINES = 16;
const MAX_SEQUENCE = Number.MAX_SAFE_INTEGER;
const NO_CHANNEL: ChannelContext = { stream: 0 };

export class Sequencer {
  /** Dense; a message's `stream` is an index in it. */
  readonly streams: Stream[] = [];
  readonly ledger: Ledger;
  readonly quarantine = new Quarantine();
  private readonly framing: Framing;
  private readonly channels: Channels;
  private readonly options: SequencerOptions;
  private readonly out: Outlet;
  private readonly arbiter: Arbiter;
  private readonly epochs: Epochs;
  private readonly clock = new CaptureClock();
  private readonly budget: Budget;
  private readonly packets = new PacketBatch();
  private readonly byId = new Map<number, Stream>();
  /** The line that the channel's last packet was of. */
  private readonly lineOfChannel: (Line | undefined)[] = [];
  private readonly arrival: Arrival;
  /** Streams whose windows have to be looked at, and the earliest time for it. */
  private watched: Stream[] = [];
  private wakeNs = Number.POSITIVE_INFINITY;
  /** Streams whose high-water mark's message lies in the batch being pushed. */
  private readonly touched: Stream[] = [];
  private stampNs = 0;
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
    this.framing = framing;
    this.channels = channels;
    this.options = { ...DEFAULT_OPTIONS, ...options };
    this.ledger = new Ledger(this.options.ledgerRows);
    this.out = new Outlet(sink, this.options.batchMessages);
    this.budget = new Budget(this.options.windowBytes);
    this.arbiter = new Arbiter(framing, this.out, this.ledger, this.options);
    this.epochs = new Epochs(framing, this.arbiter, this.out, this.quarantine, this.options);
    const nobody = new Stream(-1, -1, 0, this.budget, 1);
    const nothing = new Uint8Array(0);
    const line = new Line(nobody, 0, 0, 0);
    this.arrival = new Arrival(line, this.packets, nothing, new DataView(nothing.buffer));
  }

  /** Takes captured datagrams in the order of capture; delivers before it returns. */
  push(frames: FrameBatch): void {
    this.begin(frames);
    for (let at = 0; at < frames.count; at++) {
      this.observe(frames.sec[at], frames.nsec[at]);
      const count = this.read(frames, at);
      for (let packet = 0; packet < count; packet++) this.take(frames, at, packet);
    }
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
    this.begin(frames);
    for (let at = 0; at < frames.count; at++) {
      const count = this.read(frames, at);
      for (let packet = 0; packet < count; packet++) {
        if (this.packets.stream[packet] !== target.id) this.notWanted(frames, at, packet);
        else if (this.plausible(frames, at, packet)) {
          this.countPacket(line, packet);
          const a = this.arrivalOf(frames, at, packet, line);
          a.flags = RowFlag.Recovered;
          if (epoch === target.epoch) this.receive(a);
          else this.arbiter.late(a, a.sequence, a.last);
        }
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

  /** The operator's command: the exchange dropped the stream's orders without saying so. */
  clear(stream: number): void {
    const { sec, nsec } = this.arbiter;
    const target = this.streams[stream];
    if (target === undefined) return;
    this.out.add(MessageKind.Clear, stream, target.position, 0, 0, sec, nsec, target.flags);
    this.out.flush();
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
    const counts = {
      frames: this.frames,
      bytes: this.bytes,
      packets: this.packetCount,
      wrongStream: this.wrongStream,
      doubtfulTimes: this.clock.doubtful,
      heldMemoryBytes: this.budget.used,
    };
    return statsOf(counts, this.streams, this.framing, this.ledger, this.quarantine);
  }

  /** Gaps that are open now, as rows with the state `held`: what a recovery may ask for. */
  openGaps(): GapRow[] {
    const rows: GapRow[] = [];
    for (const { id: stream, epoch, gaps } of this.streams) {
      for (const { from, to, detectedNs } of gaps.list) {
        const fixed = { state: "held", cause: "unknown", end: null, repairedBy: null } as const;
        rows.push({ stream, epoch, from, to, detectedNs, closedNs: Number.NaN, ...fixed });
      }
    }
    return rows;
  }

  // --- frames to packets --------------------------------------------------------------------

  private begin(frames: FrameBatch): void {
    this.epochs.view = frames.view;
    this.out.lieOver(frames.bytes, frames.view);
  }

  private end(): void {
    for (const stream of this.touched) if (stream.tailOffset >= 0) this.epochs.settleTime(stream);
    this.touched.length = 0;
    this.out.flush();
  }

  private observe(sec: number, nsec: number): void {
    const { clock, arbiter } = this;
    this.stampNs = clock.observe(sec * 1e9 + nsec);
    arbiter.sec = sec;
    arbiter.nsec = nsec;
    arbiter.nowNs = clock.nowNs;
    if (clock.stepped) this.cutWindows();
    if (clock.nowNs > this.wakeNs) this.judge();
  }

  private read(frames: FrameBatch, at: number): number {
    const { packets, framing, channels } = this;
    const length = frames.length[at];
    this.frames++;
    this.bytes += length;
    packets.clear();
    const context = channels.list[frames.channel[at]] ?? NO_CHANNEL;
    const fault = framing.read(frames.view, frames.offset[at], length, at, context, packets);
    if (fault !== Fault.None) this.setAside(FAULT_NAMES[fault] as Reason, frames, at);
    this.packetCount += packets.count;
    return packets.count;
  }

  private take(frames: FrameBatch, at: number, packet: number): void {
    const packets = this.packets;
    const channel = frames.channel[at];
    let line = this.lineOfChannel[channel];
    if (line === undefined || line.stream.id !== packets.stream[packet]) {
      line = this.lineOf(channel, packets.stream[packet], frames, at);
      if (line === undefined) {
        this.notWanted(frames, at, packet);
        return;
      }
    }
    const stream = line.stream;
    const straight =
      packets.kind[packet] === PacketKind.Messages &&
      packets.session[packet] === stream.session &&
      line.epoch === stream.epoch;
    if (straight && packets.sequence[packet] === stream.fastNext) {
      if (this.takeNext(frames, at, packet, line)) return;
    } else if (straight && packets.sequence[packet] < stream.fastNext) {
      if (this.takeCopy(frames, at, packet, line)) return;
    }
    if (!this.plausible(frames, at, packet)) return;
    this.countPacket(line, packet);
    this.receive(this.arrivalOf(frames, at, packet, line));
  }

  /** The fast path: nothing waits and the packet is next. */
  private takeNext(frames: FrameBatch, at: number, packet: number, line: Line): boolean {
    const packets = this.packets;
    const stream = line.stream;
    const from = packets.firstMessage[packet];
    const end = packets.firstMessage[packet + 1];
    const numbers = end - from;
    if (numbers === 0 || packets.numbers[packet] !== numbers) return false;
    if (stream.guarded) {
      const { messageOffset, messageLength } = packets;
      const time = this.framing.messageTime(frames.view, messageOffset[from], messageLength[from]);
      if (time <= stream.formerTimeNs) return false;
    }
    const out = this.out;
    const recent = stream.recent;
    const flags = stream.flags;
    const sec = frames.sec[at];
    const nsec = frames.nsec[at];
    const arrived = lowNs(sec, nsec);
    let number = stream.next;
    if (number + numbers > MAX_SEQUENCE) return false;
    line.packets++;
    line.messages += numbers;
    line.firstArrivals += numbers;
    out.lieOver(frames.bytes, frames.view);
    for (let message = from; message < end; message++, number++) {
      const offset = packets.messageOffset[message];
      const length = packets.messageLength[message];
      recent.put(number, hashOf(frames.view, offset, length), arrived, line.place);
      out.message(stream.index, number, offset, length, sec, nsec, flags);
    }
    if (stream.tailOffset < 0) this.touched.push(stream);
    stream.tailOffset = packets.messageOffset[end - 1];
    stream.tailLength = packets.messageLength[end - 1];
    line.brought(stream.next, number - 1);
    stream.delivered += numbers;
    stream.next = number;
    stream.high = number - 1;
    stream.fastNext = number;
    return true;
  }

  /** The other fast path: every message is remembered and byte for byte the same. */
  private takeCopy(frames: FrameBatch, at: number, packet: number, line: Line): boolean {
    const packets = this.packets;
    const { recent, high, lines } = line.stream;
    const from = packets.firstMessage[packet];
    const numbers = packets.firstMessage[packet + 1] - from;
    const first = packets.sequence[packet];
    if (numbers === 0 || packets.numbers[packet] !== numbers) return false;
    if (first <= high - recent.size || first + numbers - 1 > high) return false;
    for (let i = 0; i < numbers; i++) {
      const offset = packets.messageOffset[from + i];
      const hash = hashOf(frames.view, offset, packets.messageLength[from + i]);
      if (recent.words[((first + i) & recent.mask) * 2] !== hash) return false;
    }
    const arrived = lowNs(frames.sec[at], frames.nsec[at]);
    for (let i = 0; i < numbers; i++) {
      const slot = (first + i) & recent.mask;
      const leader = lines[recent.line[slot]];
      if (leader !== undefined && leader !== line) {
        leader.led((arrived - recent.words[slot * 2 + 1]) | 0);
      }
    }
    line.packets++;
    line.messages += numbers;
    line.duplicates += numbers;
    line.brought(first, first + numbers - 1);
    return true;
  }

  // --- the slow path ------------------------------------------------------------------------

  private receive(a: Arrival): void {
    this.epochs.receive(a);
    this.settle(a.line.stream);
  }

  /** After every change: may the fast path be taken, and when must the windows be looked at? */
  private settle(stream: Stream): void {
    const calm = stream.begun && !stream.starting && stream.gaps.count === 0;
    stream.fastNext = calm && stream.suspects.length === 0 ? stream.next : -1;
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

  private plausible(frames: FrameBatch, at: number, packet: number): boolean {
    const { kind, sequence, numbers } = this.packets;
    const first = sequence[packet];
    const count = kind[packet] === PacketKind.Messages ? numbers[packet] : 0;
    let reason: Reason | undefined;
    if (kind[packet] === PacketKind.Messages && (count < 1 || count > frames.length[at])) {
      reason = "bad_count";
    } else if (!(first >= 0 && first + count < MAX_SEQUENCE) || first % 1 !== 0) {
      reason = "bad_sequence";
    }
    if (reason === undefined) return true;
    this.setAside(reason, frames, at);
    return false;
  }

  private countPacket(line: Line, packet: number): void {
    line.packets++;
    if (this.packets.kind[packet] === PacketKind.Messages) {
      line.messages += this.packets.numbers[packet];
    }
  }

  private arrivalOf(frames: FrameBatch, at: number, packet: number, line: Line): Arrival {
    const { arrival: a, packets } = this;
    a.line = line;
    a.frame = this.frames - 1;
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
    const messages = packets.firstMessage[packet + 1] - a.firstMessage;
    a.messages = Math.min(messages, a.numbers);
    a.sec = frames.sec[at];
    a.nsec = frames.nsec[at];
    a.stampNs = this.stampNs;
    a.flags = 0;
    a.carried = false;
    return a;
  }

  // --- streams and lines --------------------------------------------------------------------

  private lineOf(channel: number, id: number, frames: FrameBatch, at: number): Line | undefined {
    const table = this.channels.list[channel];
    if (table !== undefined && table.stream !== 0 && table.stream !== id) return undefined;
    const stream = this.byId.get(id) ?? this.addStream(id);
    if (stream === undefined) {
      this.setAside("too_many_streams", frames, at);
      return undefined;
    }
    const line = lineFor(stream, channel, table?.line ?? -1);
    this.lineOfChannel[channel] = line;
    return line;
  }

  private addStream(id: number): Stream | undefined {
    const index = this.streams.length;
    if (index >= this.options.maxStreams) return undefined;
    const recent = index < RECENT_STREAMS ? RECENT : RECENT_BEYOND;
    const stream = new Stream(index, id, this.options.windowMessages, this.budget, recent);
    this.streams.push(stream);
    this.byId.set(id, stream);
    return stream;
  }

  private notWanted(frames: FrameBatch, at: number, packet: number): void {
    const id = this.packets.stream[packet];
    if (!this.byId.has(id) && this.streams.length >= this.options.maxStreams) return;
    if (this.packets.kind[packet] === PacketKind.Messages) {
      this.wrongStream += Math.max(1, this.packets.numbers[packet]);
    }
    this.setAside("wrong_stream", frames, at);
  }

  private setAside(reason: Reason, frames: FrameBatch, at: number): void {
    const { sec, nsec, channel, bytes, offset, length } = frames;
    const frame = this.frames - 1;
    const from = offset[at];
    this.quarantine.add(reason, frame, sec[at], nsec[at], channel[at], bytes, from, length[at]);
  }
}

/** The table's line, else the next free one in order of appearance; the last takes the overflow. */
function lineFor(stream: Stream, channel: number, wanted: number): Line {
  let index = wanted;
  if (index < 0) {
    const known = stream.lineOfChannel.get(channel);
    if (known !== undefined) return known;
    index = 0;
    while (stream.lines.some((line) => line.index === index)) index++;
  }
  let line = stream.lines.find((other) => other.index === index);
  if (line === undefined && stream.lines.length < LINES) {
    const epoch = stream.epoch === 0 ? 0 : stream.epoch - 1;
    line = new Line(stream, index, stream.lines.length, epoch);
    stream.lines.push(line);
  }
  line ??= stream.lines[LINES - 1];
  stream.lineOfChannel.set(channel, line);
  return line;
}
