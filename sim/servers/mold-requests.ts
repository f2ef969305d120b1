/**
 * The MoldUDP64 request server: a request packet in, ordinary packets with those messages back to
 * the one who asked. There is no refusal, only silence: for another session, for what is not there.
 *
 * A core: bytes and time in, datagrams out; `advance` sends what a fault has delayed. Bounded: at
 * most `LATE_LIMIT` delayed datagrams, beyond which they are not sent and counted in `dropped`.
 */
import { RecoveryFaultDraw } from "../../faults/recovery.ts";
import { readMoldRequest } from "../../feed/nasdaq/request.ts";
import type { Exchange } from "../exchange/exchange.ts";
import { MoldPacket, moldSession } from "../exchange/mold-packet.ts";
import type { StreamEngine } from "../exchange/stream-engine.ts";
import { Violations } from "./violations.ts";

export interface MoldRequestOptions {
  readonly lagNs: number;
  /** Packets that one request gets; the rest is to be asked for again. */
  readonly packetsPerRequest: number;
  readonly bytesPerPacket: number;
}

export const MOLD_REQUEST_DEFAULTS: MoldRequestOptions = {
  lagNs: 0,
  packetsPerRequest: 32,
  bytesPerPacket: 1_400,
};

export interface DatagramSink {
  /** The bytes are the receiver's to keep. */
  datagram(client: string, bytes: Uint8Array): void;
}

interface Late {
  readonly client: string;
  readonly bytes: Uint8Array;
  readonly dueNs: number;
}

const LATE_LIMIT = 4_096;

export class MoldRequests {
  readonly violations = new Violations();
  requests = 0;
  packetsSent = 0;
  dropped = 0;
  private readonly exchange: Exchange;
  private readonly options: MoldRequestOptions;
  private readonly faults: RecoveryFaultDraw;
  private readonly sink: DatagramSink;
  private late: Late[] = [];

  constructor(
    exchange: Exchange,
    sink: DatagramSink,
    options: Partial<MoldRequestOptions> = {},
    faults = new RecoveryFaultDraw({}, 1),
  ) {
    this.exchange = exchange;
    this.sink = sink;
    this.options = { ...MOLD_REQUEST_DEFAULTS, ...options };
    this.faults = faults;
  }

  /** When `advance` has something to do; infinite if nothing is late. */
  get nextNs(): number {
    return this.late.reduce((next, { dueNs }) => Math.min(next, dueNs), Number.POSITIVE_INFINITY);
  }

  /** @param client where the request came from, and where the answer goes */
  received(client: string, bytes: Uint8Array, nowNs: number): void {
    this.advance(nowNs);
    const request = readMoldRequest(bytes);
    if (request === undefined || request.messages === 0) {
      this.violations.add("malformed", nowNs, `${bytes.length} bytes`);
      return;
    }
    this.requests++;
    const stream = this.exchange.streams.find(
      ({ id, log }) => moldSession(id, log.epoch) === request.session,
    );
    if (stream === undefined || this.faults.refuses(nowNs)) return;
    const { id, log } = stream;
    const last = request.first + request.messages - 1;
    const fault = this.faults.strike(id, request.first, last, nowNs);
    if (fault === "silence" || fault === "error") return;
    const { notYetNs, slowNs } = this.faults.options;
    const there = log.lastSequenceBy(
      nowNs - this.options.lagNs - (fault === "notyet" ? notYetNs : 0),
    );
    const shift = fault === "wrong" ? 1 + this.faults.random.below(request.messages) : 0;
    const first = request.first + shift;
    let end = Math.min(last + shift, there);
    if (fault === "short") end = first - 1 + this.faults.random.below(request.messages);
    const dueNs = fault === "slow" ? nowNs + this.faults.random.below(slowNs) : nowNs;
    for (const packet of this.packets(stream, first, end)) {
      const kept =
        fault === "cut" ? 1 + this.faults.random.below(packet.length - 1) : packet.length;
      this.send({ client, bytes: packet.slice(0, kept), dueNs }, nowNs);
    }
  }

  advance(nowNs: number): void {
    if (this.late.length === 0) return;
    const due = this.late.filter(({ dueNs }) => dueNs <= nowNs);
    this.late = this.late.filter(({ dueNs }) => dueNs > nowNs);
    for (const { client, bytes } of due) this.hand(client, bytes);
  }

  private send(late: Late, nowNs: number): void {
    if (late.dueNs <= nowNs) this.hand(late.client, late.bytes);
    else if (this.late.length < LATE_LIMIT) this.late.push(late);
    else this.dropped++;
  }

  private hand(client: string, bytes: Uint8Array): void {
    this.packetsSent++;
    this.sink.datagram(client, bytes);
  }

  /** Nothing where the first of them is not there. */
  private packets({ id, log }: StreamEngine, first: number, last: number): Uint8Array[] {
    const packets: Uint8Array[] = [];
    let position = first <= last ? log.positionOf(first) : undefined;
    if (position === undefined) return packets;
    const packet = new MoldPacket(this.options.bytesPerPacket);
    packet.begin(id, log.epoch, first);
    for (let next = first; next <= last && position < log.end; position++) {
      if (log.at(position).numbered[log.slot(position)] === 0) continue;
      if (!packet.add(log, position)) {
        packets.push(packet.bytes.slice(0, packet.length));
        if (packets.length === this.options.packetsPerRequest) return packets;
        packet.begin(id, log.epoch, next);
        packet.add(log, position);
      }
      next++;
    }
    packets.push(packet.bytes.slice(0, packet.length));
    return packets;
  }
}
