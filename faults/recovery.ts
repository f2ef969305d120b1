/**
 * What can go wrong when a range of messages is asked for: by rate, by schedule, from one seed.
 *
 * Says which fault strikes a question; the server that answers commits it. Most draws are one per
 * question, so that a question more or less does not move what befalls the lines.
 */
import { FaultOptionError } from "./line-faults.ts";
import { Random } from "./random.ts";
import { FaultLog, type RecoveryFault } from "./record.ts";

/** From `fromNs` to before `untilNs` every question of the stream (0: of any) meets the fault. */
export interface ScheduledFault<F> {
  readonly fault: F;
  readonly stream: number;
  readonly fromNs: number;
  readonly untilNs: number;
}

/** Rates are chances of each question, from 0 to 1; the first of this order that strikes counts. */
export interface RecoveryFaults {
  /** The connection is closed as soon as it is there. */
  readonly refuseRate: number;
  /** The reply says error. */
  readonly errorRate: number;
  /** Fewer messages than were asked for, whole ones. */
  readonly shortRate: number;
  /** The answer ends inside a message. */
  readonly cutRate: number;
  /** Success, and other messages than those asked for. */
  readonly wrongRate: number;
  /** The answer begins late by up to `slowNs`. */
  readonly slowRate: number;
  readonly slowNs: number;
  /** The file is behind by `notYetNs` more than it usually is. */
  readonly notYetRate: number;
  readonly notYetNs: number;
  /** No answer at all, and the connection stays open. */
  readonly silenceRate: number;
  readonly scheduled: readonly ScheduledFault<RecoveryFault>[];
}

export const NO_RECOVERY_FAULTS: RecoveryFaults = {
  refuseRate: 0,
  errorRate: 0,
  shortRate: 0,
  cutRate: 0,
  wrongRate: 0,
  slowRate: 0,
  slowNs: 2e9,
  notYetRate: 0,
  notYetNs: 5e9,
  silenceRate: 0,
  scheduled: [],
};

/** Throws a `FaultOptionError` on a rate that is none; shared with the snapshots' faults. */
export function checkRates(faults: object): void {
  for (const [name, value] of Object.entries(faults)) {
    if (typeof value !== "number") continue;
    const most = name.endsWith("Rate") ? 1 : Number.POSITIVE_INFINITY;
    if (!(value >= 0 && value <= most)) {
      const range = most === 1 ? "from 0 to 1" : "0 or more";
      throw new FaultOptionError(`${name} is ${value}, and must be ${range}`);
    }
  }
}

/** The fault that a schedule has for a stream at a moment. */
export function scheduledAt<F>(
  scheduled: readonly ScheduledFault<F>[],
  stream: number,
  nowNs: number,
): F | undefined {
  return scheduled.find(
    (one) =>
      (one.stream === 0 || one.stream === stream) && nowNs >= one.fromNs && nowNs < one.untilNs,
  )?.fault;
}

export class RecoveryFaultDraw {
  readonly options: RecoveryFaults;
  readonly random: Random;
  readonly log: FaultLog;

  /** @param log shared with other faults of the same run, or one of its own */
  constructor(given: Partial<RecoveryFaults>, seed: number, log = new FaultLog(1_000)) {
    this.options = { ...NO_RECOVERY_FAULTS, ...given };
    checkRates(this.options);
    this.random = new Random(seed, 5);
    this.log = log;
  }

  /** True if a connection is turned away; nobody knows yet what it would have asked for. */
  refuses(nowNs: number): boolean {
    const { options, random } = this;
    const isRefused =
      scheduledAt(
        options.scheduled.filter(({ fault }) => fault === "refuse"),
        0,
        nowNs,
      ) !== undefined || random.chance(options.refuseRate);
    if (isRefused) this.log.add("refuse", "recovery", Number.NaN, 0);
    return isRefused;
  }

  /** What befalls the question for a range; undefined: nothing. */
  strike(
    stream: number,
    first: number,
    last: number,
    nowNs: number,
  ): Exclude<RecoveryFault, "refuse"> | undefined {
    const { options } = this;
    const others = options.scheduled.filter(({ fault }) => fault !== "refuse");
    const fault = scheduledAt(others, stream, nowNs) ?? this.drawn();
    if (fault === undefined || fault === "refuse") return undefined;
    this.log.add(fault, "recovery", stream, first, last);
    return fault;
  }

  private drawn(): RecoveryFault | undefined {
    const { options, random } = this;
    if (random.chance(options.errorRate)) return "error";
    if (random.chance(options.shortRate)) return "short";
    if (random.chance(options.cutRate)) return "cut";
    if (random.chance(options.wrongRate)) return "wrong";
    if (random.chance(options.slowRate)) return "slow";
    if (random.chance(options.notYetRate)) return "notyet";
    if (random.chance(options.silenceRate)) return "silence";
    return undefined;
  }
}
