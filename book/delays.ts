/**
 * How long frames took from their capture to their book: a histogram with steps of a tenth, so that
 * a quantile costs no memory and is at most ten per cent off. From a microsecond to half an hour.
 */
const LEAST_NS = 1000;
const STEP = Math.log(1.1);
const BUCKETS = 226;

export class Delays {
  count = 0;
  maxNs = 0;
  private readonly buckets = new Float64Array(BUCKETS);

  /** @param ns below 0 where two clocks differ: counts as none */
  add(ns: number): void {
    const bucket = Math.ceil(Math.log(Math.max(ns, LEAST_NS) / LEAST_NS) / STEP);
    this.buckets[Math.min(BUCKETS - 1, bucket)]++;
    this.count++;
    if (ns > this.maxNs) this.maxNs = ns;
  }

  /** @returns ns that a share of all did not pass; NaN of none */
  quantileNs(share: number): number {
    let left = this.count * share;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      left -= this.buckets[bucket];
      if (left <= 0 && this.count > 0) return Math.min(this.maxNs, LEAST_NS * 1.1 ** bucket);
    }
    return Number.NaN;
  }
}
