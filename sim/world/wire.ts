/**
 * The wire between the exchange and the capture hosts: what the schedule strikes by number, then
 * each host's own noise.
 *
 *   Lines ─► schedule (drop, damage, delay, outage …) ─► FrameFaults of each host ─► its socket
 *
 * Datagrams reach the noise in the order of their time, as it asks for.
 */
import { DelayQueue } from "../../faults/delay-queue.ts";
import { FrameFaults } from "../../faults/frames.ts";
import { Random } from "../../faults/random.ts";
import type { LineSink } from "../exchange/lines.ts";
import type { WorldCase } from "./case.ts";
import { isLineCommand, type LineCommand, type OutageCommand } from "./commands.ts";
import type { Strikes } from "./strikes.ts";
import { isHeartbeatAt, numberAt } from "./truth.ts";

export interface SocketSink {
  /** @param channel index in the world's channel table: `(stream - 1) * 2 + line` */
  frame(channel: number, timeNs: number, bytes: Uint8Array, offset: number, length: number): void;
}

export const channelOf = (stream: number, line: number) => (stream - 1) * 2 + line;

/** Datagrams on their way at once: a case has fewer. */
export const QUEUE = 16_384;
const FOREIGN_STREAM = 0x7e57;

export class Wire implements LineSink {
  readonly faults: readonly FrameFaults[];
  /** By stream. */
  private readonly commands: ReadonlyMap<number, readonly LineCommand[]>;
  private readonly outages: readonly OutageCommand[];
  private readonly strikes: Strikes;
  private readonly random: Random;
  private readonly late = new DelayQueue(QUEUE);
  /** By channel: the epoch that the line is in, and its last number. */
  private readonly epoch: number[] = [];
  private readonly last: number[] = [];
  /** By stream: the first message of all. */
  private readonly firstOf = new Map<number, Uint8Array>();
  private viewed: Uint8Array = new Uint8Array(0);
  private view: DataView = new DataView(this.viewed.buffer);

  constructor(world: WorldCase, sockets: readonly SocketSink[], strikes: Strikes) {
    this.commands = Map.groupBy(world.commands.filter(isLineCommand), ({ stream }) => stream);
    this.outages = world.commands.filter((command) => command.kind === "outage");
    this.strikes = strikes;
    this.random = new Random(world.seed, 11);
    this.faults = sockets.map((socket, host) => {
      const lineOf = (channel: number) => channel % 2;
      const options = { lines: world.noise.lines, lineOf, logLimit: 200, queueFrames: QUEUE };
      return new FrameFaults(options, world.seed + host, socket);
    });
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
    const view = this.viewOf(bytes);
    const number = isHeartbeatAt(view, offset) ? 0 : numberAt(view, offset);
    const channel = channelOf(stream, line);
    const epoch = this.track(channel, number);
    if (this.isOut(line, sendNs)) {
      if (number > 0) this.strikes.number("outage", stream, epoch, number, line);
      return;
    }
    if (number > 0 && !this.firstOf.has(stream)) {
      this.firstOf.set(stream, bytes.slice(offset, offset + length));
    }
    let copy: Uint8Array | undefined;
    for (const command of this.commands.get(stream) ?? []) {
      const isStruck =
        number > 0 &&
        (command.line === line || command.line === 2) &&
        command.epoch === epoch &&
        number >= command.from &&
        number <= command.to;
      if (!isStruck) continue;
      const before = copy ?? bytes.slice(offset, offset + length);
      this.strikes.number(command.kind, stream, epoch, number, line);
      copy = this.strike(command, channel, sendNs, before);
      if (copy === undefined) return;
      // What one command has cut short the next cannot strike.
      if (copy.length < length) break;
    }
    if (copy === undefined) this.pass(channel, sendNs, bytes, offset, length);
    else this.pass(channel, sendNs, copy);
  }

  /** Everything that arrives up to `nowNs`. */
  drain(nowNs: number): void {
    while (this.late.nextNs <= nowNs) {
      this.late.take();
      const { line: channel, timeNs, bytes, length } = this.late;
      this.pass(channel, timeNs, bytes, 0, length);
    }
    for (const faults of this.faults) faults.drain(nowNs);
  }

  get waitingMax(): number {
    return this.late.highWater;
  }

  /** What is left of a datagram that a command strikes; undefined: nothing, or not now. */
  private strike(
    { kind, byMs, stream }: LineCommand,
    channel: number,
    nowNs: number,
    whole: Uint8Array,
  ): Uint8Array | undefined {
    const { random } = this;
    const view = new DataView(whole.buffer);
    switch (kind) {
      case "drop":
        return undefined;
      case "delay":
        this.hold(channel, nowNs + byMs * 1e6, whole);
        return undefined;
      case "duplicate":
        this.hold(channel, nowNs + byMs * 1e6, whole);
        return whole;
      case "truncate":
        return whole.slice(0, random.below(whole.length));
      case "corrupt":
        // Its own length: a receiver without checksums can only tell damage that it can see.
        view.setInt16(0, 1 + random.below(5000) + whole.length, true);
        return whole;
      case "conflict":
        // Four million more: a quantity that could be, unlike none at all.
        whole[whole.length - 2] ^= 0x40;
        return whole;
      case "foreign": {
        const foreign = whole.slice();
        new DataView(foreign.buffer).setUint16(2, FOREIGN_STREAM, true);
        this.pass(channel, nowNs, foreign);
        return whole;
      }
      case "stale": {
        const first = this.firstOf.get(stream);
        if (first !== undefined && numberAt(new DataView(first.buffer), 0) === 1) {
          this.pass(channel, nowNs, first);
        }
        return whole;
      }
    }
  }

  private hold(channel: number, dueNs: number, whole: Uint8Array): void {
    if (!this.late.isFull) this.late.push(channel, dueNs, whole, 0, whole.length);
  }

  private pass(
    channel: number,
    timeNs: number,
    bytes: Uint8Array,
    offset = 0,
    length = bytes.length,
  ): void {
    for (const faults of this.faults) faults.push(channel, timeNs, bytes, offset, length);
  }

  /** Datagrams come from few buffers, one after another. */
  private viewOf(bytes: Uint8Array): DataView {
    if (bytes !== this.viewed) {
      this.viewed = bytes;
      this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    }
    return this.view;
  }

  private track(channel: number, number: number): number {
    const epoch = this.epoch[channel] ?? 0;
    if (number === 0) return epoch;
    const isBack = number < (this.last[channel] ?? 0);
    this.last[channel] = number;
    this.epoch[channel] = isBack ? epoch + 1 : epoch;
    return this.epoch[channel];
  }

  private isOut(line: number, nowNs: number): boolean {
    return this.outages.some(
      ({ line: struck, atMs, forMs }) =>
        (struck === line || struck === 2) && nowNs >= atMs * 1e6 && nowNs < (atMs + forMs) * 1e6,
    );
  }
}
