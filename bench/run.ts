/**
 * Edge: what `edgebook bench` runs. The command loads this file by its path: benchmarks need the
 * sources beside them, which a one-file binary has not.
 */
import type { BenchOptions } from "../cli/commands/bench.ts";
import { booksRun, decodeRun, rowsRun } from "./engine-runs.ts";
import {
  type BenchRun,
  type BenchSize,
  type Finding,
  findingLines,
  type NotRun,
  ratioOf,
} from "./finding.ts";
import { type Machine, machineLine, thisMachine } from "./machine.ts";
import { liveRuns, receiveRun, replayRun, sizeRun } from "./wire-runs.ts";

export const BENCHES: Readonly<Record<string, BenchRun>> = {
  books: booksRun,
  decode: decodeRun,
  rebuild: rowsRun,
  live: liveRuns,
  receive: receiveRun,
  size: sizeRun,
  replay: replayRun,
};

const FULL: BenchSize = { messages: 5_000_000, instruments: 50_000, rounds: 3, isQuick: false };
const QUICK: BenchSize = { messages: 50_000, instruments: 500, rounds: 1, isQuick: true };

/** @returns false if some result is not what it must be */
export async function runBenches(options: BenchOptions): Promise<boolean> {
  const { names, isJson, print, signal } = options;
  const size = { ...(options.isQuick ? QUICK : FULL), ...chosen(options.messages) };
  const machine = thisMachine();
  if (!isJson) print(`${machineLine(machine)}\n`);
  if (!isJson && size.isQuick) print("--quick: what is right is told, how fast it is is not\n");
  let isRight = true;
  const found: (Finding | NotRun)[] = [];
  for (const name of names) {
    for await (const finding of BENCHES[name](size)) {
      if (signal.aborted) return isRight;
      found.push(finding);
      if ("isRight" in finding) isRight &&= finding.isRight;
      if (!isJson) print(`${linesOf(finding).join("\n")}\n`);
    }
  }
  if (isJson) print(`${JSON.stringify(asJson(machine, size, found))}\n`);
  return isRight;
}

function chosen(messages: number | undefined): Partial<BenchSize> {
  return messages === undefined ? {} : { messages };
}

function linesOf(finding: Finding | NotRun): string[] {
  if ("isRight" in finding) return findingLines(finding);
  return [`${finding.bench.padEnd(8)} not run: ${finding.obstacle}`];
}

function asJson(machine: Machine, size: BenchSize, found: readonly (Finding | NotRun)[]) {
  const findings = found.map((finding) => {
    if (!("isRight" in finding)) return finding;
    const { isRight, ...told } = finding;
    const ratio = ratioOf(finding);
    return { ...told, ...(ratio !== undefined && { ratio }), is_right: isRight };
  });
  return { machine, quick: size.isQuick, messages: size.messages, findings };
}
