/**
 * Edge: carries out what the recovery core wants of the network: TCP connections, or for feeds that
 * answer over UDP one socket a question, so that answers are told apart by where they arrive.
 */
import type { RepairRequest } from "../frames/transport.ts";
import type { Endpoint } from "../streams/recovery-connections.ts";
import type { EdgeRecovery } from "./recovery.ts";

export interface RecoveryAddress {
  readonly host: string;
  readonly port: number;
}

interface Line {
  send(bytes: Uint8Array): void;
  close(): void;
}

const wallNs = () => Date.now() * 1e6;

export class RecoverySockets {
  readonly recovery: EdgeRecovery;
  private readonly addresses: Readonly<Partial<Record<Endpoint, RecoveryAddress>>>;
  private readonly lines = new Map<number, Line>();
  /** Closed before they were open. */
  private readonly unwanted = new Set<number>();
  private isClosed = false;

  constructor(
    recovery: EdgeRecovery,
    addresses: Readonly<Partial<Record<Endpoint, RecoveryAddress>>>,
  ) {
    this.recovery = recovery;
    this.addresses = addresses;
  }

  request(request: RepairRequest): void {
    this.recovery.request(request, wallNs());
  }

  /** Lets the core go on and does what it wants; called often. */
  turn(): void {
    if (this.isClosed) return;
    this.recovery.advance(wallNs());
    this.pump();
  }

  close(): void {
    this.isClosed = true;
    for (const line of this.lines.values()) line.close();
    this.lines.clear();
  }

  private pump(): void {
    for (const effect of this.recovery.connections.take()) {
      if (effect.kind === "connect") this.connect(effect.id, effect.endpoint);
      else if (effect.kind === "send") this.lines.get(effect.id)?.send(effect.bytes);
      else this.end(effect.id);
    }
  }

  private end(id: number): void {
    const line = this.lines.get(id);
    if (line === undefined) this.unwanted.add(id);
    this.lines.delete(id);
    line?.close();
  }

  private connect(id: number, endpoint: Endpoint): void {
    const address = this.addresses[endpoint];
    const { transport } = this.recovery.feed.recovery ?? { transport: "tcp" };
    const opened =
      address === undefined
        ? Promise.reject(new Error("no address"))
        : transport === "udp" && endpoint === "ticks"
          ? this.openUdp(id, address)
          : this.openTcp(id, address);
    opened.then(
      (line) => this.opened(id, line),
      () => this.gone(id),
    );
  }

  private opened(id: number, line: Line): void {
    if (this.isClosed || this.unwanted.delete(id)) {
      line.close();
      return;
    }
    this.lines.set(id, line);
    this.recovery.connections.connected(id, wallNs());
    this.pump();
  }

  private gone(id: number): void {
    this.unwanted.delete(id);
    this.lines.delete(id);
    if (this.isClosed) return;
    this.recovery.connections.closed(id, wallNs());
    this.pump();
  }

  private heard(id: number, bytes: Uint8Array): void {
    if (this.isClosed) return;
    this.recovery.connections.received(id, bytes, wallNs());
    this.pump();
  }

  private async openTcp(id: number, { host, port }: RecoveryAddress): Promise<Line> {
    let state: "opening" | "open" | "over" = "opening";
    const end = () => {
      if (state === "open") this.gone(id);
      state = "over";
    };
    const socket = await Bun.connect({
      hostname: host,
      port,
      socket: { data: (_socket, bytes) => this.heard(id, bytes), close: end, error: end },
    });
    if (state !== "opening") throw new Error("closed at once");
    state = "open";
    socket.setNoDelay(true);
    return {
      // A request is a few bytes: the kernel always has room for it.
      send: (bytes) => void socket.write(bytes),
      close: () => void socket.end(),
    };
  }

  private async openUdp(id: number, { host, port }: RecoveryAddress): Promise<Line> {
    const socket = await Bun.udpSocket({
      connect: { hostname: host, port },
      socket: { data: (_socket, bytes) => this.heard(id, bytes), error: () => {} },
    });
    return { send: (bytes) => void socket.send(bytes), close: () => socket.close() };
  }
}
