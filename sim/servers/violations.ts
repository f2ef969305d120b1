/**
 * What clients did against the exchange's rules: exact counts, and the first of them in words. A
 * check holds that there are none.
 */
export type Violation =
  /** More connections at once, or more connects in a second, than one client may have. */
  | "connections"
  | "connectRate"
  /** Nothing was asked in time, or two questions came too close. */
  | "slowToAsk"
  | "spacing"
  /** A second question on a connection. */
  | "secondRequest"
  /** More messages than one request may ask for. */
  | "tooMany"
  /** Bytes that ask for nothing. */
  | "malformed";

const KEPT = 100;

export class Violations {
  readonly counts = new Map<Violation, number>();
  /** `spacing at 2500000ns: 4000000ns after the last request`. */
  readonly records: string[] = [];

  get total(): number {
    let sum = 0;
    for (const count of this.counts.values()) sum += count;
    return sum;
  }

  add(violation: Violation, nowNs: number, what: string): void {
    this.counts.set(violation, (this.counts.get(violation) ?? 0) + 1);
    if (this.records.length < KEPT) this.records.push(`${violation} at ${nowNs}ns: ${what}`);
  }
}
