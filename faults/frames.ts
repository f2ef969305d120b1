/**
 * Datagrams in, the same datagrams impaired out: lost, late, twice, out of order, damaged. One
 * seed, one result. The simulator's lines and the replayer's `--loss --dup --reorder` use it.
 *
 *   push(channel, time, bytes) ──► lost? ──► changed? ──► held back? ──► delayed? ──► sink
 *
 * Streaming: what is not delayed goes straight to the sink without a copy, in its own bytes. What
 * is delayed waits in a bounded queue; when that is full its earliest arrives early, and that is
 * counted as `early`. Assumes that pushes of all channels come in the order of their time. Each channel
 * draws from a generator of its own, so that faults on one do not move those on another.
 */
import { DelayQueue } from "./delay-queue.ts";
import { FaultOptionError, type LineFaults, lineFaults } from "./line-faults.ts";
import { NSE_NUMBERS, type NumberLayout, numberIn, streamIn } from "./numbers.ts";
import { Random } from "./random.ts";
import { FaultLog, type FaultName } from "./record.ts";

export interface FrameSink {
  /** The datagram is `length` bytes at `offset`; only valid during the call. */
  frame(channel: number, timeNs: number, bytes: Uint8Array, offset: number, length: number): void;
}

export interface FrameFaultOptions {
  /** Of every line that `lines` does not name. */
  readonly all: Partial<LineFaults>;
  /** By line, 0 for A; they replace what `all` says of the same fault. */
  readonly lines: readonly (Partial<LineFaults> | undefined)[];
  /** The line of a channel, 0 for A. Without it, channels are lines. */
  readonly lineOf: (channel: number) => number;
  /** Where the numbers are; null where the bytes are not understood. NSE's by default. */
  readonly numbers: NumberLayout | null;
  /** Datagrams on their way at most. */
  readonly queueFrames: number;
  /** Records kept at most. */
  readonly logLimit: number;
}

const LINE_NAMES = "ABCDEFGH";
/** A stream id that no exchange of ours has, and the streams whose first datagram is remembered. */
const FOREIGN_STREAM = 0x7e57;
const REMEMBERED_STREAMS = 256;
const LONGEST = 65_535;
const CHANNELS_LIMIT = 4_096;

interface ChannelState {
  readonly name: string;
  readonly faults: LineFaults;
  readonly random: Random;
  isInBurst: boolean;
  /** Datagrams pushed. */
  pushed: number;
  /** Held back until so many more of the channel were pushed; at most `HELD_LIMIT`. */
  readonly held: { left: number; bytes: Uint8Array }[];
}
const HELD_LIMIT = 64;

export class FrameFaults {
  readonly log: FaultLog;
  private readonly sink: FrameSink;
  private readonly seed: Random;
  /** By line, and of every other line. */
  private readonly faultsOf: readonly LineFaults[];
  private readonly faultsElse: LineFaults;
  private readonly options: FrameFaultOptions;
  private readonly channels: ChannelState[] = [];
  private readonly queue: DelayQueue;
  private readonly scratch = new Uint8Array(LONGEST);
  private readonly scratchView = new DataView(this.scratch.buffer);
  /** First datagram of each stream, which a stale one repeats. */
  private readonly firstOf = new Map<number, Uint8Array>();
  private nowNs = Number.NEGATIVE_INFINITY;

  constructor(options: Partial<FrameFaultOptions>, seed: number, sink: FrameSink) {
    const numbers = options.numbers === undefined ? NSE_NUMBERS : options.numbers;
    const { all = {}, lines = [], queueFrames = 65_536, logLimit = 1_000 } = options;
    const { lineOf = (channel: number) => channel } = options;
    if (!Number.isInteger(queueFrames) || queueFrames < 1) {
      throw new FaultOptionError(`queueFrames is ${queueFrames}, and must be an integer from 1`);
    }
    this.options = { all, lines, lineOf, numbers, queueFrames, logLimit };
    this.sink = sink;
    this.seed = new Random(seed, 3);
    this.log = new FaultLog(logLimit);
    this.queue = new DelayQueue(queueFrames);
    this.faultsElse = lineFaults(all, numbers !== null);
    this.faultsOf = lines.map((own) => lineFaults({ ...all, ...own }, numbers !== null));
  }

  /** Datagrams on their way, held ones included. */
  get waiting(): number {
    return this.channels.reduce((sum, { held }) => sum + held.length, this.queue.count);
  }

  /**
   * A datagram, as it was sent.
   * @param channel one line of one stream, from 0
   * @param timeNs of any origin; exact below 2^53
   */
  push(
    channel: number,
    timeNs: number,
    bytes: Uint8Array,
    offset = 0,
    length = bytes.length - offset,
  ): void {
    this.drain(timeNs);
    while (channel >= this.channels.length) this.channels.push(this.open(this.channels.length));
    const state = this.channels[channel]!;
    state.pushed++;
    if (state.faults.staleRate > 0) this.remember(bytes, offset, length);
    if (!this.isLost(state, timeNs, bytes, offset, length)) {
      this.pass(channel, state, timeNs, bytes, offset, length);
    }
    if (state.held.length > 0) this.countDown(channel, state, timeNs);
  }

  /** Everything that arrives up to `nowNs`. */
  drain(nowNs: number): void {
    while (this.queue.nextNs <= nowNs) this.release();
    if (nowNs > this.nowNs) this.nowNs = nowNs;
  }

  /** The input is over: everything that is still on its way arrives. */
  finish(): void {
    for (const [channel, state] of this.channels.entries()) {
      for (const { bytes } of state.held.splice(0)) {
        this.deliver(channel, state, this.nowNs, bytes, 0, bytes.length);
      }
    }
    while (this.queue.count > 0) this.release();
  }

  private open(channel: number): ChannelState {
    if (channel >= CHANNELS_LIMIT) {
      throw new FaultOptionError(`channel ${channel}: there are at most ${CHANNELS_LIMIT}`);
    }
    const line = this.options.lineOf(channel);
    return {
      name: LINE_NAMES[line] ?? `${line + 1}`,
      faults: this.faultsOf[line] ?? this.faultsElse,
      random: this.seed.fork(channel),
      isInBurst: false,
      pushed: 0,
      held: [],
    };
  }

  private isLost(
    state: ChannelState,
    timeNs: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): boolean {
    const { faults, random } = state;
    if (faults.outages.some(({ fromNs, untilNs }) => timeNs >= fromNs && timeNs < untilNs)) {
      this.note("outage", state, bytes, offset, length);
      return true;
    }
    const changes = state.isInBurst ? faults.burstLeaveRate : faults.burstEnterRate;
    if (random.chance(changes)) state.isInBurst = !state.isInBurst;
    if (state.isInBurst && random.chance(faults.burstLossRate)) {
      this.note("burst", state, bytes, offset, length);
      return true;
    }
    if (!random.chance(faults.lossRate)) return false;
    this.note("drop", state, bytes, offset, length);
    return true;
  }

  /** Adds what comes besides the datagram, changes it, and holds it back or lets it go. */
  private pass(
    channel: number,
    state: ChannelState,
    timeNs: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const { faults, random } = state;
    if (random.chance(faults.foreignRate)) this.sendForeign(channel, state, bytes, offset, length);
    if (random.chance(faults.staleRate)) this.sendStale(channel, state, bytes, offset, length);
    if (random.chance(faults.duplicateRate)) {
      this.note("duplicate", state, bytes, offset, length);
      const lag = random.below(faults.duplicateDelayNs + 1);
      this.enqueue(channel, timeNs + faults.delayNs + lag, bytes, offset, length);
    }
    const damaged = this.damage(state, bytes, offset, length);
    const from = damaged >= 0 ? this.scratch : bytes;
    const at = damaged >= 0 ? 0 : offset;
    const size = damaged >= 0 ? damaged : length;
    if (random.chance(faults.reorderRate) && state.held.length < HELD_LIMIT) {
      this.note("reorder", state, bytes, offset, length);
      // One more than is to overtake, since this datagram's own push counts down too.
      const left = 2 + random.below(Math.max(1, faults.reorderFrames));
      state.held.push({ left, bytes: from.slice(at, at + size) });
    } else this.deliver(channel, state, timeNs, from, at, size);
  }

  /** Writes the damaged datagram to `scratch` and returns its length; -1 if it stays whole. */
  private damage(state: ChannelState, bytes: Uint8Array, offset: number, length: number): number {
    const { faults, random } = state;
    const { numbers } = this.options;
    if (length > 1 && random.chance(faults.truncateRate)) {
      this.note("truncate", state, bytes, offset, length);
      this.scratch.set(bytes.subarray(offset, offset + length));
      return random.below(length);
    }
    if (length > 0 && random.chance(faults.corruptRate)) {
      this.note("corrupt", state, bytes, offset, length);
      this.scratch.set(bytes.subarray(offset, offset + length));
      const at = random.below(length);
      const times = Math.min(length, 1 + random.below(3));
      // Neighbours, so that no second change undoes the first.
      for (let time = 0; time < times; time++) {
        this.scratch[(at + time) % length]! ^= 1 + random.below(255);
      }
      return length;
    }
    // A heartbeat has no number that two lines could disagree on.
    if (numberIn(numbers, bytes, offset, length) > 0 && random.chance(faults.conflictRate)) {
      this.note("conflict", state, bytes, offset, length);
      this.scratch.set(bytes.subarray(offset, offset + length));
      this.scratch[length - 4]! ^= 1 + random.below(127);
      return length;
    }
    return -1;
  }

  private sendForeign(
    channel: number,
    state: ChannelState,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const { numbers } = this.options;
    if (numbers === null || length < numbers.streamOffset + 2) return;
    this.note("foreign", state, bytes, offset, length);
    this.scratch.set(bytes.subarray(offset, offset + length));
    this.scratchView.setUint16(numbers.streamOffset, FOREIGN_STREAM, numbers.littleEndian);
    this.deliver(channel, state, this.nowNs, this.scratch, 0, length);
  }

  private sendStale(
    channel: number,
    state: ChannelState,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const { numbers } = this.options;
    const old = this.firstOf.get(streamIn(this.options.numbers, bytes, offset, length));
    if (numbers === null || old === undefined) return;
    this.note("stale", state, bytes, offset, length);
    this.scratch.set(old);
    this.scratchView.setUint32(numbers.sequenceOffset, 1, numbers.littleEndian);
    this.deliver(channel, state, this.nowNs, this.scratch, 0, old.length);
  }

  private remember(bytes: Uint8Array, offset: number, length: number): void {
    const stream = streamIn(this.options.numbers, bytes, offset, length);
    if (this.firstOf.has(stream) || this.firstOf.size >= REMEMBERED_STREAMS) return;
    // A heartbeat has no number; a message that carries one is remembered.
    if (numberIn(this.options.numbers, bytes, offset, length) > 0) {
      this.firstOf.set(stream, bytes.slice(offset, offset + length));
    }
  }

  private countDown(channel: number, state: ChannelState, timeNs: number): void {
    for (const held of state.held) held.left--;
    while (state.held.length > 0) {
      const at = state.held.findIndex(({ left }) => left <= 0);
      if (at < 0) return;
      const { bytes } = state.held[at]!;
      state.held.splice(at, 1);
      this.deliver(channel, state, timeNs, bytes, 0, bytes.length);
    }
  }

  /** To the sink at once, or on its way if the channel delays. */
  private deliver(
    channel: number,
    state: ChannelState,
    timeNs: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const { faults, random } = state;
    const jitter = faults.jitterNs > 0 ? random.below(faults.jitterNs + 1) : 0;
    const delay = faults.delayNs + jitter;
    if (delay === 0) this.sink.frame(channel, timeNs, bytes, offset, length);
    else this.enqueue(channel, timeNs + delay, bytes, offset, length);
    if (jitter > 0) this.log.tally("delay");
  }

  private enqueue(
    channel: number,
    dueNs: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    if (this.queue.isFull) {
      this.log.tally("early");
      this.release();
    }
    this.queue.push(channel, dueNs, bytes, offset, length);
  }

  private release(): void {
    const { queue } = this;
    queue.take();
    this.sink.frame(queue.line, queue.timeNs, queue.bytes, 0, queue.length);
  }

  private note(
    fault: FaultName,
    state: ChannelState,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const stream = streamIn(this.options.numbers, bytes, offset, length);
    const number = Number.isNaN(stream)
      ? state.pushed
      : numberIn(this.options.numbers, bytes, offset, length);
    this.log.add(fault, state.name, stream, number);
  }
}
