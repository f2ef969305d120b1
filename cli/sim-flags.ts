/** Edge: the flags that say which simulated exchange is meant, and what they make. */
import { readFileSync } from "node:fs";
import { Exchange } from "../sim/exchange/exchange.ts";
import type { Contract, Segment } from "../sim/exchange/instruments.ts";
import { type ExchangeOptions, exchangeSeconds } from "../sim/exchange/options.ts";
import { NO_SCHEDULE, parseSchedule, type Schedule } from "../sim/schedule.ts";
import type { FlagSpec } from "./command.ts";
import { CliError } from "./errors.ts";
import type { FlagValues } from "./flag-values.ts";
import { wholeText } from "./masters.ts";
import { parseMoment } from "./moment.ts";
import { MASTERS_FLAG } from "./shared-flags.ts";
import { dayInNewYork, midnightInNewYork } from "./trading-day.ts";

export const SIM_FEEDS: readonly Segment[] = [
  "nse-fo",
  "nse-cm",
  "nse-cd",
  "nse-co",
  "nasdaq-itch50",
];

const RUSH_FACTOR = 8;

/** The same in `serve` and `expect`: given alike, they mean the same exchange. */
export const EXCHANGE_FLAGS: readonly FlagSpec[] = [
  {
    name: "feed",
    kind: "text",
    values: SIM_FEEDS,
    fallback: "nse-fo",
    doc: "What the exchange speaks.",
  },
  { name: "seed", kind: "integer", fallback: "1", doc: "Decides everything that chance decides." },
  { name: "rate", kind: "integer", fallback: "2000", doc: "Messages a second, on average." },
  {
    name: "streams",
    kind: "integer",
    doc: "Streams, each on two lines; 2, or 1 for ITCH, or those of --masters.",
  },
  { name: "instruments", kind: "integer", fallback: "200", doc: "Instruments made up." },
  {
    name: "orders",
    kind: "integer",
    fallback: "2000",
    doc: "Live orders of a stream once its books have filled.",
  },
  {
    name: "orders-per-trade",
    kind: "integer",
    fallback: "19",
    doc: "Messages about orders for each trade; 70 is NSE's record day.",
  },
  {
    name: "opening-rush",
    kind: "duration",
    fallback: "0",
    doc: "Trading opens eight times as busy and calms down over this time.",
  },
  { ...MASTERS_FLAG, doc: "Lists the contracts of this file instead of made-up ones (NSE)." },
  {
    name: "first-sequence",
    kind: "integer",
    fallback: "1",
    doc: "Number of each stream's first message: near 2^31 and 2^32 is where handlers break.",
  },
  {
    name: "start",
    kind: "text",
    placeholder: "TIME|now",
    doc: "When trading starts, by the exchange's clock: ISO 8601, nanoseconds, or now.",
  },
  {
    name: "duration",
    kind: "duration",
    placeholder: "TIME",
    doc: "Trading ends after this long. A schedule's 'end' may come first.",
  },
  {
    name: "schedule",
    kind: "text",
    placeholder: "FILE",
    doc: "What shall go wrong and when, one a line: at 2.5s drop A 3 41..44.",
  },
];

export function readSchedule(flags: FlagValues): Schedule {
  const path = flags.text("schedule");
  return path === undefined ? NO_SCHEDULE : parseSchedule(readFileSync(path, "utf8"), path);
}

/** The options of the exchange, without what a schedule does to it; throws where one cannot be. */
export async function exchangeOptions(flags: FlagValues): Promise<Partial<ExchangeOptions>> {
  const segment = flags.text("feed") as Segment;
  const contracts = await readContracts(flags);
  const streams = flags.integer("streams");
  const rushNs = flags.durationNs("opening-rush") ?? 0;
  const options: Partial<ExchangeOptions> = {
    segment,
    contracts,
    ...startOf(flags.text("start"), segment),
    ...(streams !== undefined && { streams }),
    seed: flags.integer("seed") ?? 1,
    instruments: flags.integer("instruments") ?? 200,
    messagesPerSecond: flags.integer("rate") ?? 2_000,
    ordersPerStream: flags.integer("orders") ?? 2_000,
    ordersPerTrade: flags.integer("orders-per-trade") ?? 19,
    openingRush: rushNs > 0 ? { factor: RUSH_FACTOR, untilNs: rushNs } : undefined,
    firstSequence: flags.integer("first-sequence") ?? 1,
    endNs: flags.durationNs("duration") ?? Number.POSITIVE_INFINITY,
  };
  try {
    new Exchange({ ...options, keepMessages: 1 });
  } catch (cause) {
    const { code, message } = cause as { code?: string; message: string };
    if (code !== "bad_exchange_option") throw cause;
    throw new CliError("bad_flag", `${message}.`, "--help tells what each flag takes.", cause);
  }
  return options;
}

/** How long the market is made for; infinite: until somebody ends it. */
export function durationNs(flags: FlagValues, schedule: Schedule): number {
  return Math.min(flags.durationNs("duration") ?? Number.POSITIVE_INFINITY, schedule.endNs);
}

function startOf(text: string | undefined, segment: Segment): Partial<ExchangeOptions> {
  if (text === undefined) return {};
  const unixSec = text === "now" ? Math.floor(Date.now() / 1000) : parseMoment("start", text).sec;
  const startSec = exchangeSeconds(unixSec);
  if (segment !== "nasdaq-itch50") return { startSec };
  return { startSec, midnightSec: midnightInNewYork(dayInNewYork(unixSec)) };
}

/** `C,stream,token,instrument,symbol,expiry,strike,option` and `P,stream,token1,token2`. */
async function readContracts(flags: FlagValues): Promise<Contract[]> {
  const contracts: Contract[] = [];
  for (const path of flags.texts("masters")) {
    for (const line of (await wholeText(path)).split("\n")) {
      const [type, stream, token, ...rest] = line.trim().split(",");
      if (type === "P") {
        const token2 = Number(rest[0]);
        contracts.push({ stream: Number(stream), token: Number(token), spread: true, token2 });
      } else if (type === "C") {
        const [instrument = "", symbol = "", expiry, strike, optionType = ""] = rest;
        contracts.push({
          ...{ stream: Number(stream), token: Number(token), spread: false, instrument, symbol },
          ...{ expirySec: Number(expiry), strike: Number(strike), optionType },
        });
      }
    }
  }
  if (contracts.length > 0 || flags.texts("masters").length === 0) return contracts;
  throw new CliError(
    "bad_masters_file",
    `--masters ${flags.texts("masters").join(", ")}: no contract found.`,
    "Give the exchange's contract files: lines that begin with C or P.",
  );
}

/** What an exchange ends with of itself, in the words of the flags; anything else as it is. */
export function simError(thrown: unknown): unknown {
  const { code, message } = thrown as { code?: string; message?: string };
  if (code !== "sequence_exhausted") return thrown;
  return new CliError(
    "bad_flag",
    `${message?.split(":")[0]}.`,
    "Start lower with --first-sequence, or put 'at 1s restart' into a --schedule.",
    thrown,
  );
}
