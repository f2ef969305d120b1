/** What a streaming join can be told, and what it refuses. */
export const ASOF_STRATEGIES = ["backward", "forward", "nearest"] as const;
export type AsOfStrategy = (typeof ASOF_STRATEGIES)[number];

export interface AsOfOptions {
  /**
   * The last quote before the event; the first after it; or the nearer in time of both, the one
   * before where they are equally near. The latter two wait for a quote: give a tolerance.
   */
  readonly strategy: AsOfStrategy;
  /** A quote further away than this is none; the bound belongs to it. Infinity: any quote. */
  readonly toleranceNs: number;
  /** A quote of the event's very exchange time may be matched, as the order of streams has it. */
  readonly allowExactMatches: boolean;
  /** A stream from which nothing came for this long does not hold up events any more. */
  readonly idleNs: number;
  /** Quotes kept in all, and of one instrument. */
  readonly quotesLimit: number;
  readonly quotesPerKeyLimit: number;
  /** Events that may wait; with one more, the earliest is answered early. */
  readonly waitingLimit: number;
  /** Rows that the sink is given at once, at most. */
  readonly batchRows: number;
}

export const ASOF_DEFAULTS: AsOfOptions = {
  strategy: "backward",
  toleranceNs: Number.POSITIVE_INFINITY,
  allowExactMatches: true,
  idleNs: 1e9,
  quotesLimit: 1 << 19,
  quotesPerKeyLimit: 1024,
  waitingLimit: 65536,
  batchRows: 1024,
};

export type AsOfErrorCode = "bad_option" | "order_taken" | "key_of_two_streams";

/** A join was declared or used wrongly; never thrown for what a feed says. */
export class AsOfError extends Error {
  readonly code: AsOfErrorCode;

  constructor(code: AsOfErrorCode, message: string) {
    super(message);
    this.name = "AsOfError";
    this.code = code;
  }
}

/** @throws AsOfError an option is out of its range */
export function asOfOptions(given: Partial<AsOfOptions>): AsOfOptions {
  const options = { ...ASOF_DEFAULTS, ...given };
  const atLeast: [keyof AsOfOptions, number][] = [
    ["toleranceNs", 0],
    ["idleNs", 0],
    ["quotesLimit", 2],
    ["quotesPerKeyLimit", 2],
    ["waitingLimit", 1],
    ["batchRows", 1],
  ];
  for (const [name, least] of atLeast) {
    const value = options[name];
    const isWhole = name.endsWith("Ns") || Number.isInteger(value);
    if (typeof value !== "number" || !(value >= least) || !isWhole) {
      throw new AsOfError("bad_option", `${name} is ${value}: give a number from ${least}`);
    }
  }
  if (!ASOF_STRATEGIES.includes(options.strategy)) {
    const known = ASOF_STRATEGIES.join(", ");
    throw new AsOfError("bad_option", `strategy is '${options.strategy}', not one of ${known}`);
  }
  return options;
}
