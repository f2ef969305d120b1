/**
 * Edge: what a WebSocket and an NDJSON stream of `/v1/live` have in common: a client of the books behind
 * a connection, with a heartbeat when nothing else was sent for a while.
 */
import { encode } from "@msgpack/msgpack";
import type { Client, ClientPort } from "./centre.ts";

export const TICK_MS = 50;
const TICKS_A_SECOND = 1000 / TICK_MS;
const HEARTBEAT_SECONDS = 30;
const HEARTBEAT_LEAST = 1;
const HEARTBEAT_MOST = 1800;

export type LiveFormat = "json" | "msgpack";

/** The way out. */
export interface Wire {
  /** False: it was dropped. */
  send(message: string | Uint8Array): boolean;
  waiting(): number;
}

export class LiveConnection {
  private format: LiveFormat;
  private readonly wire: Wire;
  private readonly client: Client;
  private readonly heartbeatTicks: number;
  private quietTicks = 0;

  constructor(
    connect: (port: ClientPort) => Client,
    format: LiveFormat,
    heartbeatSeconds: number,
    wire: Wire,
  ) {
    this.format = format;
    this.wire = wire;
    this.heartbeatTicks = heartbeatSeconds * TICKS_A_SECOND;
    this.client = connect({
      format,
      sendPacked: (message) => this.out(message),
      send: (message) => this.send(message),
      waiting: () => wire.waiting(),
      setFormat: (wanted) => {
        this.format = wanted;
      },
    });
  }

  message(value: unknown): void {
    this.client.message(value);
  }

  send(message: object): boolean {
    return this.out(this.format === "msgpack" ? encode(message) : JSON.stringify(message));
  }

  /** Called 20 times a second. */
  tick(): void {
    this.client.tick();
    if (++this.quietTicks < this.heartbeatTicks || this.wire.waiting() > 0) return;
    const ns = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e3)) * 1000n;
    this.send({ type: "heartbeat", ts: String(ns) });
  }

  close(): void {
    this.client.close();
  }

  private out(message: string | Uint8Array): boolean {
    const sent = this.wire.send(message);
    if (sent) this.quietTicks = 0;
    return sent;
  }
}

/** `heartbeat_interval_s` of a request; undefined for what is none. */
export function heartbeatOf(text: string | null): number | undefined {
  if (text === null) return HEARTBEAT_SECONDS;
  const seconds = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  return seconds >= HEARTBEAT_LEAST && seconds <= HEARTBEAT_MOST ? seconds : undefined;
}
