/**
 * Fault rates as one list of words: `loss=1%,B.delay=20ms,recovery.short=20%,snapshot.old=50%`.
 * Without a line before the dot a fault is of both lines.
 */
import type { LineFaults } from "../faults/line-faults.ts";
import { NO_RECOVERY_FAULTS } from "../faults/recovery.ts";
import { NO_SNAPSHOT_FAULTS } from "../faults/snapshots.ts";
import type { MarketFaults } from "./market.ts";
import { parseNs } from "./schedule.ts";

/** What a word stands for; times are durations, all others rates. */
const LINE_WORDS: Readonly<Record<string, keyof LineFaults>> = {
  loss: "lossRate",
  burst: "burstEnterRate",
  dup: "duplicateRate",
  reorder: "reorderRate",
  delay: "delayNs",
  jitter: "jitterNs",
  truncate: "truncateRate",
  corrupt: "corruptRate",
  conflict: "conflictRate",
  foreign: "foreignRate",
  stale: "staleRate",
};
const LINE_OF: Readonly<Record<string, number>> = { A: 0, B: 1 };

export class FaultListError extends Error {
  readonly code = "bad_flag";
  readonly hint: string;

  constructor(term: string, what: string, hint: string) {
    super(`The fault '${term}' ${what}.`);
    this.name = "FaultListError";
    this.hint = hint;
  }
}

/** @throws FaultListError */
export function parseFaults(list: string): MarketFaults {
  const all: Record<string, number> = {};
  const lines: Record<string, number>[] = [{}, {}];
  const recovery: Record<string, number> = {};
  const snapshots: Record<string, number> = {};
  for (const term of list.split(",").map((word) => word.trim())) {
    if (term === "") continue;
    const parts = /^(?:(\w+)\.)?(\w+)=(.+)$/.exec(term);
    if (parts === null) {
      throw new FaultListError(term, "cannot be read", "Write name=rate, as in loss=1%.");
    }
    const [, where, word, value] = parts;
    if (where === "recovery") put(recovery, serverKey(term, word, NO_RECOVERY_FAULTS), term, value);
    else if (where === "snapshot") {
      put(snapshots, serverKey(term, word, NO_SNAPSHOT_FAULTS), term, value);
    } else {
      const into = where === undefined ? all : lines[LINE_OF[where] ?? -1];
      const key = LINE_WORDS[word];
      if (into === undefined) {
        const hint = "Before the dot stands A, B, recovery or snapshot.";
        throw new FaultListError(term, `names '${where}'`, hint);
      }
      if (key === undefined) {
        const hint = `On lines there are ${Object.keys(LINE_WORDS).join(", ")}.`;
        throw new FaultListError(term, "is not known", hint);
      }
      put(into, key, term, value);
    }
  }
  return { all, lines, recovery, snapshots };
}

/** `short` is `shortRate`. */
function serverKey(term: string, word: string, known: object): string {
  const keys = Object.keys(known).filter((key) => key.endsWith("Rate"));
  const key = keys.find((name) => name.toLowerCase() === `${word.toLowerCase()}rate`);
  if (key !== undefined) return key;
  const words = keys.map((name) => name.slice(0, -4).toLowerCase());
  throw new FaultListError(term, "is not known", `There are ${words.join(", ")}.`);
}

function put(into: Record<string, number>, key: string, term: string, value: string): void {
  into[key] = key.endsWith("Ns") ? timeOf(term, value) : rateOf(term, value);
}

function timeOf(term: string, value: string): number {
  const ns = parseNs(value);
  if (ns !== undefined) return ns;
  throw new FaultListError(term, "is no time", "Write a number with its unit: 20ms.");
}

/** `1%` or `0.01`. */
export function rateOf(term: string, value: string): number {
  const parts = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(value);
  const rate = Number(parts?.[1]) / (parts?.[2] === "%" ? 100 : 1);
  if (parts !== null && rate <= 1) return rate;
  throw new FaultListError(term, "is no rate", "Write 1% or 0.01; at most 100%.");
}
