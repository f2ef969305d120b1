/** Edge: `edgebook sim check`: random exchanges, random faults, the production cores, and what must hold. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { openZstd } from "../../frames/zstd.ts";
import { type BatchResult, type CheckFailure, judgeCase } from "../../sim/check-batch.ts";
import { captureOfCase } from "../../sim/check-capture.ts";
import { runCheckPool } from "../../sim/check-pool.ts";
import {
  DOUBTFUL_MOST,
  doubtfulShare,
  noTotals,
  pathTable,
  type Totals,
} from "../../sim/check-totals.ts";
import { leastPair, rarePairs } from "../../sim/path-pairs.ts";
import { caseText, type WorldCase } from "../../sim/world/case.ts";
import { type Command, NO_ARGUMENTS } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import { printErr, printOut } from "../output.ts";

export const DEFAULT_RUNS = "1000";
const SEEDS = 2 ** 31;
/** With fewer cases the shares say nothing. */
const CASES_FOR_SHARES = 500;

export const command: Command = {
  args: NO_ARGUMENTS,
  flags: [
    { name: "runs", kind: "integer", placeholder: "N", fallback: DEFAULT_RUNS, doc: "Cases." },
    { name: "seed", kind: "integer", placeholder: "S", doc: "One seed, one run; else a new one." },
    { name: "path", kind: "text", placeholder: "P", doc: "The one case that a failure named." },
    { name: "case", kind: "text", placeholder: "FILE", doc: "The case in a file (JSON)." },
    { name: "jobs", kind: "integer", placeholder: "N", fallback: "2", doc: "Workers." },
    {
      name: "shrinks",
      kind: "integer",
      placeholder: "N",
      fallback: "600",
      doc: "Tries to make a failing case smaller.",
    },
    {
      name: "least",
      kind: "integer",
      placeholder: "N",
      fallback: "0",
      doc: "Each pair of fault and repair path that can occur must be taken so often.",
    },
    {
      name: "format",
      kind: "text",
      values: ["text", "json"],
      fallback: "text",
      doc: "Text for people, one line of JSON for programs.",
    },
    {
      name: "out",
      kind: "text",
      placeholder: "DIR",
      fallback: ".",
      doc: "Where a failing case goes, as a capture and as JSON.",
    },
  ],
  help:
    "Draws exchanges and what goes wrong with lines, recovery, snapshots, chunks and processes; runs " +
    "the production cores from capture to books on virtual time; and holds that a book which is " +
    "neither held nor flagged is right, that what can be repaired is, that every number is applied " +
    "once or stands in the ledger, that limits are kept and chunks give back what went in. A case " +
    "that fails is shrunk and told in words, with the line that repeats it. Exit code 1 then, and " +
    "where books were held or flagged for too much of the time, or --least is not reached.",
  examples: [
    ["edgebook sim check --runs 10000 --seed 1", "ten thousand cases, always the same"],
    ["edgebook sim check --seed 7 --path 12:3:0", "one of them again"],
    ["edgebook sim check --case sim/corpus/overtaken-chunk.json", "a case from a file"],
  ],
  async run({ flags, signal }) {
    const file = flags.text("case");
    if (file !== undefined) return runCaseFile(file);
    const seed = flags.integer("seed") ?? Math.floor(Math.random() * SEEDS);
    const runs = flags.integer("runs") ?? Number(DEFAULT_RUNS);
    const path = flags.text("path") ?? "";
    if (path !== "" && !flags.has("seed")) {
      throw new CliError("bad_flag", "--path means nothing without its --seed.", "Give both.");
    }
    const started = performance.now();
    const showsProgress = process.stderr.isTTY === true;
    const result = await runCheckPool({
      ...{ seed, runs, path, signal },
      shrinks: flags.integer("shrinks") ?? 0,
      workers: Math.max(1, flags.integer("jobs") ?? 2),
      onCase(cases) {
        if (showsProgress && cases % 10 === 0) printErr(`\r\u001b[Kcases: ${cases} of ${runs}`);
      },
    });
    if (showsProgress) printErr("\r\u001b[K");
    const seconds = (performance.now() - started) / 1000;
    if (flags.text("format") === "json") {
      const { totals, failure } = result;
      printOut(`${JSON.stringify({ ...totals, seconds, failure })}\n`);
      return signal.aborted ? Exit.Interrupted : failure === null ? Exit.Done : Exit.Failed;
    }
    const wanting = signal.aborted ? [] : wantingOf(result.totals, flags.integer("least") ?? 0);
    printOut(summaryText(result, seed, seconds));
    for (const text of wanting) printOut(`${text}\n`);
    if (signal.aborted) return Exit.Interrupted;
    if (result.failure === null) return wanting.length === 0 ? Exit.Done : Exit.Failed;
    printOut(failureText(result.failure, saveCase(flags.text("out") ?? ".", result.failure)));
    return Exit.Failed;
  },
};

function runCaseFile(file: string): number {
  const given = readCase(file);
  const problems = judgeCase(given, openZstd(), noTotals());
  printOut(`${caseText(given)}\n`);
  for (const { property, text } of problems) printOut(`${property}: ${text}\n`);
  printOut(problems.length === 0 ? "everything holds\n" : "");
  return problems.length === 0 ? Exit.Done : Exit.Failed;
}

function readCase(file: string): WorldCase {
  const text = readFileSync(file, "utf8");
  try {
    const value = JSON.parse(text) as { case?: WorldCase } & WorldCase;
    return value.case ?? value;
  } catch (error) {
    const hint = "A failing 'sim check' writes such files.";
    throw new CliError("bad_argument", `${file} holds no case: ${String(error)}`, hint);
  }
}

function summaryText({ totals }: BatchResult, seed: number, seconds: number): string {
  const { cases, repairable, messages, simulatedNs, standing, undecidable } = totals;
  const hours = simulatedNs / 3600e9 / (seconds / 3600);
  const lines = [
    pathTable(totals),
    "",
    `${cases} cases (${repairable} drawn to be repairable), ${messages} messages, seed ${seed}`,
    `held or flagged: ${percent(doubtfulShare(standing.repairable))} of the time where all can be ` +
      `repaired (at most ${percent(DOUBTFUL_MOST.repairable)}), ` +
      `${percent(doubtfulShare(standing.other))} elsewhere (at most ${percent(DOUBTFUL_MOST.other)})`,
    `least taken pair of fault and path: ${leastPair(totals)}`,
    `${undecidable} times numbers alone could not tell an epoch from the next`,
    `${seconds.toFixed(1)} s; an hour of this checks ${hours.toFixed(0)} exchange hours`,
  ];
  return `${lines.join("\n")}\n`;
}

/** What a run that found no failing case still has not shown. */
function wantingOf(totals: Totals, least: number): string[] {
  const wanting: string[] = [];
  const { cases, standing } = totals;
  for (const kind of ["repairable", "other"] as const) {
    if (cases < CASES_FOR_SHARES || doubtfulShare(standing[kind]) <= DOUBTFUL_MOST[kind]) continue;
    wanting.push(`books are held or flagged for too much of the time (${kind})`);
  }
  const rare = least > 0 ? rarePairs(totals, least) : [];
  if (rare.length > 0) wanting.push(`taken less than ${least} times: ${rare.join(", ")}`);
  return wanting;
}

function failureText(
  { seed, path, given, problems, shrinks }: CheckFailure,
  files: readonly string[],
): string {
  const lines = [
    "",
    "A case fails:",
    caseText(given),
    "",
    ...problems.map(({ property, text }) => `${property}: ${text}`),
    "",
    `seed ${seed}, path ${path}, shrunk in ${shrinks} tries; written to ${files.join(" and ")}`,
    `edgebook sim check --seed ${seed} --path ${path}`,
  ];
  return `${lines.join("\n")}\n`;
}

function saveCase(folder: string, { seed, given, problems }: CheckFailure): string[] {
  const capture = join(folder, `sim-case-${seed}.pcap`);
  const json = join(folder, `sim-case-${seed}.json`);
  writeFileSync(json, `${JSON.stringify({ problems, case: given }, null, 2)}\n`);
  writeFileSync(capture, captureOfCase(given, openZstd()));
  return [capture, json];
}

const percent = (share: number) => `${(share * 100).toFixed(1)} %`;
