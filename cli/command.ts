/**
 * What a command is. Each lives in its own file in `commands/` and exports `command`; the table in
 * `commands.ts` names it. Flags are declared as data: the parser, the help and the environment
 * twins all come from here.
 */
import type { FlagValues } from "./flag-values.ts";

export interface FlagSpec {
  /** Without dashes: `channels` is `--channels` and `EDGEBOOK_CHANNELS`. */
  readonly name: string;
  /**
   * `duration` takes `250ns`, `20us`, `100ms`, `2s`, `5m`, `1h` and gives nanoseconds; `integer` is
   * not negative; `boolean` takes no value (`--force`, `--no-force`, `--force=false`).
   */
  readonly kind: "text" | "integer" | "duration" | "boolean";
  /** May be given several times; in the environment separated by commas. */
  readonly repeatable?: boolean;
  /** How the help names the value: `FILE`, `HOST:PORT`. */
  readonly placeholder?: string;
  /** The only values allowed, where there is such a list. */
  readonly values?: readonly string[];
  /** As it would be typed; used when neither the flag nor its variable is given. */
  readonly fallback?: string;
  /** One line for the help. */
  readonly doc: string;
}

export interface ArgumentsSpec {
  /** How the usage line names them: `FILE…`; empty where a command takes none. */
  readonly placeholder: string;
  readonly atLeast: number;
  readonly atMost: number;
}

export interface CommandContext {
  readonly flags: FlagValues;
  readonly args: readonly string[];
  /** Aborted by SIGINT or SIGTERM: end cleanly; `main` then exits with 130. */
  readonly signal: AbortSignal;
}

export interface Command {
  readonly args: ArgumentsSpec;
  readonly flags: readonly FlagSpec[];
  /** What the command does, in a paragraph. */
  readonly help: string;
  /** Lines to copy, each with what it does: `["edgebook rebuild day.pcap", "all books, as rows"]`. */
  readonly examples: readonly (readonly [line: string, does: string])[];
  /** Returns the exit code (`Exit`); throws a `CliError` for what ends it early. */
  run(context: CommandContext): Promise<number>;
}

/** A command's module; one with parts of its own (`sim serve`) has them in a table like the whole. */
export interface LoadedCommand {
  readonly command: Command;
  readonly subcommands?: Readonly<Record<string, CommandEntry>>;
}

/** A row of the command table; `load` keeps the start of every other command fast. */
export interface CommandEntry {
  readonly summary: string;
  /** What a one-file binary lacks for it: "DuckDB's library"; absent: nothing. */
  readonly needsCheckout?: string;
  load(): Promise<LoadedCommand>;
}

export const NO_ARGUMENTS: ArgumentsSpec = { placeholder: "", atLeast: 0, atMost: 0 };
