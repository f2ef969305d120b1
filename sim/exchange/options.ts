/** How a simulated exchange is set up. Everything has a default; the seed decides the rest. */
import type { Contract, Segment } from "./instruments.ts";

export interface ExchangeOptions {
  readonly segment: Segment;
  /** Any integer below 2^53. Same options, same bytes. */
  readonly seed: number;
  /** Streams 1 to this, at most 79; with `contracts` those that the contracts name. */
  readonly streams: number;
  /** How many instruments to make up; not used with `contracts`. */
  readonly instruments: number;
  /** Lists these (from an exchange's contract files) and not instruments of its own making. */
  readonly contracts: readonly Contract[];
  /** Part of the instruments that nobody ever trades, 0 to below 1. */
  readonly deadShare: number;
  /** The start of virtual time: seconds since 1980 in Indian local time. */
  readonly startSec: number;
  /** Midnight in New York, seconds since 1970 UTC: for ITCH, which gives times since then. */
  readonly midnightSec: number;
  /** Messages of all streams, on average over calm and bursts, until `endNs`. */
  readonly messagesPerSecond: number;
  /** No bursts and no calm. */
  readonly isEven: boolean;
  /** Messages at the start are so many times as frequent, falling evenly to once until `untilNs`. */
  readonly openingRush: { readonly factor: number; readonly untilNs: number } | undefined;
  /** Orders, modifications and cancels for each trade: 19, or NSE's 70 of a record day. */
  readonly ordersPerTrade: number;
  /** Live orders of a stream at which its opening ramp ends; they then stay near this number. */
  readonly ordersPerStream: number;
  /** A stream that has been silent for so long sends a heartbeat. */
  readonly heartbeatNs: number;
  /** Number of a stream's first message: one for all, or one for each stream in turn. */
  readonly firstSequence: number | readonly number[];
  /** The exchange moves to its recovery site: every order is purged and numbers start at 1. */
  readonly restartAtNs: readonly number[];
  /** How long it is silent after each restart. */
  readonly restartSilenceNs: number;
  /** Continuous trading ends at `fromNs`, the auction's orders are matched at `untilNs`. CM only. */
  readonly closingAuction: { readonly fromNs: number; readonly untilNs: number } | undefined;
  /** From then on there are only heartbeats. */
  readonly endNs: number;
  /** What each stream's log keeps for recovery, at least; about 90 bytes a message. */
  readonly keepMessages: number;
}

export const EXCHANGE_DEFAULTS: ExchangeOptions = {
  segment: "nse-fo",
  seed: 1,
  streams: 2,
  instruments: 200,
  contracts: [],
  deadShare: 0.2,
  // 28 May 2025, 09:15:00 in India.
  startSec: 1_432_890_900,
  midnightSec: 1_748_404_800,
  messagesPerSecond: 2_000,
  isEven: false,
  openingRush: undefined,
  ordersPerTrade: 19,
  ordersPerStream: 2_000,
  heartbeatNs: 2e9,
  firstSequence: 1,
  restartAtNs: [],
  restartSilenceNs: 5e8,
  closingAuction: undefined,
  endNs: Number.POSITIVE_INFINITY,
  keepMessages: 1_000_000,
};

/** One stream, from half past nine in New York on the same day. */
const NASDAQ_DEFAULTS: ExchangeOptions = {
  ...EXCHANGE_DEFAULTS,
  segment: "nasdaq-itch50",
  streams: 1,
  startSec: exchangeSeconds(1_748_439_000),
};

/** From the exchange's own seconds to seconds since 1970 UTC. */
export function unixSeconds(startSec: number): number {
  return startSec + 315_513_000;
}

/** From seconds since 1970 UTC to the exchange's own seconds, since 1980 in Indian local time. */
export function exchangeSeconds(unixSec: number): number {
  return unixSec - 315_513_000;
}

/** An option that cannot be; the message says which, and what it may be. */
export class ExchangeOptionError extends Error {
  readonly code = "bad_exchange_option";

  constructor(message: string) {
    super(message);
    this.name = "ExchangeOptionError";
  }
}

/** Fills in the defaults; throws an `ExchangeOptionError` on what cannot be. */
export function exchangeOptions(given: Partial<ExchangeOptions>): ExchangeOptions {
  const usual = given.segment === "nasdaq-itch50" ? NASDAQ_DEFAULTS : EXCHANGE_DEFAULTS;
  const options = { ...usual, ...given };
  const whole = (name: "streams" | "instruments" | "ordersPerStream", limit: number) => {
    const value = options[name];
    if (!Number.isInteger(value) || value < 1 || value > limit) {
      throw new ExchangeOptionError(`${name} is ${value}, and must be an integer, 1 to ${limit}`);
    }
  };
  whole("streams", 79);
  whole("instruments", 1_000_000);
  whole("ordersPerStream", 10_000_000);
  if (!(options.messagesPerSecond > 0)) {
    throw new ExchangeOptionError(
      `messagesPerSecond is ${options.messagesPerSecond}, and must be above 0`,
    );
  }
  if (!(options.ordersPerTrade >= 1)) {
    throw new ExchangeOptionError(
      `ordersPerTrade is ${options.ordersPerTrade}, and must be 1 or more`,
    );
  }
  if (options.openingRush !== undefined && !(options.openingRush.factor >= 1)) {
    throw new ExchangeOptionError(
      `openingRush.factor is ${options.openingRush.factor}, and must be 1 or more`,
    );
  }
  if (!(options.deadShare >= 0 && options.deadShare < 1)) {
    throw new ExchangeOptionError(`deadShare is ${options.deadShare}, and must be 0 to below 1`);
  }
  if (options.closingAuction !== undefined && options.segment !== "nse-cm") {
    throw new ExchangeOptionError("closingAuction is for nse-cm: no other segment has one");
  }
  if (options.segment === "nasdaq-itch50") {
    const since = unixSeconds(options.startSec) - options.midnightSec;
    if (!(since >= 0 && since < 86_400)) {
      throw new ExchangeOptionError(
        `startSec is ${since} s after midnightSec, and must be within its day`,
      );
    }
    if (options.instruments > 65_535) {
      throw new ExchangeOptionError(`instruments is ${options.instruments}: ITCH has 65535 codes`);
    }
  }
  return options;
}
