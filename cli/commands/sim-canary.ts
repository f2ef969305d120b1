/** Edge: `edgebook sim canary`: broken variants of edgebook, and what of `sim check` catches each. */
import { CANARIES } from "../../sim/canaries.ts";
import { CanaryCage, type CanaryVerdict } from "../../sim/canary-run.ts";
import type { Command } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import { printErr, printOut } from "../output.ts";
import { DEFAULT_RUNS } from "./sim-check.ts";

export const command: Command = {
  args: { placeholder: "WORDS…", atLeast: 0, atMost: Number.POSITIVE_INFINITY },
  flags: [
    {
      name: "runs",
      kind: "integer",
      placeholder: "N",
      fallback: DEFAULT_RUNS,
      doc: "Cases for each at most: as many as 'sim check' runs unless told.",
    },
    { name: "seed", kind: "integer", placeholder: "S", fallback: "1", doc: "Of the cases." },
    { name: "jobs", kind: "integer", placeholder: "N", fallback: "2", doc: "Workers." },
  ],
  help:
    "Breaks a copy of the sources on purpose, one mistake at a time, and runs 'sim check' on it: each " +
    "must be caught. With WORDS, only the variants whose names have them. Exit code 1 if one " +
    "lives. Needs a checkout.",
  examples: [
    ["edgebook sim canary", "all of them"],
    ["edgebook sim canary duplicate splices", "two of them"],
  ],
  async run({ flags, args, signal }) {
    const wanted = (name: string) => args.length === 0 || args.some((word) => name.includes(word));
    const canaries = CANARIES.filter(({ name }) => wanted(name));
    if (canaries.length === 0) {
      const names = CANARIES.map(({ name }) => name).join(", ");
      throw new CliError("bad_argument", `No canary is called ${args.join(" or ")}.`, names);
    }
    const cage = new CanaryCage(new URL("../..", import.meta.url).pathname);
    const options = {
      runs: flags.integer("runs") ?? Number(DEFAULT_RUNS),
      seed: flags.integer("seed") ?? 1,
      workers: flags.integer("jobs") ?? 2,
      signal,
    };
    const verdicts: CanaryVerdict[] = [];
    try {
      printOut(`${row("edgebook that …", "is caught by", "cases", "seconds")}\n`);
      for (const canary of canaries) {
        if (signal.aborted) return Exit.Interrupted;
        const verdict = await cage.judge(canary, options);
        verdicts.push(verdict);
        const { name, caughtBy, cases, seconds } = verdict;
        printOut(`${row(name, caughtBy || "NOTHING", `${cases}`, seconds.toFixed(1))}\n`);
      }
    } finally {
      cage.close();
    }
    const alive = verdicts.filter(({ caughtBy }) => caughtBy === "");
    if (alive.length > 0) printErr(`${alive.length} of ${verdicts.length} were not caught.\n`);
    return alive.length === 0 ? Exit.Done : Exit.Failed;
  },
};

const row = (name: string, by: string, cases: string, seconds: string) =>
  `${name.padEnd(44)}${by.padEnd(32)}${cases.padStart(6)}${seconds.padStart(9)}`;
