/**
 * NSE's tick recovery: `R` with a range, `Y` and the messages back, as they were sent.
 *
 * Serves from the streams' logs as from a file that is behind the multicast by `lagNs`: of what the
 * file does not have yet, the answer is an error or shorter, as `partly` says. Only the present epoch
 * is there. Worst case: 13 MB held for each answer under way.
 */
import { RecoveryFaultDraw } from "../../faults/recovery.ts";
import { type NseRequest, writeReply } from "../../feed/nse/recovery.ts";
import { REPLY_LENGTH } from "../../feed/nse/recovery-table.ts";
import type { Exchange } from "../exchange/exchange.ts";
import type { FeedLog } from "../exchange/feed-log.ts";
import { NSE_LIMITS } from "./limits.ts";
import type { Answer, Answering } from "./one-request.ts";
import type { Violations } from "./violations.ts";

export interface TickRecoveryOptions {
  /** How far the file is behind the multicast. */
  readonly lagNs: number;
  /** What a range gets whose end is not in the file. */
  readonly partly: "short" | "error";
  readonly messagesPerRequest: number;
}

export const TICK_RECOVERY_DEFAULTS: TickRecoveryOptions = {
  lagNs: 100e6,
  partly: "short",
  messagesPerRequest: NSE_LIMITS.messagesPerRequest,
};

interface Range {
  readonly log: FeedLog;
  readonly stream: number;
  readonly first: number;
  readonly last: number;
}

const NEVER = Number.POSITIVE_INFINITY;

export class TickRecovery implements Answering {
  readonly nextNs = NEVER;
  /** Answers that were whole, and those that the file cut or refused because it is behind. */
  whole = 0;
  behind = 0;
  private readonly exchange: Exchange;
  private readonly options: TickRecoveryOptions;
  private readonly faults: RecoveryFaultDraw;

  constructor(
    exchange: Exchange,
    options: Partial<TickRecoveryOptions> = {},
    faults = new RecoveryFaultDraw({}, 1),
  ) {
    this.exchange = exchange;
    this.options = { ...TICK_RECOVERY_DEFAULTS, ...options };
    this.faults = faults;
  }

  refuses(nowNs: number): boolean {
    return this.faults.refuses(nowNs);
  }

  version(): number {
    return 0;
  }

  advance(): void {}

  answer(request: NseRequest, nowNs: number, violations: Violations): Answer | undefined {
    const { kind, stream, first, last } = request;
    const log = this.exchange.stream(stream)?.log;
    const asked = last - first + 1;
    if (kind !== "recovery" || log === undefined || first < 1 || asked < 1) {
      violations.add("malformed", nowNs, `${kind} of stream ${stream}, ${first}..${last}`);
      return reply(stream, undefined);
    }
    if (asked > this.options.messagesPerRequest) {
      violations.add("tooMany", nowNs, `${asked} messages in one request`);
      return reply(stream, undefined);
    }
    const fault = this.faults.strike(stream, first, last, nowNs);
    if (fault === "silence") return undefined;
    if (fault === "error") return reply(stream, undefined);
    const { notYetNs, slowNs } = this.faults.options;
    const fileNs = nowNs - this.options.lagNs - (fault === "notyet" ? notYetNs : 0);
    const range = { log, stream, first, last };
    if (fault === "wrong") return reply(stream, this.otherMessages(range, fileNs));
    const messages = this.messages(range, fileNs, fault === "short");
    const afterNs = fault === "slow" ? this.faults.random.below(slowNs) : 0;
    if (fault === "cut" && messages !== undefined) return this.cut(reply(stream, messages));
    return { ...reply(stream, messages), afterNs };
  }

  /** What of the range the file has; undefined for an error. */
  private messages(range: Range, fileNs: number, isShortened: boolean): Uint8Array | undefined {
    const { log, first, last } = range;
    const there = log.lastSequenceBy(fileNs);
    const end = Math.min(last, there);
    const isBehind = !(end >= last);
    if (isBehind) this.behind++;
    if (!(end >= first) || (isBehind && this.options.partly === "error")) return undefined;
    const shortened = isShortened ? first - 1 + this.faults.random.below(end - first + 1) : end;
    if (shortened < first) return new Uint8Array(0);
    const found = log.range(first, shortened);
    if (found !== undefined && shortened === last) this.whole++;
    return found;
  }

  /** As many messages as were asked for, but others: later or earlier ones, or another stream's. */
  private otherMessages(range: Range, fileNs: number): Uint8Array | undefined {
    const { random } = this.faults;
    const { stream, first, last } = range;
    const others = this.exchange.streams.filter((other) => other.id !== stream);
    const strangers = others[random.below(Math.max(1, others.length))]?.log;
    if (strangers !== undefined && random.chance(0.5)) {
      const found = strangers.range(first, last);
      if (found !== undefined && strangers.lastSequenceBy(fileNs) >= last) return found;
    }
    const shift = 1 + random.below(Math.min(1_000, last - first + 1));
    const there = range.log.lastSequenceBy(fileNs);
    const kept = range.log.firstSequence;
    for (const by of [shift, -shift, 1, -1]) {
      if (first + by < kept || !(last + by <= there)) continue;
      return range.log.range(first + by, last + by);
    }
    return undefined;
  }

  private cut(answer: Answer): Answer {
    const { bytes } = answer;
    const kept = 1 + this.faults.random.below(bytes.length - 1);
    // Never after a whole number of 38 or 45 byte messages by chance alone: a byte makes it ragged.
    return { ...answer, bytes: bytes.slice(0, kept) };
  }
}

/** @param messages undefined: an error */
function reply(stream: number, messages: Uint8Array | undefined): Answer {
  const bytes = new Uint8Array(REPLY_LENGTH + (messages?.length ?? 0));
  const success = messages !== undefined;
  writeReply({ kind: "recovery", stream, success }, new DataView(bytes.buffer), 0);
  if (messages !== undefined) bytes.set(messages, REPLY_LENGTH);
  return { bytes, afterNs: 0, version: 0 };
}
