/**
 * A schedule: what shall go wrong, and when, one thing a line, in words that a person can read.
 *
 *   at 2.5s drop A 3 41..44          numbers 41 to 44 of stream 3 never come on line A
 *   at 2.5s delay AB 3 50 20ms       number 50 comes 20 ms late on both lines
 *   at 12s outage B 500ms            nothing comes on line B, of all streams
 *   at 12s outage AB 3 500ms         nothing of stream 3 on either
 *   at 10s restart                   the exchange moves to its recovery site
 *   at 5s recovery error 2s          its recovery server says error; `… 2s 3`: to stream 3 only
 *   at 5s snapshot old 30s           its snapshots are old
 *   at 20s end                       trading ends, heartbeats follow
 *
 * Times count from the exchange's start. Without `at` a line holds from the start. What is told by
 * number strikes once: at the first datagrams with those numbers that are sent from then on.
 */
import type { RecoveryFault, SnapshotFault } from "../faults/record.ts";
import type { ScheduledFault } from "../faults/recovery.ts";

export const STRIKES = ["drop", "duplicate", "delay", "corrupt", "truncate", "conflict"] as const;
export type StrikeFault = (typeof STRIKES)[number];

export interface Strike {
  readonly fault: StrikeFault;
  /** 0 is A. */
  readonly lines: readonly number[];
  readonly stream: number;
  readonly first: number;
  readonly last: number;
  readonly atNs: number;
  /** How late, of a delay. */
  readonly byNs: number;
  /** Line of the file, from 1. */
  readonly written: number;
}

export interface Outage {
  readonly lines: readonly number[];
  /** 0: all. */
  readonly stream: number;
  readonly fromNs: number;
  readonly untilNs: number;
}

export interface Schedule {
  readonly strikes: readonly Strike[];
  readonly outages: readonly Outage[];
  readonly restartAtNs: readonly number[];
  readonly recovery: readonly ScheduledFault<RecoveryFault>[];
  readonly snapshots: readonly ScheduledFault<SnapshotFault>[];
  /** When trading ends; infinite where nothing says so. */
  readonly endNs: number;
}

export const NO_SCHEDULE: Schedule = {
  strikes: [],
  outages: [],
  restartAtNs: [],
  recovery: [],
  snapshots: [],
  endNs: Number.POSITIVE_INFINITY,
};

const RECOVERY_FAULTS: readonly RecoveryFault[] = [
  "refuse",
  "error",
  "short",
  "cut",
  "wrong",
  "slow",
  "notyet",
  "silence",
];
const SNAPSHOT_FAULTS: readonly SnapshotFault[] = [
  "refuse",
  "error",
  "old",
  "newer",
  "cut",
  "shuffle",
  "slow",
  "silence",
];

/** A line that cannot be read: names the line and the field, and says what would do. */
export class ScheduleError extends Error {
  readonly code = "bad_config";
  readonly hint: string;

  constructor(place: string, field: string, found: string, hint: string) {
    super(`${place}: ${field} is ${found === "" ? "missing" : `'${found}'`}`);
    this.name = "ScheduleError";
    this.hint = hint;
  }
}

interface Reading {
  strikes: Strike[];
  outages: Outage[];
  restartAtNs: number[];
  recovery: ScheduledFault<RecoveryFault>[];
  snapshots: ScheduledFault<SnapshotFault>[];
  endNs: number;
}

/** @throws ScheduleError */
export function parseSchedule(text: string, path: string): Schedule {
  const schedule: Reading = { ...structuredClone(EMPTY), endNs: NO_SCHEDULE.endNs };
  for (const [index, line] of text.split("\n").entries()) {
    const words = line.replace(/#.*/, "").trim().split(/\s+/);
    if (words[0] === "") continue;
    new ScheduleLine(words, `${path}, line ${index + 1}`, index + 1).readInto(schedule);
  }
  schedule.restartAtNs.sort((a, b) => a - b);
  return schedule;
}

const EMPTY = { strikes: [], outages: [], restartAtNs: [], recovery: [], snapshots: [] };

class ScheduleLine {
  private readonly words: readonly string[];
  private readonly place: string;
  private readonly written: number;
  private at = 0;

  constructor(words: readonly string[], place: string, written: number) {
    this.words = words;
    this.place = place;
    this.written = written;
  }

  readInto(schedule: Reading): void {
    let atNs = 0;
    if (this.words[0] === "at") {
      this.at++;
      atNs = this.time("the time after 'at'");
    }
    const what = this.take();
    const strike = STRIKES.find((fault) => fault === what);
    if (strike !== undefined) schedule.strikes.push(this.strike(strike, atNs));
    else if (what === "outage") schedule.outages.push(this.outage(atNs));
    else if (what === "restart") schedule.restartAtNs.push(atNs);
    else if (what === "end") schedule.endNs = Math.min(schedule.endNs, atNs);
    else if (what === "recovery") schedule.recovery.push(this.server(RECOVERY_FAULTS, atNs));
    else if (what === "snapshot") schedule.snapshots.push(this.server(SNAPSHOT_FAULTS, atNs));
    else {
      const choice = [...STRIKES, "outage", "restart", "recovery", "snapshot", "end"].join(", ");
      throw new ScheduleError(this.place, "what happens", what, `Write one of ${choice}.`);
    }
    const rest = this.take();
    if (rest !== "") {
      throw new ScheduleError(this.place, "the last word", rest, "Nothing may follow here.");
    }
  }

  private strike(fault: StrikeFault, atNs: number): Strike {
    const lines = this.lines();
    const stream = this.stream();
    const text = this.take();
    const parts = /^(\d{1,15})(?:\.\.(\d{1,15}))?$/.exec(text);
    const first = Number(parts?.[1]);
    const last = Number(parts?.[2] ?? parts?.[1]);
    if (parts === null || first < 1 || last < first) {
      const hint = "Write a number or a range: 41 or 41..44.";
      throw new ScheduleError(this.place, "the sequence numbers", text, hint);
    }
    const byNs = fault === "delay" ? this.time("how late") : 0;
    return { fault, lines, stream, first, last, atNs, byNs, written: this.written };
  }

  private outage(fromNs: number): Outage {
    const lines = this.lines();
    const stream = /^\d+$/.test(this.words[this.at] ?? "") ? this.stream() : 0;
    return { lines, stream, fromNs, untilNs: fromNs + this.time("how long") };
  }

  private server<F extends string>(faults: readonly F[], fromNs: number): ScheduledFault<F> {
    const text = this.take();
    const fault = faults.find((known) => known === text);
    if (fault === undefined) {
      throw new ScheduleError(this.place, "the fault", text, `Write one of ${faults.join(", ")}.`);
    }
    const untilNs = fromNs + this.time("how long");
    const stream = this.at < this.words.length ? this.stream() : 0;
    return { fault, stream, fromNs, untilNs };
  }

  private lines(): number[] {
    const text = this.take();
    if (!/^(A|B|AB)$/.test(text)) {
      throw new ScheduleError(this.place, "the line", text, "Write A, B or AB for both.");
    }
    return [...text].map((letter) => letter.charCodeAt(0) - 65);
  }

  private stream(): number {
    const text = this.take();
    if (!/^\d{1,5}$/.test(text) || Number(text) < 1) {
      throw new ScheduleError(this.place, "the stream", text, "Write its number, from 1.");
    }
    return Number(text);
  }

  private time(field: string): number {
    const text = this.take();
    const ns = parseNs(text);
    if (ns !== undefined) return ns;
    const hint = "Write a number with its unit: 250us, 100ms, 2.5s, 1m.";
    throw new ScheduleError(this.place, field, text, hint);
  }

  private take(): string {
    return this.words[this.at++] ?? "";
  }
}

const UNIT_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
};

/** `2.5s` is 2,500,000,000; undefined for what is no duration. */
export function parseNs(text: string): number | undefined {
  const parts = /^(\d+(?:\.\d+)?)(ns|us|ms|s|m)$/.exec(text);
  if (parts === null) return text === "0" ? 0 : undefined;
  return Math.round(Number(parts[1]) * UNIT_NS[parts[2]]);
}
