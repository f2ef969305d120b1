/**
 * Lost gaps of one stream as places in its order: after which item, and before which next one. The
 * newest are kept; of those forgotten only the end of the newest is, and all before it counts as one
 * gap, so that a row is rather flagged once too often than once too seldom.
 */
const KEPT = 256;

export class GapMarks {
  /** Six numbers a gap: place of the item before it, place of the item after it. */
  private readonly places = new Float64Array(KEPT * 6);
  private count = 0;
  private isOpen = false;
  private forgottenSec = -1;
  private forgottenNsec = 0;
  private forgottenOrdinal = 0;

  /** A gap after this item. */
  open(sec: number, nsec: number, ordinal: number): void {
    // Nothing came since the last one: both are one gap.
    if (this.isOpen) return;
    if (this.count >= KEPT) this.forget();
    this.write((this.count % KEPT) * 6, sec, nsec, ordinal);
    this.write((this.count % KEPT) * 6 + 3, Number.POSITIVE_INFINITY, 0, 0);
    this.count++;
    this.isOpen = true;
  }

  /** An item came: a gap that is open ends at it. */
  close(sec: number, nsec: number, ordinal: number): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.write(((this.count - 1) % KEPT) * 6 + 3, sec, nsec, ordinal);
  }

  /** True if messages between the two places may be missing. The first is not after the second. */
  isBetween(
    sec: number,
    nsec: number,
    ordinal: number,
    endSec: number,
    endNsec: number,
    endOrdinal: number,
  ): boolean {
    const { places } = this;
    const oldest = Math.max(0, this.count - KEPT);
    for (let gap = this.count - 1; gap >= oldest; gap--) {
      const at = (gap % KEPT) * 6;
      const begins = stands(
        places[at],
        places[at + 1],
        places[at + 2],
        endSec,
        endNsec,
        endOrdinal,
      );
      // Gaps follow each other: the last one that begins in time ends last.
      if (begins) return stands(sec, nsec, ordinal, places[at + 3], places[at + 4], places[at + 5]);
    }
    if (this.count <= KEPT) return false;
    const { forgottenSec, forgottenNsec, forgottenOrdinal } = this;
    return stands(sec, nsec, ordinal, forgottenSec, forgottenNsec, forgottenOrdinal);
  }

  private write(at: number, sec: number, nsec: number, ordinal: number): void {
    this.places[at] = sec;
    this.places[at + 1] = nsec;
    this.places[at + 2] = ordinal;
  }

  private forget(): void {
    const at = (this.count % KEPT) * 6 + 3;
    this.forgottenSec = this.places[at];
    this.forgottenNsec = this.places[at + 1];
    this.forgottenOrdinal = this.places[at + 2];
  }
}

/** The first place stands before the second. */
function stands(
  sec: number,
  nsec: number,
  ordinal: number,
  otherSec: number,
  otherNsec: number,
  otherOrdinal: number,
): boolean {
  // Nanoseconds may be below 0 or above a second: a tolerance was taken from them, or added.
  const apart = sec === otherSec ? nsec - otherNsec : (sec - otherSec) * 1e9 + (nsec - otherNsec);
  return apart === 0 ? ordinal < otherOrdinal : apart < 0;
}
