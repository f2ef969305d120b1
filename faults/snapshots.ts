/**
 * What can go wrong with the image of all live orders: by rate, by schedule, from one seed. Says
 * which fault strikes a question; the server that answers commits it.
 */
import { Random } from "./random.ts";
import { FaultLog, type SnapshotFault } from "./record.ts";
import { checkRates, type ScheduledFault, scheduledAt } from "./recovery.ts";

/** Rates are chances of each question, from 0 to 1; the first of this order that strikes counts. */
export interface SnapshotFaults {
  /** The connection is closed as soon as it is there. */
  readonly refuseRate: number;
  /** The reply says error. */
  readonly errorRate: number;
  /** The image before the newest, so up to two periods old. */
  readonly oldRate: number;
  /** The image of this very moment: of a client whose lines are late it is ahead. */
  readonly newerRate: number;
  /** The answer ends somewhere in the middle. */
  readonly cutRate: number;
  /** The records in any order. */
  readonly shuffleRate: number;
  /** The answer begins late by up to `slowNs`. */
  readonly slowRate: number;
  readonly slowNs: number;
  /** No answer at all, and the connection stays open. */
  readonly silenceRate: number;
  readonly scheduled: readonly ScheduledFault<SnapshotFault>[];
}

export const NO_SNAPSHOT_FAULTS: SnapshotFaults = {
  refuseRate: 0,
  errorRate: 0,
  oldRate: 0,
  newerRate: 0,
  cutRate: 0,
  shuffleRate: 0,
  slowRate: 0,
  slowNs: 2e9,
  silenceRate: 0,
  scheduled: [],
};

export class SnapshotFaultDraw {
  readonly options: SnapshotFaults;
  readonly random: Random;
  readonly log: FaultLog;

  constructor(given: Partial<SnapshotFaults>, seed: number, log = new FaultLog(1_000)) {
    this.options = { ...NO_SNAPSHOT_FAULTS, ...given };
    checkRates(this.options);
    this.random = new Random(seed, 6);
    this.log = log;
  }

  refuses(nowNs: number): boolean {
    const { options, random } = this;
    const refusals = options.scheduled.filter(({ fault }) => fault === "refuse");
    const isRefused =
      scheduledAt(refusals, 0, nowNs) !== undefined || random.chance(options.refuseRate);
    if (isRefused) this.log.add("refuse", "snapshot", Number.NaN, 0);
    return isRefused;
  }

  /** @param lastSequence last number of the newest image, for the record */
  strike(
    stream: number,
    lastSequence: number,
    nowNs: number,
  ): Exclude<SnapshotFault, "refuse"> | undefined {
    const others = this.options.scheduled.filter(({ fault }) => fault !== "refuse");
    const fault = scheduledAt(others, stream, nowNs) ?? this.drawn();
    if (fault === undefined || fault === "refuse") return undefined;
    this.log.add(fault, "snapshot", stream, lastSequence);
    return fault;
  }

  private drawn(): SnapshotFault | undefined {
    const { options, random } = this;
    if (random.chance(options.errorRate)) return "error";
    if (random.chance(options.oldRate)) return "old";
    if (random.chance(options.newerRate)) return "newer";
    if (random.chance(options.cutRate)) return "cut";
    if (random.chance(options.shuffleRate)) return "shuffle";
    if (random.chance(options.slowRate)) return "slow";
    if (random.chance(options.silenceRate)) return "silence";
    return undefined;
  }
}
