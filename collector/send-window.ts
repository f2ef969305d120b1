/**
 * Which chunk goes out next: the core of forwarding. Chunks are numbered from 1 within a boot and
 * all of them are in the spool; this only decides on numbers.
 *
 * First what was asked for, then what earlier boots left unsent, then the present boot. Two bounds on
 * what is under way: at most `limit` chunks without the broker's acknowledgement, and, as long as a
 * consumer says its position, at most `limit` beyond the slowest of those. An acknowledgement means
 * that the broker has the chunk; a position, that the centre has it. So a centre that stands still
 * fills the spool and not the broker.
 *
 * A consumer holds nobody up any more once the broker says that it is gone, or when it has been
 * silent for `POSITION_LIFE_NS`; one known only by what the broker kept of it, much sooner. What it
 * missed it will ask for.
 */
import { isBehind, type Place } from "../frames/spool-places.ts";
import type { ControlRequest, Position } from "../frames/transport.ts";

export const WINDOW_CHUNKS = 64;
const POSITION_LIFE_NS = 180e9;
const RETAINED_LIFE_NS = 10e9;
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

/** Chunks of an earlier boot that are still to be sent, both numbers included. */
export interface LeftOver {
  readonly boot: number;
  readonly from: number;
  readonly to: number;
}

interface Consumer {
  readonly boot: number;
  readonly chunk: number;
  readonly heardNs: number;
  readonly isRetained: boolean;
}

/** A chunk sent for the first time whose acknowledgement may still be out. */
interface Underway extends Place {
  isDone: boolean;
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
  private readonly consumers = new Map<string, Consumer>();
  private readonly ranges: Range[] = [];
  private readonly leftOver: (Range & { readonly from: number })[] = [];
  /** In the order of sending; the first is not done. */
  private readonly firsts: Underway[] = [];
  private settledPlace: Place | undefined;
  /** Some consumer has told its position at some time. */
  private isHeard = false;

  constructor(boot: number, limit = WINDOW_CHUNKS) {
    this.boot = boot;
    this.limit = limit;
  }

  /** Chunks that wait to be sent for the first time. */
  get waiting(): number {
    let left = this.newest - this.next + 1;
    for (const { next, to } of this.leftOver) left += to - next + 1;
    return left;
  }

  /** Everything up to here is acknowledged, or gone for good; undefined before the first. */
  get settled(): Place | undefined {
    return this.settledPlace;
  }

  /** A consumer has told its position, so that positions count and acknowledgements do not. */
  get hasHeard(): boolean {
    return this.isHeard;
  }

  get underWay(): number {
    return this.inFlight;
  }

  /** Chunks that no consumer has said to have. */
  get unconfirmed(): number {
    return Math.max(0, this.newest - this.confirmed);
  }

  /** What earlier boots left unsent goes first; the earliest boot first. */
  resume(left: readonly LeftOver[]): void {
    for (const { boot, from, to } of left) {
      if (from <= to) this.leftOver.push({ boot, from, next: from, to });
    }
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
    const left = this.leftOver[0];
    if (left !== undefined) {
      if (left.next > this.horizon(left.boot, left.from, nowNs)) return undefined;
      const number = left.next++;
      if (number >= left.to) this.leftOver.shift();
      return this.first(left.boot, number);
    }
    if (this.next > this.newest || this.next > this.horizon(this.boot, 1, nowNs)) return undefined;
    return this.first(this.boot, this.next++);
  }

  /** A chunk that was taken is acknowledged. */
  done(sent: ToSend): void {
    this.inFlight--;
    if (sent.again) return;
    const first = this.firsts.find((one) => one.boot === sent.boot && one.number === sent.number);
    if (first !== undefined) first.isDone = true;
    while (this.firsts[0]?.isDone) {
      const { boot, number } = this.firsts.shift() as Underway;
      this.settledPlace = { boot, number };
    }
  }

  /**
   * A chunk that was taken has left the spool: nobody will ever have it, so no position will pass it,
   * and it must not keep back what follows.
   */
  gone(sent: ToSend): void {
    const { boot, number, again } = sent;
    this.done(sent);
    if (!again && boot === this.boot && number > this.lastGone) this.lastGone = number;
  }

  /** @param isRetained the broker kept it: whoever said it may be long gone */
  hear(position: Position, nowNs: number, isRetained = false): void {
    const { consumer, boot, chunk } = position;
    this.isHeard = true;
    const own = boot === this.boot ? chunk : 0;
    this.confirmed = Math.max(this.confirmed, Math.min(own, this.newest));
    if (this.consumers.size >= CONSUMERS_LIMIT && !this.consumers.has(consumer)) return;
    this.consumers.set(consumer, { boot, chunk, heardNs: nowNs, isRetained });
  }

  /** The broker says that a consumer is gone: nobody waits for it. */
  forget(consumer: string): void {
    this.consumers.delete(consumer);
  }

  /** Where the slowest of the consumers that live is; undefined: none does. */
  slowestPlace(nowNs: number): Place | undefined {
    let slowest: Place | undefined;
    for (const [name, { boot, chunk, isRetained }] of this.consumers) {
      if (this.isSilent(name, nowNs) || isRetained) continue;
      const place = { boot, number: chunk };
      if (slowest === undefined || isBehind(place, slowest)) slowest = place;
    }
    return slowest;
  }

  /** @param newestOf the newest number of a boot that the spool can still give; 0: none */
  request(request: ControlRequest, newestOf: (boot: number) => number): void {
    const boot = request.boot === 0 ? this.boot : request.boot;
    const left = this.leftOver.find((range) => range.boot === boot);
    const sentUpTo = boot === this.boot ? this.next - 1 : left ? left.next - 1 : newestOf(boot);
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

  private first(boot: number, number: number): ToSend {
    this.inFlight++;
    this.firsts.push({ boot, number, isDone: false });
    return { boot, number, again: false };
  }

  /**
   * The last number of a boot that may be sent for the first time.
   * @param from where sending of that boot began
   */
  private horizon(boot: number, from: number, nowNs: number): number {
    let slowest = Number.POSITIVE_INFINITY;
    for (const [name, consumer] of this.consumers) {
      // Who has come past this boot is not waited for; who is before it has nothing of it yet.
      if (this.isSilent(name, nowNs) || consumer.boot > boot) continue;
      slowest = Math.min(slowest, consumer.boot === boot ? consumer.chunk : 0);
    }
    const gone = boot === this.boot ? this.lastGone : 0;
    return Math.max(slowest, gone, from - 1) + this.limit;
  }

  private isSilent(name: string, nowNs: number): boolean {
    const consumer = this.consumers.get(name);
    if (consumer === undefined) return true;
    const lifeNs = consumer.isRetained ? RETAINED_LIFE_NS : POSITION_LIFE_NS;
    if (nowNs - consumer.heardNs <= lifeNs) return false;
    this.consumers.delete(name);
    return true;
  }
}
