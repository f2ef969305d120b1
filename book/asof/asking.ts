/**
 * An event's question while it is looked at: which key's quote, from which place in the order. One
 * for a whole join, filled anew for each event.
 */
import type { StreamClock } from "./stream-clock.ts";

export class Asking {
  key = 0;
  /** The event's stream. */
  own: StreamClock;
  /** Effective exchange time, and the ordinal in its stream. */
  sec = 0;
  nsec = 0;
  ordinal = 0;
  /** `AsOfFlag` bits that the event brought along. */
  verdict = 0;

  constructor(own: StreamClock) {
    this.own = own;
  }
}
