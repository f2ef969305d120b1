/** What can go wrong with a line's datagrams, and how often. */

/** Everything is off by default. Rates are chances of each datagram, from 0 to 1. */
export interface LineFaults {
  /** Datagrams that never arrive. */
  readonly lossRate: number;
  /** Loss in bursts, after Gilbert and Elliott: the chance to enter one, and to leave it again. */
  readonly burstEnterRate: number;
  readonly burstLeaveRate: number;
  /** Chance of loss while inside a burst. */
  readonly burstLossRate: number;
  /** Datagrams that arrive twice, the second within `duplicateDelayNs` after the first. */
  readonly duplicateRate: number;
  readonly duplicateDelayNs: number;
  /** Datagrams that 1 to `reorderFrames` later ones of the line overtake. */
  readonly reorderRate: number;
  readonly reorderFrames: number;
  /** Every datagram is late by this. */
  readonly delayNs: number;
  /** And by up to this more, each by chance, so that datagrams overtake each other. */
  readonly jitterNs: number;
  /** From `fromNs` to before `untilNs` nothing arrives. */
  readonly outages: readonly { readonly fromNs: number; readonly untilNs: number }[];
  /** Datagrams cut short, and datagrams with one to three bytes changed anywhere. */
  readonly truncateRate: number;
  readonly corruptRate: number;
  /** Datagrams with the same number and a last byte that differs. */
  readonly conflictRate: number;
  /** Besides a datagram, a copy of it in the name of another stream. */
  readonly foreignRate: number;
  /** Besides a datagram, an old one of its stream as number 1. */
  readonly staleRate: number;
}

export const NO_LINE_FAULTS: LineFaults = {
  lossRate: 0,
  burstEnterRate: 0,
  burstLeaveRate: 0.2,
  burstLossRate: 1,
  duplicateRate: 0,
  duplicateDelayNs: 1_000_000,
  reorderRate: 0,
  reorderFrames: 3,
  delayNs: 0,
  jitterNs: 0,
  outages: [],
  truncateRate: 0,
  corruptRate: 0,
  conflictRate: 0,
  foreignRate: 0,
  staleRate: 0,
};

/** An option that cannot be; the message says which, and what it may be. */
export class FaultOptionError extends Error {
  readonly code = "bad_fault_option";

  constructor(message: string) {
    super(message);
    this.name = "FaultOptionError";
  }
}

/** Fills in what was not given; throws a `FaultOptionError` on a rate that is none. */
export function lineFaults(given: Partial<LineFaults>, hasNumbers: boolean): LineFaults {
  const faults = { ...NO_LINE_FAULTS, ...given };
  for (const [name, value] of Object.entries(faults)) {
    if (typeof value !== "number") continue;
    if (name.endsWith("Rate") && !(value >= 0 && value <= 1)) {
      throw new FaultOptionError(`${name} is ${value}, and must be from 0 to 1`);
    }
    if (!(value >= 0)) throw new FaultOptionError(`${name} is ${value}, and must not be below 0`);
  }
  for (const name of ["conflictRate", "foreignRate", "staleRate"] as const) {
    if (faults[name] > 0 && !hasNumbers) {
      throw new FaultOptionError(
        `${name} needs to know where the sequence number is: give numbers`,
      );
    }
  }
  return faults;
}
