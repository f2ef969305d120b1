/** Edge: `edgebook bench`: figures, each with its yardstick in the same run and its result checked. */
import { join } from "node:path";
import type { Command } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import { printOut } from "../output.ts";

/** Loaded by path: the benchmarks, their C++ and the simulator's days are no part of the product. */
const RUN = join(import.meta.dir, "../../bench/run.ts");
export interface BenchOptions {
  /** Names of benchmarks, in the order in which they run. */
  readonly names: readonly string[];
  readonly isQuick: boolean;
  /** Instead of the size's own. */
  readonly messages?: number;
  readonly isJson: boolean;
  readonly print: (text: string) => void;
  readonly signal: AbortSignal;
}

const NAMES = ["books", "decode", "rebuild", "live", "receive", "size", "replay"];

export const command: Command = {
  args: { placeholder: "[NAME…]", atLeast: 0, atMost: NAMES.length },
  flags: [
    {
      name: "quick",
      kind: "boolean",
      doc: "Only that everything runs and is right: too short for figures.",
    },
    {
      name: "messages",
      kind: "integer",
      placeholder: "N",
      doc: "Messages of the simulated days; 5000000, or 50000 with --quick.",
    },
    {
      name: "format",
      kind: "text",
      values: ["text", "json"],
      fallback: "text",
      doc: "Text for people, one line of JSON for programs.",
    },
    { name: "json", kind: "boolean", doc: "The same as --format json." },
  ],
  help:
    "Measures what is named, or all: books (files to books, ITCH and NSE), decode (framing and fields " +
    "alone), rebuild (rows of every schema and format), live, receive, size, replay. Yardsticks are " +
    "C and C++ programs compiled here, zstd and tcpreplay, on the same input in the same run; a " +
    "wrong result is said and ends with exit code 1. What cannot run here says why. Days are made " +
    "by the simulator once and kept in ~/.cache/edgebook-bench (EDGEBOOK_BENCH_CACHE).",
  examples: [
    ["edgebook bench books decode", "the engine beside C++"],
    ["edgebook bench --quick", "does everything run on this machine?"],
    ["edgebook bench books --messages 20000000 --json", "the full size, for a program"],
  ],
  async run({ args, flags, signal }) {
    const unknown = args.find((name) => !NAMES.includes(name));
    if (unknown !== undefined) {
      const message = `There is no benchmark '${unknown}'.`;
      throw new CliError("bad_argument", message, `Choose of ${NAMES.join(", ")}.`);
    }
    const messages = flags.integer("messages");
    if (messages !== undefined && messages < 1000) {
      throw new CliError("bad_flag", "--messages is too small to measure.", "Give 1000 or more.");
    }
    const { runBenches } = (await import(RUN)) as {
      runBenches: (options: BenchOptions) => Promise<boolean>;
    };
    const isRight = await runBenches({
      names: args.length > 0 ? args : NAMES,
      isQuick: flags.on("quick"),
      isJson: flags.on("json") || flags.text("format") === "json",
      print: printOut,
      signal,
      ...(messages !== undefined && { messages }),
    });
    return isRight ? Exit.Done : Exit.Failed;
  },
};
