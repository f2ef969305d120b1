/**
 * The gap ledger: what was missing, late, conflicting or restarted, as rows, with totals.
 *
 * Totals are exact. Rows are bounded: the newest of each kind are kept (lost and repaired gaps
 * apart, so that repairs never push a loss out) and what fell out is counted. Each missing number is
 * in exactly one gap row; a gap that is filled in pieces gives one row for each piece that was
 * filled or lost in one go.
 */
import { Bounded } from "./bounded.ts";

export type GapState = "held" | "repaired" | "lost";
/** Who did not bring it: a line by name, both (all) of them, or nobody knows. */
export type GapCause = `line ${string}` | "both lines" | "unknown";
/** What ended the wait. */
export type GapEnd = "filled" | "window" | "buffer" | "epoch" | "end";

export interface GapRow {
  /** The exchange's stream id. */
  readonly stream: number;
  readonly epoch: number;
  readonly from: number;
  to: number;
  /** Capture time in ns since 1970, as a double. */
  readonly detectedNs: number;
  /** NaN while it is held. */
  closedNs: number;
  readonly state: GapState;
  readonly cause: GapCause;
  readonly end: GapEnd | null;
  /** `line A`, `recovery`, `snapshot`; null where nothing did. */
  readonly repairedBy: string | null;
}

export interface ConflictRow {
  readonly stream: number;
  readonly epoch: number;
  readonly sequence: number;
  /** The line whose copy was not used. */
  readonly line: string;
  readonly atNs: number;
  /** The copy that was not used. */
  readonly bytes: Uint8Array;
}

export interface LateRow {
  readonly stream: number;
  /** The stream's epoch when it came; it may belong to an older one. */
  readonly epoch: number;
  readonly from: number;
  to: number;
  readonly line: string;
  readonly atNs: number;
}

/** What a line did, in one epoch of its stream or in all. */
export interface LineAccount {
  /** 0 is A. */
  readonly line: number;
  readonly packets: number;
  /** Messages in those packets, copies included. */
  readonly messages: number;
  /** Numbers that this line brought first. */
  readonly firstArrivals: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly late: number;
  /** Numbers that it did not bring; what it owes at the tail counts when the epoch ends. */
  readonly loss: number;
  /** How much earlier than the other line's copy, ns of capture time; NaN: no pair seen. */
  readonly leadMeanNs: number;
  readonly leadMaxNs: number;
}

export interface EpochRow {
  readonly stream: number;
  readonly epoch: number;
  /** Empty where the feed has no sessions. */
  readonly session: string;
  /** `start`: the first that was seen of the stream; `day`: the first of another trading day. */
  readonly reason: "start" | "session" | "restart" | "day";
  readonly atNs: number;
  /** Lowest number of the epoch; moves down until its window has passed. */
  first: number;
  /** Set when the epoch ends: delivered + covered + lost = highWaterMark - first + 1. */
  highWaterMark: number;
  delivered: number;
  lost: number;
  /** Numbers whose messages nobody has, but whose effect a snapshot brought. */
  covered: number;
  /** What each line did in it; there once the epoch has ended. */
  lines?: readonly LineAccount[];
}

/** A snapshot that was joined to its stream behind `sequence`. */
export interface SnapshotRow {
  readonly stream: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly orders: number;
  readonly atNs: number;
}

/** The operator dropped the stream's books behind `sequence`. */
export interface ClearRow {
  readonly stream: number;
  readonly epoch: number;
  readonly sequence: number;
  readonly atNs: number;
}

export class Ledger {
  repairedNumbers = 0;
  lostNumbers = 0;
  /** Ranges still missing after arbitration: neighbours in one epoch are one range. */
  lostRanges = 0;
  /** Ranges, and numbers in them, that a recovery or a snapshot brought and no line. */
  recoveredRanges = 0;
  recoveredNumbers = 0;
  readonly repaired: Bounded<GapRow>;
  readonly lost: Bounded<GapRow>;
  readonly conflicts: Bounded<ConflictRow>;
  readonly late: Bounded<LateRow>;
  readonly epochs: Bounded<EpochRow>;
  readonly snapshots: Bounded<SnapshotRow>;
  readonly clears: Bounded<ClearRow>;
  private lastLate: LateRow | undefined;

  constructor(rows = 16384) {
    this.repaired = new Bounded(rows);
    this.lost = new Bounded(rows);
    this.conflicts = new Bounded(Math.min(rows, 256));
    this.late = new Bounded(rows);
    this.epochs = new Bounded(rows);
    this.snapshots = new Bounded(rows);
    this.clears = new Bounded(rows);
  }

  /** Late copies come in runs: neighbours of one line share a row. */
  addLate(row: LateRow): void {
    const last = this.lastLate;
    const continues =
      last !== undefined &&
      last.stream === row.stream &&
      last.epoch === row.epoch &&
      last.line === row.line &&
      last.to + 1 === row.from;
    if (continues) last.to = row.to;
    else {
      this.late.add(row);
      this.lastLate = row;
    }
  }

  /** Closed gaps, by time of closing within each state: lost first, then repaired. */
  closedGaps(): GapRow[] {
    return [...this.lost.list(), ...this.repaired.list()];
  }
}

/** 0 is A; beyond Z the number itself. */
export function lineName(line: number): string {
  return line < 26 ? String.fromCharCode(65 + line) : `${line}`;
}
