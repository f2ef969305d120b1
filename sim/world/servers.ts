/**
 * The exchange's recovery and snapshot servers in the world, and the network between them and the
 * capture hosts: what one side does reaches the other at the next tick.
 */
import type { EdgeRecovery } from "../../collector/recovery.ts";
import { RecoveryFaultDraw } from "../../faults/recovery.ts";
import { SnapshotFaultDraw } from "../../faults/snapshots.ts";
import type { Endpoint, RecoveryEffect } from "../../streams/recovery-connections.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { OneRequestServer, type ServerSink } from "../servers/one-request.ts";
import { Snapshots } from "../servers/snapshots.ts";
import { TickRecovery } from "../servers/tick-recovery.ts";
import type { WorldCase } from "./case.ts";

const MS = 1e6;

/** A connection between a capture host's recovery and one of the servers. */
interface Wired {
  readonly client: string;
  readonly recovery: EdgeRecovery;
  /** The client's number of it. */
  readonly id: number;
  readonly endpoint: Endpoint;
}

type Act = (nowNs: number, unixNs: number) => void;

export class Servers {
  readonly ticks: OneRequestServer;
  readonly snapshot: OneRequestServer;
  readonly tickFaults: RecoveryFaultDraw;
  readonly snapshotFaults: SnapshotFaultDraw;
  private readonly wired = new Map<number, Wired>();
  private acts: Act[] = [];
  private newest = 0;

  constructor(world: WorldCase, exchange: Exchange) {
    const { lagMs, partly, periodMs, limits, tickFaults, snapshotFaults } = world.servers;
    this.tickFaults = new RecoveryFaultDraw(tickFaults, world.seed);
    this.snapshotFaults = new SnapshotFaultDraw(snapshotFaults, world.seed);
    const { messagesPerRequest } = limits;
    const lag = { lagNs: lagMs * MS, partly, messagesPerRequest };
    const answering = new TickRecovery(exchange, lag, this.tickFaults);
    const { connections, spacingMs } = limits;
    const own = { connections, spacingNs: spacingMs * MS, messagesPerRequest };
    this.ticks = new OneRequestServer(answering, this.sink(), own);
    const images = new Snapshots(exchange, { periodNs: periodMs * MS }, this.snapshotFaults);
    this.snapshot = new OneRequestServer(images, this.sink(), own);
  }

  /** Carries out what a host's recovery wants. */
  take(client: string, recovery: EdgeRecovery): void {
    for (const effect of recovery.connections.take()) this.carryOut(client, recovery, effect);
  }

  /** A host's process is gone: the kernel closes its connections. */
  forget(client: string): void {
    for (const [number, wired] of this.wired) {
      if (wired.client !== client) continue;
      this.wired.delete(number);
      this.server(wired.endpoint).closed(number);
    }
  }

  tick(nowNs: number, unixNs: number): void {
    const { acts } = this;
    this.acts = [];
    for (const act of acts) act(nowNs, unixNs);
    this.ticks.advance(nowNs);
    this.snapshot.advance(nowNs);
  }

  private carryOut(client: string, recovery: EdgeRecovery, effect: RecoveryEffect): void {
    const { id } = effect;
    if (effect.kind === "connect") {
      const number = ++this.newest;
      const { endpoint } = effect;
      this.wired.set(number, { client, recovery, id, endpoint });
      this.acts.push((nowNs, unixNs) => {
        if (!this.wired.has(number)) return;
        recovery.connections.connected(id, unixNs);
        this.server(endpoint).connected(number, nowNs, client);
      });
      return;
    }
    const [number, wired] = this.find(recovery, id) ?? [];
    if (number === undefined || wired === undefined) return;
    const server = this.server(wired.endpoint);
    if (effect.kind === "send") {
      this.acts.push((nowNs) => server.received(number, effect.bytes, nowNs));
    } else {
      this.wired.delete(number);
      this.acts.push(() => server.closed(number));
    }
  }

  private sink(): ServerSink {
    return {
      send: (number, bytes) => {
        const copy = bytes.slice();
        this.acts.push((_nowNs, unixNs) => {
          const wired = this.wired.get(number);
          wired?.recovery.connections.received(wired.id, copy, unixNs);
        });
      },
      close: (number) => {
        this.acts.push((_nowNs, unixNs) => {
          const wired = this.wired.get(number);
          this.wired.delete(number);
          wired?.recovery.connections.closed(wired.id, unixNs);
        });
      },
    };
  }

  private find(recovery: EdgeRecovery, id: number): [number, Wired] | undefined {
    for (const entry of this.wired) {
      if (entry[1].recovery === recovery && entry[1].id === id) return entry;
    }
    return undefined;
  }

  private server(endpoint: Endpoint): OneRequestServer {
    return endpoint === "ticks" ? this.ticks : this.snapshot;
  }
}
