/**
 * Which chunk goes out next: the core of forwarding. Chunks are numbered from 1 within a boot and
 * all of them are in the spool; this only decides on numbers.
 *
 * Two bounds on what is under way: at most `limit` chunks without the broker's acknowledgement, and,
 * as long as a consumer says its position, at most `limit` beyond the slowest of those. An
 * acknowledgement means that the broker has the chunk; a position, that the centre has it.
 * A consumer that has been silent for `POSITION_LIFE_NS` no longer holds anybody up: what it missed
 * it will ask for.
 */
import type { ControlRequest, Position } from "../frames/transport.ts";

export const WINDOW_CHUNKS = 64;
const POSITION_LIFE_NS = 10e9;
const CONSUMERS_LIMIT = 64;
/** Ranges to send again that wait at most; more are refused, and the centre will ask again. */
const REQUESTS_LIMIT = 256;

/** A chunk to be sent: number `number` of boot `boot`. */
export interface ToSend {
  readonly boot: number;
  readonly number: number;
  readonly again: boolean;
}

interface Range {
  readonly boot: number;
  /** Goes on to `to` while it is sent. */
  next: number;
  readonly to: number;
}

export class SendWindow {
  /** Chunks sent to a request, and requests that found no room. */
  resent = 0;
  requestsRefused = 0;
  /** The newest number that some consumer has, and all before it. */
  confirmed = 0;
  private readonly boot: number;
  private readonly limit: number;
  private next = 1;
  /** Of the chunks that are there. */
  newest = 0;
  private lastGone = 0;
  private inFlight = 0;
  private readonly consumers = new Map<string, { chunk: number; heardNs: number }>();
  private readonly ranges: Range[] = [];

  constructor(boot: number, limit = WINDOW_CHUNKS) {
    this.boot = boot;
    this.limit = limit;
  }

  /** Chunks that wait to be sent for the first time. */
  get waiting(): number {
    return this.newest - this.next + 1;
  }

  get underWay(): number {
    return this.inFlight;
  }

  /** Chunks that no consumer has said to have. */
  get unconfirmed(): number {
    return Math.max(0, this.newest - this.confirmed);
  }

  /** Chunk `number` of this boot is there. */
  offer(number: number): void {
    this.newest = number;
  }

  /** The next chunk to send, or `undefined` for now; it is under way until `done`. */
  take(nowNs: number): ToSend | undefined {
    if (this.inFlight >= this.limit) return undefined;
    const range = this.ranges[0];
    if (range !== undefined) {
      this.inFlight++;
      this.resent++;
      const number = range.next++;
      if (number >= range.to) this.ranges.shift();
      return { boot: range.boot, number, again: true };
    }
    if (this.next > this.newest || this.next > this.horizon(nowNs)) return undefined;
    this.inFlight++;
    return { boot: this.boot, number: this.next++, again: false };
  }

  /** A chunk that was taken is acknowledged. */
  done(): void {
    this.inFlight--;
  }

  /**
   * A chunk that was taken has left the spool: nobody will ever have it, so no position will pass it,
   * and it must not keep back what follows.
   */
  gone({ boot, number, again }: ToSend): void {
    this.inFlight--;
    if (!again && boot === this.boot && number > this.lastGone) this.lastGone = number;
  }

  hear(position: Position, nowNs: number): void {
    const chunk = position.boot === this.boot ? position.chunk : 0;
    this.confirmed = Math.max(this.confirmed, Math.min(chunk, this.newest));
    if (this.consumers.size >= CONSUMERS_LIMIT && !this.consumers.has(position.consumer)) return;
    // Of another boot: it lives, and has nothing of ours yet.
    this.consumers.set(position.consumer, { chunk, heardNs: nowNs });
  }

  /** @param newestOf the newest number of a boot that the spool can still give; 0: none */
  request(request: ControlRequest, newestOf: (boot: number) => number): void {
    const boot = request.boot === 0 ? this.boot : request.boot;
    const sentUpTo = boot === this.boot ? this.next - 1 : newestOf(boot);
    const from = Math.max(1, request.from);
    const to = request.ask === "resend" ? Math.min(request.to, sentUpTo) : sentUpTo;
    if (from > to) return;
    for (const part of this.notYetAsked(boot, from, to)) {
      if (this.ranges.length >= REQUESTS_LIMIT) this.requestsRefused++;
      else this.ranges.push(part);
    }
  }

  /** What already waits to be sent again is not sent twice: the centre asks until it has it. */
  private notYetAsked(boot: number, from: number, to: number): Range[] {
    let parts: Range[] = [{ boot, next: from, to }];
    for (const range of this.ranges) {
      if (range.boot !== boot) continue;
      parts = parts.flatMap((part) => {
        const before = { boot, next: part.next, to: Math.min(part.to, range.next - 1) };
        const behind = { boot, next: Math.max(part.next, range.to + 1), to: part.to };
        return [before, behind].filter(({ next, to: last }) => next <= last);
      });
    }
    return parts;
  }

  /** The last number that may be sent for the first time. */
  private horizon(nowNs: number): number {
    let slowest = Number.POSITIVE_INFINITY;
    for (const [name, { chunk, heardNs }] of this.consumers) {
      if (nowNs - heardNs > POSITION_LIFE_NS) this.consumers.delete(name);
      else if (chunk < slowest) slowest = chunk;
    }
    return Math.max(slowest, this.lastGone) + this.limit;
  }
}
