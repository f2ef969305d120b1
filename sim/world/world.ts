/**
 * The whole house on virtual time, one process and no socket: the simulated exchange, two lines,
 * capture hosts, a broker, the centre; with everything that goes wrong between them.
 *
 *   Exchange ─► Lines ─► Wire ─► Edge (CollectorCore, SendWindow, spool)
 *                 Servers ◄──────► │ EdgeRecovery
 *                                  │ chunks          ▲ questions, positions
 *                                  ▼                 │
 *                                Broker ─► Centre (Live: Intake, Sequencer, Decoder, Books)
 *
 * All between the wire and the books are the production cores. The world goes on in ticks; the
 * `Judge` looks at it after each. A case of 2,000 messages takes some 50 ms.
 */
import type { Feed } from "../../feed/feed.ts";
import { feedById } from "../../feed/registry.ts";
import { Channels } from "../../frames/channels.ts";
import type { Zstd } from "../../frames/zstd-port.ts";
import { Exchange } from "../exchange/exchange.ts";
import { Lines } from "../exchange/lines.ts";
import { Broker } from "./broker.ts";
import type { WorldCase } from "./case.ts";
import { Centre } from "./centre.ts";
import { isShardKill, type ProcessCommand } from "./commands.ts";
import { Edge, type WorldClock } from "./edge.ts";
import { Servers } from "./servers.ts";
import { Strikes } from "./strikes.ts";
import { Truth } from "./truth.ts";
import { type SocketSink, Wire } from "./wire.ts";

const MS = 1e6;
const TICK_NS = 5 * MS;
/** When trading is over only heartbeats, questions and answers go on. */
const QUIET_TICK_NS = 25 * MS;
const HEARTBEAT_NS = 300 * MS;
/** Who cannot be made good will not be after this; who can may take several rounds of snapshots. */
const QUIET_NS = 4e9;
const REPAIR_NS = 30e9;
/** From the exchange's seconds to seconds since 1970 UTC. */
const TO_UNIX_SEC = 315_513_000;

/** Who looks at the world after each tick. */
export interface Observer {
  tick(world: World, nowNs: number): void;
}

export class World {
  readonly given: WorldCase;
  readonly exchange: Exchange;
  readonly lines: Lines;
  readonly truth: Truth;
  readonly channels = new Channels();
  readonly strikes = new Strikes();
  readonly broker: Broker;
  readonly edges: readonly Edge[];
  readonly servers: Servers;
  readonly wire: Wire;
  readonly centre: Centre;
  readonly untilNs: number;
  /** When the exchange started, seconds since 1970 UTC. */
  readonly startUnixSec: number;
  nowNs = 0;
  private readonly clock: WorldClock;
  private readonly processes: readonly ProcessCommand[];
  private readonly isDown = new Set<ProcessCommand>();

  constructor(given: WorldCase, zstd: Zstd, recorder?: Recorder) {
    this.given = given;
    this.untilNs = given.untilMs * MS;
    this.exchange = exchangeOf(given);
    this.lines = new Lines(this.exchange, [0, given.lineDelayUs * 1000]);
    this.truth = new Truth(this.exchange);
    const feed = feedById(given.segment) as Feed;
    for (let stream = 1; stream <= given.streams; stream++) {
      for (const line of [0, 1]) {
        const group = `239.255.${line}.${stream}`;
        this.channels.add({ group, port: 10_000 + stream, feed: feed.id, stream, line });
      }
    }
    const startUnixSec = this.exchange.options.startSec + TO_UNIX_SEC;
    this.startUnixSec = startUnixSec;
    const clock: WorldClock = { startUnixSec, unixNs: (nowNs) => startUnixSec * 1e9 + nowNs };
    this.broker = new Broker(given, this.strikes);
    this.servers = new Servers(given, this.exchange);
    this.clock = clock;
    const { channels, broker, servers, truth } = this;
    this.edges = Array.from({ length: given.collectors }, (_, index) => {
      return new Edge(index, given, feed, channels, clock, zstd, broker, servers, truth);
    });
    const sockets = this.edges.map((edge, index) => recorder?.(this, edge, index) ?? edge);
    this.wire = new Wire(given, sockets, this.strikes);
    this.centre = new Centre(given, zstd, broker, clock, truth);
    this.processes = given.commands.filter(
      (command): command is ProcessCommand => "which" in command,
    );
  }

  /** From the first tick until nothing changes any more, or nothing will. */
  run(observer: Observer): void {
    for (const edge of this.edges) edge.start(0);
    this.centre.start();
    const endNs = this.quietFromNs + (this.given.isRepairable ? REPAIR_NS : QUIET_NS);
    while (this.nowNs < endNs && !(this.isQuiet && this.isSettled)) {
      this.nowNs += this.nowNs < this.quietFromNs ? TICK_NS : QUIET_TICK_NS;
      this.tick();
      observer.tick(this, this.nowNs);
    }
  }

  /** Nothing more will go wrong. */
  get isQuiet(): boolean {
    return this.nowNs >= this.quietFromNs + 3 * HEARTBEAT_NS;
  }

  /** Every stream stands where the exchange stands, and nothing waits. */
  get isSettled(): boolean {
    const { watch, live } = this.centre;
    if (watch === null || live === null || live.intake.heldBytes > 0) return false;
    for (const { engine, epochs } of this.truth.streams.values()) {
      if (epochs.length === 0) continue;
      const own = watch.streams.find((stream) => stream?.truth.id === engine.id);
      const last = this.truth.streams.get(engine.id)?.lastOf(epochs.length - 1);
      if (own?.epoch !== epochs.length - 1 || own.last !== last || own.flags !== 0) return false;
    }
    return true;
  }

  private get quietFromNs(): number {
    let lastNs = this.untilNs;
    for (const { atMs, forMs } of this.processes) lastNs = Math.max(lastNs, (atMs + forMs) * MS);
    return lastNs;
  }

  private tick(): void {
    const { nowNs, edges } = this;
    this.switchProcesses();
    this.lines.step(nowNs, this.wire);
    this.wire.drain(nowNs);
    this.truth.grow();
    this.servers.tick(nowNs, this.clock.unixNs(nowNs));
    for (const edge of edges) edge.tick(nowNs);
    this.broker.tick(edges, nowNs);
    this.centre.tick(nowNs);
  }

  private switchProcesses(): void {
    for (const command of this.processes) {
      const { atMs, forMs } = command;
      const isDown = this.nowNs >= atMs * MS && this.nowNs < (atMs + forMs) * MS;
      if (isDown === this.isDown.has(command)) continue;
      if (isDown) this.isDown.add(command);
      else this.isDown.delete(command);
      const others = [...this.isDown].filter((other) => isSameProcess(other, command));
      // Two commands may overlap: down with the first, up with the last.
      if (others.length === (isDown ? 1 : 0)) this.turn(command, isDown);
    }
  }

  private turn({ kind, which }: ProcessCommand, isDown: boolean): void {
    if (isDown) this.strikes.process(kind);
    const edge = this.edges[which];
    if (kind === "broker down") this.broker.isUp = !isDown;
    else if (kind === "restart shard") isDown ? this.centre.kill() : this.centre.start();
    else if (isShardKill(kind)) {
      if (!isDown) this.centre.start(this.nowNs, kind);
      else this.centre.kill();
    } else if (edge !== undefined) isDown ? edge.kill() : edge.start(this.nowNs);
  }
}

/** May stand between the wire and a collector, to record what the collector gets. */
export type Recorder = (world: World, edge: Edge, index: number) => SocketSink;

const isSameProcess = (a: ProcessCommand, b: ProcessCommand) =>
  processOf(a) === processOf(b) && a.which === b.which;

const processOf = ({ kind }: ProcessCommand) => (isShardKill(kind) ? "restart shard" : kind);

function exchangeOf(given: WorldCase): Exchange {
  return new Exchange({
    seed: given.seed,
    segment: given.segment,
    streams: given.streams,
    instruments: given.instruments,
    messagesPerSecond: given.messagesPerSecond,
    ordersPerStream: given.ordersPerStream,
    firstSequence: given.firstSequence,
    restartAtNs: given.restartAtMs.map((ms) => ms * MS),
    restartSilenceNs: given.restartSilenceMs * MS,
    heartbeatNs: HEARTBEAT_NS,
    endNs: given.untilMs * MS,
  });
}
