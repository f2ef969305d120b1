/**
 * What the simulated exchange lists: instruments of its own making, or those of an exchange's
 * contract files, with the tick, lot and opening price that those files do not give.
 */
import { Random } from "../../faults/random.ts";

export type Segment = "nse-cm" | "nse-fo" | "nse-cd" | "nse-co" | "nasdaq-itch50";

/** A line of a contract file: who is traded on which stream. */
export interface Contract {
  /** From 1. */
  readonly stream: number;
  readonly token: number;
  /** A spread is a book of its own, whose prices are differences and may be negative. */
  readonly spread: boolean;
  /** The second leg of a spread. */
  readonly token2?: number;
  /** FUTIDX, OPTSTK, EQUITY and so on. */
  readonly instrument?: string;
  readonly symbol?: string;
  /** Seconds since 1980 in Indian local time; 0 where it has none. */
  readonly expirySec?: number;
  /** In the feed's price unit. */
  readonly strike?: number;
  /** CE, PE, XX; in CM the series. */
  readonly optionType?: string;
}

export interface Instrument extends Contract {
  /** As rows name it: `61684`, a spread `S45585`. */
  readonly name: string;
  /** Smallest price step, in the feed's price unit (paise in CM and FO). */
  readonly tick: number;
  /** Quantities are multiples of it. */
  readonly lot: number;
  /** Where trading starts, in the feed's price unit, a multiple of the tick. */
  readonly openPrice: number;
}

const TICK_OF: Record<Segment, number> = {
  "nse-cm": 5,
  "nse-fo": 5,
  "nse-cd": 25_000,
  "nse-co": 100,
  "nasdaq-itch50": 100,
};
const FO_LOTS = [75, 35, 65, 120, 500, 1_200] as const;
const INDEX_NAMES = ["NIFTY", "BANKNIFTY", "FINNIFTY"] as const;
/** Contracts of one underlying at most. */
const CHAIN_LENGTH = 125;
/** 14:30 on a last Thursday, four weeks and eight weeks on: the expiries of generated contracts. */
const FIRST_EXPIRY_SEC = 1_432_909_800;
const MONTH_SEC = 28 * 86_400;

/** Gives each contract a name, a tick, a lot and an opening price, all from the seed. */
export function instrumentsFromContracts(
  segment: Segment,
  contracts: readonly Contract[],
  seed: number,
): Instrument[] {
  const random = new Random(seed, 1);
  return contracts.map((contract) => {
    const tick = TICK_OF[segment];
    const lot = segment === "nse-fo" ? FO_LOTS[random.below(FO_LOTS.length)]! : 1;
    const steps = contract.spread ? random.below(400) - 100 : openingSteps(contract, random);
    const isItch = segment === "nasdaq-itch50";
    const outright = isItch ? (contract.symbol ?? `SIM${contract.token}`) : `${contract.token}`;
    const name = contract.spread ? `S${contract.token}` : outright;
    return { ...contract, name, tick, lot, openPrice: steps * tick };
  });
}

/** Options open low, everything else anywhere between 10 and 25,000 rupees (5 paise a step). */
function openingSteps(contract: Contract, random: Random): number {
  const isOption = contract.optionType === "CE" || contract.optionType === "PE";
  return isOption ? 60 + random.below(8_000) : 200 + random.below(500_000);
}

/**
 * As many contracts as asked for, dealt to the streams by their underlying as NSE does it: an FO
 * underlying has futures, two spreads and options; CM is one equity after the other.
 */
export function generateContracts(segment: Segment, count: number, streams: number): Contract[] {
  if (segment !== "nse-fo" && segment !== "nse-cd") return equities(segment, count, streams);
  const underlyings = Math.min(count, Math.max(streams, Math.ceil(count / CHAIN_LENGTH)));
  const contracts: Contract[] = [];
  for (let underlying = 0; underlying < underlyings; underlying++) {
    const share = Math.ceil((count - contracts.length) / (underlyings - underlying));
    contracts.push(...chain(segment, underlying, streams).slice(0, share));
  }
  return contracts;
}

function equities(segment: Segment, count: number, streams: number): Contract[] {
  const instrument = segment === "nse-co" ? "FUTBLN" : "EQUITY";
  return Array.from({ length: count }, (_, at) => ({
    stream: (at % streams) + 1,
    // NASDAQ numbers its securities from 1: locate codes.
    token: segment === "nasdaq-itch50" ? at + 1 : 11 + at * 7,
    spread: false,
    instrument,
    symbol: `SIM${at + 1}`,
    expirySec: 0,
    strike: 0,
    optionType: segment === "nse-cm" ? "EQ" : "XX",
  }));
}

/** One underlying: 3 futures, 2 spreads between them, then options by strike and expiry. */
function chain(segment: Segment, underlying: number, streams: number): Contract[] {
  const symbol = INDEX_NAMES[underlying] ?? `SIM${underlying + 1}`;
  const suffix = segment === "nse-cd" ? "CUR" : underlying < INDEX_NAMES.length ? "IDX" : "STK";
  const stream = (underlying % streams) + 1;
  const firstToken = 35_000 + underlying * 200;
  const expiry = (month: number) => FIRST_EXPIRY_SEC + month * MONTH_SEC;
  const common = { stream, symbol, spread: false };
  const listed: Contract[] = [];
  for (let month = 0; month < 3; month++) {
    listed.push({
      ...common,
      token: firstToken + month,
      instrument: `FUT${suffix}`,
      expirySec: expiry(month),
      strike: 0,
      optionType: "XX",
    });
  }
  for (let month = 1; month < 3; month++) {
    // The spread goes by its first leg's token, so that tokens alone do not tell books apart.
    listed.push({
      stream,
      token: firstToken + month - 1,
      token2: firstToken + month,
      spread: true,
    });
  }
  for (let at = 0; at < CHAIN_LENGTH - 5; at++) {
    listed.push({
      ...common,
      token: firstToken + 10 + at,
      instrument: `OPT${suffix}`,
      expirySec: expiry(at % 3),
      strike: (20 + Math.floor(at / 6)) * 50_000,
      optionType: at % 6 < 3 ? "CE" : "PE",
    });
  }
  return listed;
}

/**
 * The contract file and the spread file that the exchange publishes, as CSV.
 * @param generatedSec seconds since 1980 in Indian local time, for the header line
 */
export function contractFiles(
  contracts: readonly Contract[],
  generatedSec: number,
): { contracts: string; spreads: string } {
  const outright: string[] = [];
  const spreads: string[] = [];
  for (const c of contracts) {
    if (c.spread) spreads.push(`P,${c.stream},${c.token},${c.token2 ?? 0},`);
    else {
      const what = `${c.instrument ?? ""},${c.symbol ?? ""},${c.expirySec ?? 0},${c.strike ?? 0}`;
      outright.push(`C,${c.stream},${c.token},${what},${c.optionType ?? ""},`);
    }
  }
  const file = (lines: string[]) =>
    `${[`${generatedSec},${lines.length},`, ...lines].join("\n")}\n`;
  return { contracts: file(outright), spreads: file(spreads) };
}
