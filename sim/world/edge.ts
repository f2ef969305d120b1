/**
 * A capture host in the world: the collector's core, its send window and a spool in memory, one
 * life after another. Frames that come while it is dead are gone, chunks in the spool are not.
 *
 * Holds that a chunk gives back its frames byte for byte (`FrameCheck`), and that no more is under
 * way than the window allows.
 */
import { COLLECTOR_DEFAULTS, CollectorCore } from "../../collector/core.ts";
import { formerLife } from "../../collector/former.ts";
import { ForwardCore } from "../../collector/forward-core.ts";
import { EdgeRecovery, type EdgeRecoveryOptions, repairsOf } from "../../collector/recovery.ts";
import { type ToSend, WINDOW_CHUNKS } from "../../collector/send-window.ts";
import { LineWatch } from "../../collector/watch.ts";
import type { Feed } from "../../feed/feed.ts";
import type { Channels } from "../../frames/channels.ts";
import type { PackedChunk } from "../../frames/chunk.ts";
import { FrameBatch } from "../../frames/frame-batch.ts";
import { parsePosition, parseRepair, parseRequest } from "../../frames/transport.ts";
import type { Zstd } from "../../frames/zstd-port.ts";
import type { Broker } from "./broker.ts";
import type { WorldCase } from "./case.ts";
import { FrameCheck } from "./frame-check.ts";
import type { Servers } from "./servers.ts";
import { WorldSpool } from "./spool.ts";
import type { Truth } from "./truth.ts";
import type { SocketSink } from "./wire.ts";

const FRAMES = 512;
const BYTES = FRAMES * 64;
/** As the collector knows its one destination. */
const BROKER = "broker";
/** Numbers remembered by a collector; cases have fewer. */
const COPIES_WINDOW = 8192;
/** Recovery at the pace of a case that lasts seconds. */
export const POLICY = {
  askAfterNs: 20e6,
  ticksNs: 2e9,
  tries: 6,
  answerNs: 300e6,
  backoffNs: 50e6,
  backoffMostNs: 400e6,
  snapshotNs: 6e9,
  snapshotTries: 20,
  refreshNs: 300e6,
};

/** From nanoseconds since the exchange's start to the clock of the processes. */
export interface WorldClock {
  readonly startUnixSec: number;
  unixNs(nowNs: number): number;
}

export class Edge implements SocketSink {
  readonly name: string;
  readonly spool: WorldSpool;
  boot = 0;
  /** Chunks sent for the first time, over all boots. */
  sentFirst = 0;
  /** The most that was under way at once. */
  underWayMax = 0;
  readonly problems: string[] = [];
  private core: CollectorCore | null = null;
  private watch: LineWatch | null = null;
  private recovery: EdgeRecovery | null = null;
  private readonly servers: Servers;
  private forward: ForwardCore;
  private readonly world: WorldCase;
  private readonly feed: Feed;
  private readonly channels: Channels;
  private readonly clock: WorldClock;
  private readonly zstd: Zstd;
  private readonly broker: Broker;
  private readonly truth: Truth;
  private isBorn = false;
  private isTearing = false;
  private torn: PackedChunk | undefined;
  private readonly frames = new FrameBatch(FRAMES);
  private readonly bytes = new Uint8Array(BYTES);
  private used = 0;
  private nowNs = 0;
  private check: FrameCheck;

  constructor(
    index: number,
    world: WorldCase,
    feed: Feed,
    channels: Channels,
    clock: WorldClock,
    zstd: Zstd,
    broker: Broker,
    servers: Servers,
    truth: Truth,
  ) {
    this.servers = servers;
    this.name = `edge-${index + 1}`;
    this.world = world;
    this.feed = feed;
    this.channels = channels;
    this.clock = clock;
    this.zstd = zstd;
    this.broker = broker;
    this.truth = truth;
    this.spool = new WorldSpool(world.spoolBytes, world.seed + index, zstd.dictionaries);
    this.forward = new ForwardCore(BROKER, 0, undefined, true, 0);
    this.check = new FrameCheck(zstd, world.keep === "both");
    this.frames.reset(this.bytes);
  }

  get isUp(): boolean {
    return this.core !== null;
  }

  start(nowNs: number): void {
    this.boot = Math.round(this.clock.unixNs(nowNs) / 1e6);
    this.check = new FrameCheck(this.zstd, this.world.keep === "both");
    if (this.isBorn) this.spool.start();
    this.isBorn = true;
    const { spool } = this.spool;
    this.forward = new ForwardCore(BROKER, this.boot, spool, true, this.clock.unixNs(nowNs));
    const { offer, limits } = this.world.servers;
    const asks: EdgeRecoveryOptions = {
      ticks: offer === "ticks" || offer === "both",
      snapshots: offer === "snapshots" || offer === "both",
      policy: { ...POLICY, snapshotsAtOnce: Math.min(2, limits.connections) },
      limits: {
        connections: limits.connections,
        messagesPerRequest: limits.messagesPerRequest,
        spacingNs: limits.spacingMs * 1e6,
      },
    };
    const canAsk = asks.ticks || asks.snapshots;
    this.core = new CollectorCore(
      this.channels,
      () => this.feed,
      this.zstd,
      (chunk) => this.keep(chunk),
      {
        ...COLLECTOR_DEFAULTS,
        collector: this.name,
        boot: this.boot,
        clock: "kernel",
        keep: this.world.keep,
        copiesWindow: COPIES_WINDOW,
        codec: this.world.codec,
        ...(canAsk ? { repairs: repairsOf(asks) } : {}),
      },
    );
    this.core.former = formerLife(spool, this.boot);
    this.watch = canAsk ? new LineWatch(this.channels, () => this.feed) : null;
    this.recovery =
      this.watch === null ? null : new EdgeRecovery(this.feed, this.watch, this.core, asks);
    for (const position of this.broker.retained.values()) this.hear(position, nowNs, true);
  }

  /** `kill -9`: what was in memory is gone, and what was being written is half there. */
  kill(): void {
    if (this.core !== null) this.tearWrite();
    this.core = null;
    this.watch = null;
    this.recovery = null;
    this.reset();
    this.broker.forget(this);
    this.servers.forget(this.name);
  }

  frame(channel: number, timeNs: number, bytes: Uint8Array, offset: number, length: number): void {
    if (this.core === null) return;
    if (this.frames.count === FRAMES || this.used + length > BYTES) this.push();
    const at = this.used;
    // A datagram is short: a loop beats the view that `set` would need.
    for (let byte = 0; byte < length; byte++) this.bytes[at + byte] = bytes[offset + byte];
    this.used += length;
    const sec = Math.floor(timeNs / 1e9);
    const nsec = timeNs - sec * 1e9;
    this.frames.add(at, length, this.clock.startUnixSec + sec, nsec, channel);
    this.truth.arrived(this.bytes, this.frames.view, at, length);
    this.check.pushed(this.frames, this.frames.count - 1);
  }

  tick(nowNs: number): void {
    this.nowNs = nowNs;
    if (this.core === null) return;
    const unixNs = this.clock.unixNs(nowNs);
    this.push();
    this.core.advance(unixNs);
    this.watch?.advance(unixNs);
    if (this.recovery !== null) {
      this.recovery.advance(unixNs);
      this.servers.take(this.name, this.recovery);
    }
    this.pump();
  }

  request(text: string): void {
    const request = parseRequest(text);
    const repair = parseRepair(text);
    if (repair?.ask === "clear") this.core?.clear(repair.feed, repair.stream, repair.command);
    else if (repair !== undefined) this.recovery?.request(repair, this.clock.unixNs(this.nowNs));
    else if (request === undefined)
      this.problems.push(`${this.name} cannot read the request ${text}`);
    else this.forward.window.request(request, (boot) => this.spool.spool.newest(boot));
  }

  hear(text: string, nowNs: number, isRetained = false): void {
    const position = parsePosition(text);
    if (position?.collector !== this.name) return;
    this.forward.hear(position, this.clock.unixNs(nowNs), isRetained);
  }

  forget(consumer: string): void {
    this.forward.window.forget(consumer);
  }

  /** The broker has it. */
  acknowledged(sent: ToSend, nowNs: number): void {
    this.forward.taken(sent, this.clock.unixNs(nowNs));
  }

  /** What was captured long enough ago has had its time to go out: what did not? */
  missing(): string[] {
    const openNs = this.clock.unixNs(this.nowNs) - 2 * COLLECTOR_DEFAULTS.chunkAgeNs;
    const frame = this.core === null ? undefined : this.check.missing(openNs);
    return frame === undefined ? [] : [`${this.name}: no chunk has the frame ${frame}`];
  }

  private push(): void {
    if (this.frames.count > 0) {
      this.core?.push(this.frames, this.clock.unixNs(this.nowNs));
      this.watch?.push(this.frames);
    }
    this.reset();
  }

  private reset(): void {
    this.frames.reset(this.bytes);
    this.used = 0;
  }

  private keep(chunk: PackedChunk): void {
    const problem = this.check.packed(chunk);
    if (problem !== undefined) this.problems.push(`${this.name}: ${problem}`);
    if (this.isTearing) {
      // Half written when the process ended: nobody has it, and nobody may see it.
      this.torn ??= chunk;
      return;
    }
    this.spool.append(chunk, this.clock.unixNs(this.nowNs) / 1e6);
    const oldest = this.spool.spool.oldest(this.boot);
    if (this.core !== null && oldest > 0) this.core.oldestKept = oldest;
    this.forward.offer(chunk);
  }

  /** What the collector would have written next is what the kill tears. */
  private tearWrite(): void {
    this.isTearing = true;
    this.torn = undefined;
    this.core?.finish();
    this.isTearing = false;
    this.spool.kill(this.torn, this.clock.unixNs(this.nowNs) / 1e6);
  }

  private pump(): void {
    const nowNs = this.clock.unixNs(this.nowNs);
    this.spool.tend(nowNs / 1e6);
    for (;;) {
      const next = this.forward.next(nowNs);
      if (next === undefined) return;
      const { underWay } = this.forward.window;
      this.underWayMax = Math.max(this.underWayMax, underWay);
      if (underWay > WINDOW_CHUNKS) this.problems.push(`${this.name} sends too far`);
      if (!next.sent.again) this.sentFirst++;
      this.broker.send(this, next.chunk, next.sent, this.sentFirst);
    }
  }
}
