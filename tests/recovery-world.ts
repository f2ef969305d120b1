/**
 * A capture host, its exchange and a centre on virtual time, all by their production cores: what both
 * lines lose is asked of the exchange's servers, and the centre's books are held against the
 * auditor's. For tests of recovery; nothing on the way to the centre is lost unless told.
 */
import type { Cleared } from "../book/clears.ts";
import type { IntakeOptions } from "../book/intake.ts";
import { Live } from "../book/live.ts";
import type { RepairOptions } from "../book/repairs.ts";
import { COLLECTOR_DEFAULTS, CollectorCore } from "../collector/core.ts";
import { EdgeRecovery, type EdgeRecoveryOptions, repairsOf } from "../collector/recovery.ts";
import { LineWatch } from "../collector/watch.ts";
import { RecoveryFaultDraw, type RecoveryFaults } from "../faults/recovery.ts";
import { SnapshotFaultDraw, type SnapshotFaults } from "../faults/snapshots.ts";
import { feedById } from "../feed/registry.ts";
import { Channels } from "../frames/channels.ts";
import type { PackedChunk } from "../frames/chunk.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import type { ControlRequest, RepairRequest } from "../frames/transport.ts";
import { openZstd } from "../frames/zstd.ts";
import { Exchange } from "../sim/exchange/exchange.ts";
import { Lines } from "../sim/exchange/lines.ts";
import { type ExchangeOptions, unixSeconds } from "../sim/exchange/options.ts";
import type { ServerLimits } from "../sim/servers/limits.ts";
import { OneRequestServer } from "../sim/servers/one-request.ts";
import { type SnapshotOptions, Snapshots } from "../sim/servers/snapshots.ts";
import { TickRecovery, type TickRecoveryOptions } from "../sim/servers/tick-recovery.ts";
import type { Stream } from "../streams/stream.ts";
import { type Judged, judgeBooks } from "./recovery-judge.ts";

export interface WorldOptions {
  readonly exchange: Partial<ExchangeOptions>;
  /** Trading, then quiet with heartbeats only; ms. */
  readonly tradingMs: number;
  readonly quietMs: number;
  /** Neither line brings it. */
  readonly isLost: (stream: number, sequence: number, atMs: number) => boolean;
  /** The chunk never reaches the centre, however often it is asked for. */
  readonly isChunkLost?: (number: number) => boolean;
  readonly centreFromMs?: number;
  readonly edge?: Partial<EdgeRecoveryOptions>;
  readonly repairs?: Partial<RepairOptions>;
  readonly intake?: Partial<IntakeOptions>;
  readonly tickServer?: Partial<TickRecoveryOptions>;
  readonly imageServer?: Partial<SnapshotOptions>;
  readonly limits?: Partial<ServerLimits>;
  readonly tickFaults?: Partial<RecoveryFaults>;
  readonly imageFaults?: Partial<SnapshotFaults>;
  readonly seed: number;
  /** The operator clears a stream. */
  readonly clear?: { readonly stream: number; readonly atMs: number } | undefined;
}

const MS = 1e6;
const WINDOW_NS = 20e6;
const LINE_B_NS = 300_000;
/** Effects take so many ticks of a millisecond to the server, and answers back. */
const JUDGE_EVERY_MS = 50;

/** What one side does to the other at the next tick. */
type Act = () => void;

export class RecoveryWorld {
  readonly exchange: Exchange;
  readonly recovery: EdgeRecovery;
  readonly live: Live;
  readonly servers: { readonly ticks: OneRequestServer; readonly snapshot: OneRequestServer };
  readonly watch: LineWatch;
  /** Where a valid book differed from the auditor's, in words. */
  readonly problems: string[] = [];
  /** Moments at which a stream was looked at, and at which its books were valid. */
  looked = 0;
  valid = 0;
  readonly chunkKinds = new Map<string, number>();
  private readonly options: WorldOptions;
  private readonly core: CollectorCore;
  private readonly lines: Lines;
  private readonly frames = new FrameBatch(4096);
  private readonly bytes = new Uint8Array(4096 * 64);
  private readonly baseNs: number;
  private readonly judged = new Map<number, Judged>();
  private used = 0;
  private acts: Act[] = [];
  private arrived: PackedChunk[] = [];
  /** Every chunk since the centre has been there, by number. */
  readonly kept = new Map<number, PackedChunk>();
  private nowMs = 0;
  /** Resolves when the operator's clear was done. */
  cleared: Promise<Cleared> | undefined;

  constructor(options: WorldOptions) {
    this.options = options;
    const endNs = options.tradingMs * MS;
    this.exchange = new Exchange({ heartbeatNs: 40 * MS, ...options.exchange, endNs });
    this.baseNs = unixSeconds(this.exchange.options.startSec) * 1e9;
    this.lines = new Lines(this.exchange, [0, LINE_B_NS]);
    const channels = this.channels();
    const policy = { refreshNs: 100 * MS, ...options.edge?.policy };
    const edge = { ticks: true, snapshots: true, ...options.edge, policy };
    const feedOf = () => feedById("nse-fo");
    this.core = new CollectorCore(channels, feedOf, openZstd(), (chunk) => this.sent(chunk), {
      ...COLLECTOR_DEFAULTS,
      ...{ collector: "edge", boot: 1, clock: "kernel", chunkAgeNs: 5 * MS },
      repairs: repairsOf(edge),
    });
    this.watch = new LineWatch(channels, feedOf);
    this.recovery = new EdgeRecovery(feedById("nse-fo")!, this.watch, this.core, edge);
    this.servers = this.openServers();
    this.live = new Live({
      zstd: openZstd(),
      sequencer: { windowNs: WINDOW_NS },
      intake: { holdNs: 200e6, askAgainNs: 100e6, ...options.intake },
      repairs: {
        askAfterNs: 60e6,
        rangesAgainNs: 100e6,
        snapshotAgainNs: 200e6,
        ...options.repairs,
      },
      ask: (_collector, request) => this.acts.push(() => this.asked(request)),
    });
    this.frames.reset(this.bytes);
  }

  /** Runs to the end of trading and of the quiet after it. */
  run(): this {
    const { tradingMs, quietMs } = this.options;
    for (let ms = 1; ms <= tradingMs + quietMs; ms++) this.tick(ms);
    return this;
  }

  /** The centre's streams by the exchange's id. */
  stream(id: number): Stream {
    const streams = this.live.feeds.get("nse-fo")?.pipeline.sequencer.streams ?? [];
    const stream = streams.find((other) => other.id === id);
    if (stream === undefined) throw new Error(`nothing of stream ${id} came`);
    return stream;
  }

  /** Streams whose books are not whole at the end, in words. */
  unrepaired(): string[] {
    const found: string[] = [];
    for (const { id, publisher } of this.exchange.streams) {
      const { state, flags, position, lostNumbers } = this.stream(id);
      const isWhole = state === "live" && flags === 0 && lostNumbers === 0;
      if (isWhole && position === publisher.lastSequence) continue;
      found.push(
        `stream ${id} is ${state} with flags ${flags} at ${position} of ` +
          `${publisher.lastSequence}, ${lostNumbers} lost`,
      );
    }
    return found;
  }

  violations(): string[] {
    const { ticks, snapshot } = this.servers;
    return [...ticks.violations.records, ...snapshot.violations.records];
  }

  private unixNs(ms: number): number {
    return this.baseNs + ms * MS;
  }

  private tick(ms: number): void {
    this.nowMs = ms;
    const { options, live } = this;
    const acts = this.acts;
    this.acts = [];
    this.lines.step(ms * MS, this);
    this.push();
    for (const server of Object.values(this.servers)) server.advance(ms * MS);
    for (const act of acts) act();
    this.recovery.advance(this.unixNs(ms));
    this.carry();
    this.core.advance(this.unixNs(ms));
    const { clear } = options;
    if (clear?.atMs === ms) this.cleared = live.clear("nse-fo", clear.stream);
    const isThere = ms >= (options.centreFromMs ?? 0);
    for (const chunk of this.arrived.splice(0)) {
      if (isThere && !options.isChunkLost?.(chunk.header.number)) {
        live.push(chunk.bytes, this.unixNs(ms));
      }
    }
    if (isThere && ms % 5 === 0) live.advance(this.unixNs(ms));
    if (ms % JUDGE_EVERY_MS === 0) this.judge();
  }

  // --- the edge ------------------------------------------------------------------------------

  datagram(
    line: number,
    stream: number,
    sendNs: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    const sequence = view.getUint32(offset + 4, true);
    if (this.options.isLost(stream, sequence, sendNs / MS)) return;
    if (this.frames.count === this.frames.capacity || this.used + length > this.bytes.length) {
      this.push();
    }
    this.bytes.set(bytes.subarray(offset, offset + length), this.used);
    const sec = Math.floor(sendNs / 1e9);
    const channel = (stream - 1) * 2 + line;
    this.frames.add(this.used, length, this.baseNs / 1e9 + sec, sendNs - sec * 1e9, channel);
    this.used += length;
  }

  private push(): void {
    if (this.frames.count > 0) {
      this.core.push(this.frames, this.unixNs(this.nowMs));
      this.watch.push(this.frames);
    } else this.watch.advance(this.unixNs(this.nowMs));
    this.frames.reset(this.bytes);
    this.used = 0;
  }

  /** A tick to the server, a tick back. */
  private carry(): void {
    for (const effect of this.recovery.connections.take()) {
      this.acts.push(() => {
        const nowNs = this.nowMs * MS;
        if (effect.kind === "connect") {
          const server = this.servers[effect.endpoint];
          server.connected(effect.id, nowNs, "edge");
          this.acts.push(() => this.back((to) => to.connected(effect.id, this.unixNs(this.nowMs))));
        } else {
          for (const server of Object.values(this.servers)) {
            if (effect.kind === "send") server.received(effect.id, effect.bytes, nowNs);
            else server.closed(effect.id);
          }
        }
      });
    }
  }

  private back(tell: (connections: EdgeRecovery["connections"]) => void): void {
    tell(this.recovery.connections);
    this.carry();
  }

  private openServers() {
    const { exchange, options } = this;
    const { tickServer, imageServer, tickFaults = {}, imageFaults = {}, limits, seed } = options;
    const wire = {
      send: (id: number, bytes: Uint8Array) =>
        void this.acts.push(() =>
          this.back((to) => to.received(id, bytes, this.unixNs(this.nowMs))),
        ),
      close: (id: number) =>
        void this.acts.push(() => this.back((to) => to.closed(id, this.unixNs(this.nowMs)))),
    };
    const lag = { lagNs: 10 * MS, ...tickServer };
    const ticks = new TickRecovery(exchange, lag, new RecoveryFaultDraw(tickFaults, seed));
    const often = { periodNs: 300 * MS, firstNs: 100 * MS, ...imageServer };
    const images = new Snapshots(exchange, often, new SnapshotFaultDraw(imageFaults, seed));
    return {
      ticks: new OneRequestServer(ticks, wire, limits),
      snapshot: new OneRequestServer(images, wire, limits),
    };
  }

  // --- the way to the centre -----------------------------------------------------------------

  private sent(chunk: PackedChunk): void {
    const { kind, number } = chunk.header;
    this.chunkKinds.set(kind, (this.chunkKinds.get(kind) ?? 0) + 1);
    const own = { header: chunk.header, bytes: chunk.bytes.slice() };
    this.arrived.push(own);
    if (this.nowMs >= (this.options.centreFromMs ?? 0)) this.kept.set(number, own);
    this.core.oldestKept = this.kept.keys().next().value ?? number + 1;
  }

  private asked(request: ControlRequest | RepairRequest): void {
    if (request.ask === "clear") {
      this.core.clear(request.feed, request.stream, request.command);
    } else if (request.ask === "range" || request.ask === "snapshot") {
      this.recovery.request(request, this.unixNs(this.nowMs));
    } else if (request.ask === "resend") {
      for (let number = request.from; number <= request.to; number++) {
        const chunk = this.kept.get(number);
        if (chunk !== undefined) this.arrived.push(chunk);
      }
    }
  }

  private judge(): void {
    const feed = this.live.feeds.get("nse-fo");
    if (feed === undefined) return;
    for (const engine of this.exchange.streams) {
      const pipeline = feed.pipeline.streams.find((stream) => stream?.id === engine.id);
      if (pipeline === undefined) continue;
      const stream = feed.pipeline.sequencer.streams[pipeline.index]!;
      this.looked++;
      if (stream.isDoubtful || stream.state !== "live") continue;
      this.valid++;
      // A centre counts the epochs that it has seen begin.
      const { restartAtNs } = this.exchange.options;
      const fromNs = (this.options.centreFromMs ?? 0) * MS;
      const epoch = stream.epoch + restartAtNs.filter((atNs) => atNs < fromNs).length;
      const problem = judgeBooks(this.judged, engine, pipeline, epoch);
      if (problem !== undefined && this.problems.length < 5) {
        this.problems.push(`at ${this.nowMs} ms: ${problem}`);
      }
    }
  }

  private channels(): Channels {
    const channels = new Channels();
    for (const { id: stream } of this.exchange.streams) {
      for (const line of [0, 1]) {
        channels.add({
          group: `239.1.${line}.${stream}`,
          port: 9000,
          feed: "nse-fo",
          stream,
          line,
        });
      }
    }
    return channels;
  }
}
