/** What a client of the history server asks for: the parameters of `/v1/replay`. */
import { SCHEMAS, type Schema } from "../book/rows/schema.ts";
import type { Instant } from "../replayer/filter.ts";
import { type Pace, parsePace } from "../replayer/pace.ts";
import { CliError } from "./errors.ts";
import { parseMoment } from "./moment.ts";
import { nearest } from "./nearest.ts";
import { SPEED_HINT } from "./replay-settings.ts";

export interface HistoryQuery {
  readonly feed: string | undefined;
  /** Absent: orders where the feed has them, else levels. */
  readonly schema: Schema | undefined;
  readonly settled: boolean;
  /** Instruments as the feed names them, or symbols of the contract files; empty: all. */
  readonly names: readonly string[];
  readonly from: Instant | undefined;
  readonly until: Instant | undefined;
  readonly clock: "event" | "recv";
  readonly pace: Pace;
}

const PARAMETERS = [
  "feed",
  "schema",
  "settled",
  "symbols",
  "token",
  "from",
  "until",
  "clock",
  "speed",
] as const;

/** @throws CliError that names the parameter and how to write it */
export function parseHistoryQuery(asked: URLSearchParams): HistoryQuery {
  for (const name of asked.keys()) if (!isParameter(name)) throw unknownParameter(name);
  const text = (name: (typeof PARAMETERS)[number]) => asked.get(name) ?? undefined;
  const moment = (name: "from" | "until") => {
    const value = text(name);
    return value === undefined ? undefined : parseMoment(name, value);
  };
  const pace = parsePace(text("speed") ?? "max");
  if (!pace) throw new CliError("bad_flag", `'speed' is '${text("speed")}', no speed.`, SPEED_HINT);
  const names = [...asked.getAll("symbols"), ...asked.getAll("token")];
  return {
    feed: text("feed"),
    schema: oneOf("schema", text("schema"), SCHEMAS),
    settled: oneOf("settled", text("settled"), ["true", "false"] as const) === "true",
    names: names.flatMap((list) => list.split(",")).filter((name) => name !== ""),
    from: moment("from"),
    until: moment("until"),
    clock: oneOf("clock", text("clock"), ["event", "recv"] as const) ?? "event",
    pace,
  };
}

function isParameter(name: string): boolean {
  return (PARAMETERS as readonly string[]).includes(name);
}

function unknownParameter(name: string): CliError {
  const close = nearest(name, PARAMETERS);
  return new CliError(
    "bad_argument",
    `There is no parameter '${name}'.`,
    close ? `Did you mean ${close}?` : `There are ${PARAMETERS.join(", ")}.`,
  );
}

function oneOf<Value extends string>(
  name: string,
  text: string | undefined,
  values: readonly Value[],
): Value | undefined {
  if (text === undefined) return undefined;
  const value = values.find((one) => one === text);
  if (value !== undefined) return value;
  const message = `'${name}' is '${text}', which is none of ${values.join(", ")}.`;
  const close = nearest(text, values);
  throw new CliError("bad_argument", message, close ? `Did you mean ${close}?` : "");
}
