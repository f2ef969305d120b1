/**
 * A packet that would change too much to be believed alone: it waits here, with bytes of its own,
 * until further frames agree with it or speak against it.
 */
import type { Arrival } from "./arrival.ts";
import type { Line } from "./line.ts";

export const SuspectKind = {
  /** A lower number, later in exchange time: the sequence may have restarted. */
  Restart: 0,
  /** A number far ahead: a great loss, or a damaged number. */
  Jump: 1,
  /** A session never seen. */
  Session: 2,
} as const;

export class Suspect {
  readonly kind: number;
  readonly line: Line;
  /** What waits, in the order of coming. */
  readonly arrivals: Arrival[];
  /** Frames that support the first one; heartbeats that only repeat it count half. */
  support = 0;
  /** Packets of the same line that went on as if nothing had happened. */
  against = 0;
  /** Capture time after which a single contradiction is enough; Infinity once it has passed. */
  deadlineNs: number;

  constructor(kind: number, first: Arrival, deadlineNs: number) {
    this.kind = kind;
    this.line = first.line;
    this.arrivals = [first.kept()];
    this.deadlineNs = deadlineNs;
  }

  get newest(): Arrival {
    return this.arrivals[this.arrivals.length - 1];
  }
}
