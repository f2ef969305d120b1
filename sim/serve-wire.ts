/**
 * Edge: a market in real time: datagrams to the multicast groups of loopback, its servers on ports of
 * 127.0.0.1. Virtual time follows the clock; after a pause it catches up, and sends all the same.
 */
import { createSocket, type Socket } from "node:dgram";
import { FrameBatch } from "../frames/frame-batch.ts";
import { findInterface, openSender } from "../frames/multicast.ts";
import type { MulticastSender } from "../frames/multicast-port.ts";
import { unixSeconds } from "./exchange/options.ts";
import { Market, type MarketOptions } from "./market.ts";
import type { MoldRequests } from "./servers/mold-requests.ts";
import type { OneRequestServer } from "./servers/one-request.ts";
import { TcpPort } from "./servers/tcp-port.ts";

export interface WirePorts {
  /** Of NSE's two TCP servers, and of MoldUDP64's request server; 0: any free one. */
  readonly recovery: number;
  readonly snapshot: number;
  readonly requests: number;
}

export interface WireOptions {
  readonly market: Partial<MarketOptions>;
  readonly ports: WirePorts;
  readonly networkInterface: string;
  /** Told of each batch of frames besides sending it. */
  readonly onFrames?: (frames: FrameBatch) => void;
}

export interface WireServer {
  readonly kind: "recovery" | "snapshot" | "requests";
  readonly port: number;
  readonly core: OneRequestServer | MoldRequests;
}

const TICK_MS = 2;
/** Virtual time of one step: what it sends fits in a batch, also behind after a pause. */
const STEP_NS = 5e6;
const BATCH_FRAMES = 65_536;
const BATCH_BYTES = 8 << 20;
/** Requests of ten milliseconds' distance may be read together when this process was busy. */
const SPACING_SLACK_NS = 200e6;

export class MarketWire {
  readonly market: Market;
  readonly servers: WireServer[] = [];
  sent = 0;
  /** Frames for which a batch had no room. */
  unsent = 0;
  private readonly options: WireOptions;
  private readonly sender: MulticastSender;
  private readonly batch = new FrameBatch(BATCH_FRAMES);
  private readonly bytes = new Uint8Array(BATCH_BYTES);
  private readonly startUnixSec: number;
  private readonly tcp: TcpPort[] = [];
  private readonly udp: Socket[] = [];
  private used = 0;
  private startMs = performance.now();

  /** @throws SocketError no such interface, or no way to send */
  constructor(options: WireOptions) {
    this.options = options;
    const limits = { spacingSlackNs: SPACING_SLACK_NS, ...options.market.limits };
    this.market = new Market({ ...options.market, limits }, this);
    this.startUnixSec = unixSeconds(this.market.exchange.options.startSec);
    this.sender = openSender({ networkInterface: findInterface(options.networkInterface), ttl: 0 });
    for (const [channel, { group, port }] of this.market.channels.list.entries()) {
      this.sender.route(channel, group, port);
    }
    this.batch.reset(this.bytes);
  }

  /** Opens the servers' ports. @throws where a port is taken */
  async listen(): Promise<void> {
    const { recovery, snapshot, requests } = this.options.ports;
    const { exchange } = this.market;
    if (exchange.options.segment === "nasdaq-itch50") {
      await this.listenUdp(requests);
      return;
    }
    this.listenTcp("recovery", recovery, (port) => this.market.recoveryServer(port));
    this.listenTcp("snapshot", snapshot, (port) => this.market.snapshotServer(port));
  }

  /** Runs until `untilNs` of the exchange's time, or until the signal. */
  async run(untilNs: number, signal: AbortSignal): Promise<void> {
    const { exchange } = this.market;
    this.startMs = performance.now();
    while (!signal.aborted && exchange.nowNs < untilNs) {
      const nowNs = Math.min(this.nowNs(), untilNs);
      while (exchange.nowNs < nowNs && !signal.aborted) {
        this.market.step(Math.min(exchange.nowNs + STEP_NS, nowNs));
        for (const { core } of this.servers) core.advance(exchange.nowNs);
        await this.flush();
      }
      await Bun.sleep(TICK_MS);
    }
    this.market.finish();
    await this.flush();
  }

  async close(): Promise<void> {
    for (const port of this.tcp) port.stop();
    for (const socket of this.udp) socket.close();
    this.sender.close();
  }

  /** From the market: a datagram that arrives. */
  frame(channel: number, timeNs: number, bytes: Uint8Array, offset: number, length: number): void {
    if (this.batch.count === BATCH_FRAMES || this.used + length > BATCH_BYTES) {
      this.unsent++;
      return;
    }
    this.bytes.set(bytes.subarray(offset, offset + length), this.used);
    const sec = Math.floor(timeNs / 1e9);
    const nsec = Math.floor(timeNs - sec * 1e9);
    this.batch.add(this.used, length, this.startUnixSec + sec, nsec, channel);
    this.used += length;
    this.sent++;
  }

  private nowNs(): number {
    return (performance.now() - this.startMs) * 1e6;
  }

  private async flush(): Promise<void> {
    if (this.batch.count === 0) return;
    this.options.onFrames?.(this.batch);
    await this.sender.send(this.batch, 0, this.batch.count);
    this.batch.reset(this.bytes);
    this.used = 0;
  }

  private listenTcp(
    kind: "recovery" | "snapshot",
    port: number,
    open: (port: TcpPort) => OneRequestServer,
  ): void {
    const tcp = new TcpPort(() => this.nowNs(), port);
    this.tcp.push(tcp);
    const core = open(tcp);
    tcp.serve(core);
    this.servers.push({ kind, port: tcp.port, core });
  }

  private async listenUdp(port: number): Promise<void> {
    const socket = createSocket("udp4");
    this.udp.push(socket);
    await new Promise<void>((resolve, reject) => {
      socket.once("error", reject);
      socket.bind(port, "127.0.0.1", resolve);
    });
    const core = this.market.requestServer({
      datagram(client, bytes) {
        const at = client.lastIndexOf(":");
        socket.send(bytes, Number(client.slice(at + 1)), client.slice(0, at));
      },
    });
    socket.on("message", (bytes, { address, port: from }) => {
      core.received(`${address}:${from}`, new Uint8Array(bytes), this.nowNs());
    });
    this.servers.push({ kind: "requests", port: socket.address().port, core });
  }
}
