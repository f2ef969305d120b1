/**
 * A join as it is written in a config, checked: which quote an event is joined with.
 *
 *   strategy = "backward"          # or forward, nearest
 *   tolerance_ns = 2000000000
 *   allow_exact_matches = true
 *   [quotes]                       # absent: each trade with its own instrument's
 *   "nse-fo/35012" = "nse-fo/35001"
 */
import type { AsOfDeclaration } from "./live-asof.ts";
import { ASOF_STRATEGIES, AsOfError, type AsOfOptions, asOfOptions } from "./options.ts";
import type { AsOfPlan, Instrument } from "./routes.ts";

type Fields = Readonly<Record<string, unknown>>;

/** By the field's name in a config. */
const NUMBERS: Readonly<Record<string, keyof AsOfOptions>> = {
  tolerance_ns: "toleranceNs",
  idle_ns: "idleNs",
  quotes_limit: "quotesLimit",
  quotes_per_instrument_limit: "quotesPerKeyLimit",
  waiting_limit: "waitingLimit",
};

/** @throws AsOfError names the field and says what it must be */
export function asOfDeclaration(fields: Fields): AsOfDeclaration {
  const given: { -readonly [Name in keyof AsOfOptions]?: AsOfOptions[Name] } = {};
  let plan: AsOfPlan | undefined;
  for (const [name, value] of Object.entries(fields)) {
    if (name === "quotes") plan = planOf(value);
    else if (name === "strategy") {
      const known = ASOF_STRATEGIES.find((each) => each === value);
      if (known === undefined) throw wrong(name, value, `one of ${ASOF_STRATEGIES.join(", ")}`);
      given.strategy = known;
    } else if (name === "allow_exact_matches") {
      if (typeof value !== "boolean") throw wrong(name, value, "true or false");
      given.allowExactMatches = value;
    } else if (Object.hasOwn(NUMBERS, name)) {
      if (typeof value !== "number") throw wrong(name, value, "a number");
      Object.assign(given, { [NUMBERS[name]]: value });
    } else {
      const known = ["strategy", "allow_exact_matches", "quotes", ...Object.keys(NUMBERS)];
      throw new AsOfError("bad_option", `no field is called '${name}': write ${known.join(", ")}`);
    }
  }
  const options = asOfOptions(given);
  return plan === undefined ? { options } : { options, plan };
}

/** Pairs of instruments, the event's first, each as FEED/TOKEN. */
function planOf(value: unknown): AsOfPlan {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong("quotes", value, "a table of FEED/TOKEN = FEED/TOKEN");
  }
  const pairs = new Map<string, Instrument>();
  const quoted = new Set<string>();
  for (const [event, quote] of Object.entries(value)) {
    for (const each of [event, quote]) {
      if (typeof each !== "string" || !/^[^/]+\/.+$/.test(each)) {
        throw wrong("quotes", each, "an instrument as FEED/TOKEN");
      }
    }
    const at = String(quote).indexOf("/");
    pairs.set(event, { feed: quote.slice(0, at), token: quote.slice(at + 1) });
    quoted.add(quote);
  }
  return {
    quoteOf: ({ feed, token }) => pairs.get(`${feed}/${token}`),
    isQuoted: ({ feed, token }) => quoted.has(`${feed}/${token}`),
  };
}

function wrong(name: string, value: unknown, wanted: string): AsOfError {
  return new AsOfError("bad_option", `'${name}' is ${JSON.stringify(value)}: write ${wanted}`);
}
