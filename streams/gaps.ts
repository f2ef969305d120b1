/** The open gaps of one stream: disjoint ranges of numbers, lowest first, each with its own time. */
import type { GapRow } from "./ledger.ts";

export interface Gap {
  from: number;
  to: number;
  /** Capture time in ns at which the hole was first seen. */
  detectedNs: number;
  /** The row of the piece filled last, so that a piece beside it continues the row. */
  repair: GapRow | null;
}

export class OpenGaps {
  readonly list: Gap[] = [];

  get count(): number {
    return this.list.length;
  }

  /** Numbers missing in all of them. */
  get numbers(): number {
    let sum = 0;
    for (const gap of this.list) sum += gap.to - gap.from + 1;
    return sum;
  }

  /** Index of the first gap that ends at `number` or after it; `count` if there is none. */
  reaching(number: number): number {
    const list = this.list;
    let low = 0;
    let high = list.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (list[middle].to < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Opens a gap; its numbers are in no other. */
  open(from: number, to: number, detectedNs: number): void {
    const gap: Gap = { from, to, detectedNs, repair: null };
    this.list.splice(this.reaching(from), 0, gap);
  }

  /** Takes `from` to `to`, both inside the gap at `index`, out of it; a middle piece splits it. */
  close(index: number, from: number, to: number): void {
    const gap = this.list[index];
    if (from === gap.from && to === gap.to) this.list.splice(index, 1);
    else if (from === gap.from) gap.from = to + 1;
    else if (to === gap.to) gap.to = from - 1;
    else {
      this.list.splice(index + 1, 0, { ...gap, from: to + 1 });
      gap.to = from - 1;
    }
  }

  clear(): void {
    this.list.length = 0;
  }
}
