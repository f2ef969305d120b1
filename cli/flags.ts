/**
 * From the words of a command line to checked flags. Each flag has a twin in the environment
 * (`--http` and `EDGEBOOK_HTTP`); the command line wins.
 */
import type { ArgumentsSpec, FlagSpec } from "./command.ts";
import { CliError } from "./errors.ts";
import { FlagValues, parseDurationNs } from "./flag-values.ts";
import { nearest } from "./nearest.ts";

export interface ParsedLine {
  readonly flags: FlagValues;
  readonly args: readonly string[];
}

export function variableOf(flag: string): string {
  return `EDGEBOOK_${flag.toUpperCase().replaceAll("-", "_")}`;
}

/**
 * @param words what stands after the command's name
 * @param env the environment, where flags that are not in `words` are looked up
 */
export function parseFlags(
  words: readonly string[],
  specs: readonly FlagSpec[],
  env: Readonly<Record<string, string | undefined>>,
): ParsedLine {
  const values = new Map<string, string[]>();
  const args: string[] = [];
  for (let at = 0; at < words.length; at++) {
    const word = words[at];
    if (word === "--") {
      args.push(...words.slice(at + 1));
      break;
    }
    if (!word.startsWith("-") || word === "-") args.push(word);
    else at += readFlag(word, words[at + 1], specs, values);
  }
  for (const spec of specs) {
    if (!values.has(spec.name)) fillIn(spec, env, values);
  }
  return { flags: new FlagValues(values), args };
}

/** Returns how many words after this one were its value. */
function readFlag(
  word: string,
  next: string | undefined,
  specs: readonly FlagSpec[],
  values: Map<string, string[]>,
): number {
  const equals = word.indexOf("=");
  const typed = equals < 0 ? word : word.slice(0, equals);
  const { spec, negated } = specOf(typed, specs);
  let value = equals < 0 ? undefined : word.slice(equals + 1);
  let taken = 0;
  if (spec.kind === "boolean") {
    if (negated && value !== undefined) {
      throw new CliError("bad_flag", `'${typed}' takes no value.`, `Write --${spec.name}=false.`);
    }
    value = negated ? "false" : (value ?? "true");
  } else if (value === undefined) {
    if (next === undefined || (next.startsWith("--") && next.length > 2)) {
      throw new CliError(
        "bad_flag",
        `'${typed}' needs a value.`,
        `Write ${typed} ${spec.placeholder ?? "VALUE"}.`,
      );
    }
    value = next;
    taken = 1;
  }
  store(spec, checked(spec, value, typed), typed, values);
  return taken;
}

function specOf(typed: string, specs: readonly FlagSpec[]): { spec: FlagSpec; negated: boolean } {
  const name = typed.replace(/^--?/, "");
  const spec = typed.startsWith("--") ? specs.find((known) => known.name === name) : undefined;
  if (spec) return { spec, negated: false };
  const positive = name.startsWith("no-") ? name.slice(3) : "";
  const off = specs.find((known) => known.name === positive && known.kind === "boolean");
  if (off) return { spec: off, negated: true };
  const close = nearest(
    name,
    specs.map((known) => known.name),
  );
  throw new CliError(
    "unknown_flag",
    `There is no flag '${typed}' here.`,
    close ? `Did you mean --${close}?` : "--help lists the flags of this command.",
  );
}

function store(spec: FlagSpec, value: string, typed: string, values: Map<string, string[]>): void {
  const known = values.get(spec.name);
  if (known && !spec.repeatable && spec.kind !== "boolean") {
    throw new CliError("bad_flag", `'${typed}' is given twice.`, "Keep one of the two.");
  }
  if (known && spec.repeatable) known.push(value);
  else values.set(spec.name, [value]);
}

function fillIn(
  spec: FlagSpec,
  env: Readonly<Record<string, string | undefined>>,
  values: Map<string, string[]>,
): void {
  const variable = variableOf(spec.name);
  const set = env[variable];
  if (set !== undefined && set !== "") {
    const parts = spec.repeatable ? set.split(",") : [set];
    values.set(
      spec.name,
      parts.map((part) => checked(spec, part.trim(), variable)),
    );
  } else if (spec.fallback !== undefined) values.set(spec.name, [spec.fallback]);
}

function checked(spec: FlagSpec, value: string, typed: string): string {
  if (spec.kind === "boolean") return checkedBoolean(value, typed);
  if (value === "") {
    throw new CliError(
      "bad_flag",
      `'${typed}' is empty.`,
      `Give a ${spec.placeholder ?? "value"}.`,
    );
  }
  if (spec.kind === "integer" && !(/^\d+$/.test(value) && Number.isSafeInteger(Number(value)))) {
    throw new CliError("bad_flag", `'${typed}' is '${value}', not a whole number.`, spec.doc);
  }
  if (spec.kind === "duration" && parseDurationNs(value) === undefined) {
    throw new CliError(
      "bad_flag",
      `'${typed}' is '${value}', not a duration.`,
      "Write a number with its unit: 250us, 100ms, 2s, 5m.",
    );
  }
  if (spec.values && !spec.values.includes(value)) {
    const close = nearest(value, spec.values);
    throw new CliError(
      "bad_flag",
      `'${typed}' is '${value}', which is none of ${spec.values.join(", ")}.`,
      close ? `Did you mean ${close}?` : "",
    );
  }
  return value;
}

function checkedBoolean(value: string, typed: string): string {
  const word = value.toLowerCase();
  if (["true", "1", "yes", "on"].includes(word)) return "true";
  if (["false", "0", "no", "off"].includes(word)) return "false";
  throw new CliError("bad_flag", `'${typed}' is '${value}'.`, "It is either true or false.");
}

export function checkArguments(args: readonly string[], spec: ArgumentsSpec): void {
  if (args.length < spec.atLeast) {
    throw new CliError(
      "bad_argument",
      `${spec.placeholder} is missing.`,
      "--help shows how this command is used.",
    );
  }
  if (args.length > spec.atMost) {
    throw new CliError(
      "bad_argument",
      `'${args[spec.atMost]}' is one argument too many.`,
      "Flags start with two dashes; --help lists them.",
    );
  }
}
