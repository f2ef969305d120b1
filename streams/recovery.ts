/**
 * Asks the exchange for what both lines missed, within the exchange's limits.
 *
 * Knows nothing of how a gap closes: `plan` is told what is missing now, and whatever is missing,
 * old enough, not under way and not in back-off is asked for. So a short answer, a wrong one or one
 * of another epoch leaves its numbers missing and can never be taken for a whole one.
 *
 *   missing ─► merged ─► one request a connection ─► messages, each checked ─► sink
 *                            └─ refused, short, silent, wrong: back-off, then given up
 *
 * Limits, kept at any moment: connections (one that was closed counts for `spacingNs` more), the
 * time between connects and between requests, messages a request, request soon after its connect.
 * A collector that was killed may have asked a moment ago: who begins waits as if it had itself.
 * Worst case: `RANGES_LIMIT` ranges a stream are looked at in each plan.
 */
import type { RecoveryLimits, RecoveryProtocol, RecoveryReply } from "../feed/recovery.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { Attempts } from "./recovery-attempts.ts";
import type { Caller, Connections } from "./recovery-connections.ts";
import { RecoveredFrames } from "./recovery-frames.ts";
import { RECOVERY_POLICY, type RecoveryPolicy } from "./recovery-policy.ts";

/** Numbers `from` to `to` of a stream are missing. */
export interface Missing {
  /** The exchange's stream id. */
  readonly stream: number;
  readonly epoch: number;
  readonly session: string;
  /** A channel that carries the stream: what recovered frames are labelled with. */
  readonly channel: number;
  readonly from: number;
  readonly to: number;
  /** When it was found missing, ns. */
  readonly sinceNs: number;
}

export interface RecoverySink {
  /** The stream's epoch now: answers to questions of another are dropped. */
  epochOf(stream: number): number;
  /** Messages `first` to `last`, asked for in `epoch`; the batch is valid during the call. */
  recovered(stream: number, epoch: number, frames: FrameBatch, first: number, last: number): void;
  /** Ticks cannot be had for this: told once. */
  givenUp(missing: Missing): void;
}

interface Ask {
  readonly id: number;
  readonly missing: Missing;
  readonly reply: RecoveryReply;
  state: "connecting" | "connected" | "asked";
  /** When the state was entered, or bytes came. */
  lastNs: number;
}

const RANGES_LIMIT = 256;

export class RecoveryCounts {
  requests = 0;
  /** Answers that brought all that was asked. */
  whole = 0;
  short = 0;
  refused = 0;
  wrong = 0;
  silent = 0;
  /** Answers dropped because their epoch was over. */
  stale = 0;
  givenUp = 0;
  /** Connections under way at the same time, at most so far. */
  connectionsMax = 0;
}

type Failure = "short" | "refused" | "wrong" | "silent" | "stale";

export class RecoveryScheduler implements Caller {
  readonly counts = new RecoveryCounts();
  private readonly protocol: RecoveryProtocol;
  private readonly limits: RecoveryLimits;
  private readonly policy: RecoveryPolicy;
  private readonly connections: Connections;
  private readonly sink: RecoverySink;
  private readonly asks = new Map<number, Ask>();
  private readonly attempts = new Attempts();
  private readonly frames = new RecoveredFrames();
  /** First number in `frames`. */
  private first = 0;
  /** When connections were closed whose place is not free yet. */
  private closedNs: number[] = [];
  private connectNs = Number.NEGATIVE_INFINITY;
  private sendNs = Number.NEGATIVE_INFINITY;

  constructor(
    protocol: RecoveryProtocol,
    connections: Connections,
    sink: RecoverySink,
    policy: Partial<RecoveryPolicy> = {},
    limits: Partial<RecoveryLimits> = {},
  ) {
    this.protocol = protocol;
    this.connections = connections;
    this.sink = sink;
    this.policy = { ...RECOVERY_POLICY, ...policy };
    this.limits = { ...protocol.limits, ...limits };
  }

  /** Questions under way. */
  get underWay(): number {
    return this.asks.size;
  }

  /** @param missing all that is missing now, of each stream lowest first */
  plan(missing: Iterable<Missing>, nowNs: number): void {
    if (this.connectNs === Number.NEGATIVE_INFINITY) {
      this.connectNs = nowNs;
      this.sendNs = nowNs;
    }
    this.expire(nowNs);
    this.sendDue(nowNs);
    this.attempts.begin();
    for (const [, ranges] of byStream(missing)) {
      for (const range of ranges) this.attempts.touch(range);
      if (numbersOf(ranges) > this.policy.ticksNumbers) {
        for (const range of ranges) this.giveUp(range, nowNs);
      } else for (const range of this.merged(this.free(ranges))) this.consider(range, nowNs);
    }
    for (const ask of this.asks.values()) this.attempts.touch(ask.missing);
    this.attempts.end();
  }

  connected(id: number, nowNs: number): void {
    const ask = this.asks.get(id);
    if (ask === undefined) return;
    ask.state = "connected";
    ask.lastNs = nowNs;
    this.sendDue(nowNs);
  }

  received(id: number, bytes: Uint8Array, nowNs: number): void {
    const ask = this.asks.get(id);
    if (ask === undefined) return;
    const { stream, epoch, channel } = ask.missing;
    if (this.sink.epochOf(stream) !== epoch) {
      this.fail(ask, "stale", nowNs);
      return;
    }
    ask.lastNs = nowNs;
    const { frames } = this;
    this.first = ask.reply.next;
    const state = ask.reply.push(bytes, (from, offset, length) => {
      if (!frames.hasRoom(length)) this.handOver(ask);
      frames.add(from, offset, length, nowNs, channel);
    });
    this.handOver(ask);
    if (state === "done") this.finish(ask, nowNs);
    else if (state !== "more") this.fail(ask, state, nowNs);
  }

  closed(id: number, nowNs: number): void {
    const ask = this.asks.get(id);
    if (ask !== undefined) this.fail(ask, "short", nowNs);
  }

  // --- what to ask for ------------------------------------------------------------------------

  /** The parts of the ranges that no question covers, and that are not given up. */
  private free(ranges: readonly Missing[]): Missing[] {
    let parts = ranges.filter((range) => !this.attempts.isGivenUp(range));
    for (const { missing } of this.asks.values()) {
      parts = parts.flatMap((part) => without(part, missing));
    }
    return parts;
  }

  /** Neighbours that one request may cover together, cut to what one request may ask. */
  private merged(ranges: readonly Missing[]): Missing[] {
    const most = this.limits.messagesPerRequest;
    const merged: Missing[] = [];
    for (const range of ranges) {
      const last = merged.at(-1);
      const near = last !== undefined && range.from - last.to - 1 <= this.policy.mergeNumbers;
      if (near && range.to - last.from < most && last.epoch === range.epoch) {
        const sinceNs = Math.min(last.sinceNs, range.sinceNs);
        merged[merged.length - 1] = { ...last, to: range.to, sinceNs };
        continue;
      }
      for (let { from } = range; from <= range.to; from += most) {
        merged.push({ ...range, from, to: Math.min(range.to, from + most - 1) });
      }
    }
    return merged;
  }

  private consider(range: Missing, nowNs: number): void {
    const { policy, attempts } = this;
    if (this.sink.epochOf(range.stream) !== range.epoch) return;
    if (nowNs - range.sinceNs < policy.askAfterNs) return;
    const { tries, notBeforeNs } = attempts.of(range);
    if (tries >= policy.tries || nowNs - range.sinceNs > policy.ticksNs) {
      this.giveUp(range, nowNs);
    } else if (nowNs >= notBeforeNs && this.mayConnect(nowNs)) this.ask(range, nowNs);
  }

  private giveUp(range: Missing, nowNs: number): void {
    if (!this.attempts.giveUp(range, nowNs)) return;
    this.counts.givenUp++;
    this.sink.givenUp(range);
  }

  // --- the exchange's limits ------------------------------------------------------------------

  private mayConnect(nowNs: number): boolean {
    const { connections, spacingNs } = this.limits;
    if (nowNs - this.connectNs < spacingNs) return false;
    this.closedNs = this.closedNs.filter((atNs) => nowNs - atNs < spacingNs);
    return this.asks.size + this.closedNs.length < connections;
  }

  private ask(range: Missing, nowNs: number): void {
    const { stream, session, from, to } = range;
    const reply = this.protocol.reply(stream, session, from, to);
    const id = this.connections.connect("ticks", this);
    this.asks.set(id, { id, missing: range, reply, state: "connecting", lastNs: nowNs });
    this.connectNs = nowNs;
    this.counts.connectionsMax = Math.max(this.counts.connectionsMax, this.asks.size);
  }

  /** Requests of open connections, one after the other. */
  private sendDue(nowNs: number): void {
    const { requestWithinNs, spacingNs } = this.limits;
    for (const ask of this.asks.values()) {
      if (ask.state !== "connected") continue;
      if (nowNs - ask.lastNs >= requestWithinNs) this.fail(ask, "silent", nowNs);
      else if (nowNs - this.sendNs >= spacingNs) {
        const { stream, session, from, to } = ask.missing;
        this.connections.send(ask.id, this.protocol.request(stream, session, from, to));
        this.counts.requests++;
        this.sendNs = nowNs;
        ask.state = "asked";
        ask.lastNs = nowNs;
      }
    }
  }

  // --- how questions end ----------------------------------------------------------------------

  private expire(nowNs: number): void {
    const { quietNs } = this.protocol;
    for (const ask of this.asks.values()) {
      const { stream, epoch, from } = ask.missing;
      const idleNs = nowNs - ask.lastNs;
      const begun = ask.reply.next > from;
      if (this.sink.epochOf(stream) !== epoch) this.fail(ask, "stale", nowNs);
      else if (begun && quietNs !== undefined && idleNs >= quietNs) this.fail(ask, "short", nowNs);
      else if (idleNs >= this.policy.answerNs) this.fail(ask, "silent", nowNs);
    }
  }

  private finish(ask: Ask, nowNs: number): void {
    this.counts.whole++;
    this.drop(ask, nowNs);
  }

  private fail(ask: Ask, why: Failure, nowNs: number): void {
    this.counts[why]++;
    this.drop(ask, nowNs);
    if (why === "stale") return;
    const { backoffNs, backoffMostNs } = this.policy;
    const { reply, missing } = ask;
    const rest = { ...missing, from: Math.min(reply.next, missing.to) };
    const isProgress = reply.next > missing.from && why === "short";
    this.attempts.failed(rest, isProgress, nowNs, backoffNs, backoffMostNs);
  }

  private drop(ask: Ask, nowNs: number): void {
    this.asks.delete(ask.id);
    this.connections.close(ask.id);
    this.closedNs.push(nowNs);
  }

  private handOver({ missing, reply }: Ask): void {
    const { frames } = this.frames;
    const { stream, epoch } = missing;
    if (frames.count > 0) this.sink.recovered(stream, epoch, frames, this.first, reply.next - 1);
    this.first = reply.next;
    this.frames.clear();
  }
}

function byStream(missing: Iterable<Missing>): Map<number, Missing[]> {
  const streams = new Map<number, Missing[]>();
  for (const range of missing) {
    const ranges = streams.get(range.stream);
    if (ranges === undefined) streams.set(range.stream, [range]);
    else if (ranges.length < RANGES_LIMIT) ranges.push(range);
  }
  return streams;
}

function numbersOf(ranges: readonly Missing[]): number {
  return ranges.reduce((sum, { from, to }) => sum + to - from + 1, 0);
}

/** The parts of `part` outside `taken`. */
function without(part: Missing, taken: Missing): Missing[] {
  if (part.stream !== taken.stream || part.from > taken.to || part.to < taken.from) return [part];
  const parts: Missing[] = [];
  if (part.from < taken.from) parts.push({ ...part, to: taken.from - 1 });
  if (part.to > taken.to) parts.push({ ...part, from: taken.to + 1 });
  return parts;
}
