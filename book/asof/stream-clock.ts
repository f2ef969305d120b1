/**
 * Where one stream stands in exchange time, as far as the join knows.
 *
 * Within a stream the order of delivery decides. An exchange time that steps back, or is missing,
 * counts as the latest before it, so that the order by (time, stream, sequence) and the order of
 * delivery are one. Sequence numbers become ordinals that never fall, across epochs too.
 *
 * Three marks, each at or behind the next: `sec` of the items that came, `solid` of these and of
 * promises (heartbeats, `watermark`), `mark` of these and of the clock (`lift`). What comes before
 * `mark` is late.
 */
export class StreamClock {
  /** Place among streams at equal times. */
  readonly order: number;
  /** Effective time of the item that came last; before the first -1. */
  sec = -1;
  nsec = 0;
  /** Of the item that came last. */
  ordinal = 0;
  solidSec = -1;
  solidNsec = 0;
  markSec = -1;
  markNsec = 0;
  /** The item that came last stands before the mark. */
  isLate = false;
  /** Times that stepped back. */
  steps = 0;
  /** Something came since the clock was looked at last. */
  private touched = true;
  private heardNs = Number.NaN;
  private base = 0;

  constructor(order: number) {
    this.order = order;
  }

  /** An item of the stream came: its place is in `sec`, `nsec`, `ordinal`, `isLate` from here on. */
  enter(sec: number, nsec: number, sequence: number): void {
    this.touched = true;
    if (sec > this.sec || (sec === this.sec && nsec >= this.nsec)) {
      this.sec = sec;
      this.nsec = nsec;
    } else if (!Number.isNaN(sec)) this.steps++;
    const ordinal = this.base + sequence;
    if (ordinal > this.ordinal) this.ordinal = ordinal;
    this.isLate = isBefore(this.sec, this.nsec, this.markSec, this.markNsec);
    this.promise(this.sec, this.nsec);
  }

  /** A new epoch: sequence numbers begin again, and what has them comes after all before. */
  restart(): void {
    this.base = this.ordinal;
  }

  /** Whatever comes from here on has at least this time. */
  promise(sec: number, nsec: number): void {
    if (isBefore(this.solidSec, this.solidNsec, sec, nsec)) {
      this.solidSec = sec;
      this.solidNsec = nsec;
    }
    this.lift(sec, nsec);
  }

  /** As `promise`, but only assumed. */
  lift(sec: number, nsec: number): void {
    if (!isBefore(this.markSec, this.markNsec, sec, nsec)) return;
    this.markSec = sec;
    this.markNsec = nsec;
  }

  /** A sign of life that says nothing of the time. */
  touch(): void {
    this.touched = true;
  }

  /** @returns true if nothing came for `idleNs` */
  isIdle(nowNs: number, idleNs: number): boolean {
    if (this.touched || Number.isNaN(this.heardNs)) this.heardNs = nowNs;
    this.touched = false;
    return nowNs - this.heardNs >= idleNs;
  }
}

export function isBefore(sec: number, nsec: number, otherSec: number, otherNsec: number): boolean {
  return sec < otherSec || (sec === otherSec && nsec < otherNsec);
}
