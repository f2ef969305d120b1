/**
 * Fetches snapshots of streams: one connection each, whole or not at all.
 *
 * A snapshot that was cut, refused or damaged is dropped and asked for again after a back-off; one
 * that is older than what is needed, after the time in which the exchange may have made a new one.
 * Memory: `snapshotsAtOnce` images of at most the protocol's `bytesLimit`.
 */
import type { SnapshotProtocol, SnapshotReply } from "../feed/recovery.ts";
import type { Caller, Connections } from "./recovery-connections.ts";
import { RECOVERY_POLICY, type RecoveryPolicy } from "./recovery-policy.ts";

export interface SnapshotSink {
  epochOf(stream: number): number;
  /** A whole snapshot; whoever takes it owns its bytes. False: it is of another epoch. */
  snapshot(stream: number, epoch: number, lastSequence: number, records: Uint8Array): boolean;
}

interface Wish {
  readonly stream: number;
  readonly epoch: number;
  /** An image must reach this number to be of use. */
  atLeast: number;
  sinceNs: number;
  tries: number;
  notBeforeNs: number;
}

interface Reading {
  readonly id: number;
  readonly wish: Wish;
  readonly reply: SnapshotReply;
  isConnected: boolean;
  isAsked: boolean;
  /** When it was begun, connected or asked, or bytes came. */
  lastNs: number;
}

const WISHES_LIMIT = 256;

export class SnapshotCounts {
  requests = 0;
  whole = 0;
  /** Older than what was needed, or of another epoch. */
  old = 0;
  /** Cut before the end. */
  cut = 0;
  refused = 0;
  wrong = 0;
  silent = 0;
  stale = 0;
  givenUp = 0;
}

export class SnapshotScheduler implements Caller {
  readonly counts = new SnapshotCounts();
  private readonly protocol: SnapshotProtocol;
  private readonly policy: RecoveryPolicy;
  private readonly spacingNs: number;
  private readonly connections: Connections;
  private readonly sink: SnapshotSink;
  private readonly wishes = new Map<number, Wish>();
  private readonly readings = new Map<number, Reading>();
  private connectNs = Number.NEGATIVE_INFINITY;
  private sendNs = Number.NEGATIVE_INFINITY;

  /** @param spacingNs least time between two requests */
  constructor(
    protocol: SnapshotProtocol,
    connections: Connections,
    sink: SnapshotSink,
    policy: Partial<RecoveryPolicy>,
    spacingNs: number,
  ) {
    this.protocol = protocol;
    this.connections = connections;
    this.sink = sink;
    this.policy = { ...RECOVERY_POLICY, ...policy };
    this.spacingNs = spacingNs;
  }

  get waiting(): number {
    return this.wishes.size;
  }

  /** Somebody needs an image of the stream that reaches at least that number. */
  want(stream: number, atLeast: number, nowNs: number): void {
    const epoch = this.sink.epochOf(stream);
    const known = this.wishes.get(stream);
    if (known !== undefined && known.epoch === epoch) {
      known.atLeast = Math.max(known.atLeast, atLeast);
      return;
    }
    if (this.wishes.size >= WISHES_LIMIT) return;
    const notBeforeNs = nowNs;
    this.wishes.set(stream, { stream, epoch, atLeast, sinceNs: nowNs, tries: 0, notBeforeNs });
  }

  advance(nowNs: number): void {
    const { policy, sink } = this;
    if (this.connectNs === Number.NEGATIVE_INFINITY) {
      // A collector that was killed may have asked a moment ago.
      this.connectNs = nowNs;
      this.sendNs = nowNs;
    }
    this.sendDue(nowNs);
    for (const reading of this.readings.values()) {
      if (nowNs - reading.lastNs >= policy.answerNs) this.fail(reading, "silent", nowNs);
    }
    for (const wish of this.wishes.values()) {
      const isStale = sink.epochOf(wish.stream) !== wish.epoch;
      const isSpent = wish.tries >= policy.snapshotTries;
      if (isStale || isSpent || nowNs - wish.sinceNs > policy.snapshotNs)
        this.giveUp(wish, isStale);
      else if (nowNs >= wish.notBeforeNs && !this.isRead(wish)) this.ask(wish, nowNs);
    }
  }

  connected(id: number, nowNs: number): void {
    const reading = this.readings.get(id);
    if (reading === undefined) return;
    reading.lastNs = nowNs;
    reading.isConnected = true;
    this.sendDue(nowNs);
  }

  received(id: number, bytes: Uint8Array, nowNs: number): void {
    const reading = this.readings.get(id);
    if (reading === undefined) return;
    reading.lastNs = nowNs;
    const state = reading.reply.push(bytes);
    if (reading.reply.bytesExpected > this.protocol.bytesLimit) this.fail(reading, "wrong", nowNs);
    else if (state === "done") this.whole(reading, nowNs);
    else if (state !== "more") this.fail(reading, state, nowNs);
  }

  closed(id: number, nowNs: number): void {
    const reading = this.readings.get(id);
    if (reading !== undefined) this.fail(reading, "cut", nowNs);
  }

  private ask(wish: Wish, nowNs: number): void {
    if (this.readings.size >= this.policy.snapshotsAtOnce) return;
    if (nowNs - this.connectNs < this.spacingNs) return;
    this.connectNs = nowNs;
    const id = this.connections.connect("snapshot", this);
    const reply = this.protocol.reply(wish.stream);
    const reading = { id, wish, reply, isConnected: false, isAsked: false, lastNs: nowNs };
    this.readings.set(id, reading);
  }

  /** Requests of open connections, one after the other. */
  private sendDue(nowNs: number): void {
    for (const reading of this.readings.values()) {
      if (!reading.isConnected || reading.isAsked) continue;
      if (nowNs - this.sendNs < this.spacingNs) return;
      this.sendNs = nowNs;
      reading.isAsked = true;
      reading.lastNs = nowNs;
      this.counts.requests++;
      this.connections.send(reading.id, this.protocol.request(reading.wish.stream));
    }
  }

  private whole(reading: Reading, nowNs: number): void {
    const { wish, reply } = reading;
    this.drop(reading);
    if (this.sink.epochOf(wish.stream) !== wish.epoch) {
      this.giveUp(wish, true);
    } else if (reply.lastSequence >= wish.atLeast && this.handOver(wish, reply)) {
      this.counts.whole++;
      this.wishes.delete(wish.stream);
    } else {
      this.counts.old++;
      wish.notBeforeNs = nowNs + this.policy.refreshNs;
    }
  }

  private handOver({ stream, epoch }: Wish, { lastSequence, records }: SnapshotReply): boolean {
    return this.sink.snapshot(stream, epoch, lastSequence, records);
  }

  private fail(reading: Reading, why: "silent" | "cut" | "refused" | "wrong", nowNs: number): void {
    this.drop(reading);
    this.counts[why]++;
    const { wish } = reading;
    const { backoffNs, backoffMostNs } = this.policy;
    wish.notBeforeNs = nowNs + Math.min(backoffMostNs, backoffNs * 2 ** wish.tries++);
  }

  private giveUp(wish: Wish, isStale: boolean): void {
    if (isStale) this.counts.stale++;
    else this.counts.givenUp++;
    if (this.wishes.get(wish.stream) === wish) this.wishes.delete(wish.stream);
    for (const reading of this.readings.values()) if (reading.wish === wish) this.drop(reading);
  }

  private isRead(wish: Wish): boolean {
    for (const reading of this.readings.values()) if (reading.wish === wish) return true;
    return false;
  }

  private drop(reading: Reading): void {
    this.readings.delete(reading.id);
    this.connections.close(reading.id);
  }
}
