/** How late frames went out: a histogram with buckets of 1/16 of an octave, 4 % wide. */
const PER_OCTAVE = 16;
/** Up to 2^44 ns, about five hours. */
const BUCKETS = 44 * PER_OCTAVE;

export class Lateness {
  count = 0;
  maxNs = 0;
  private readonly buckets = new Float64Array(BUCKETS + 1);

  add(lateNs: number): void {
    const ns = Math.max(lateNs, 1);
    const bucket = Math.floor(Math.log2(ns) * PER_OCTAVE);
    this.buckets[Math.min(bucket, BUCKETS)]++;
    this.count++;
    if (ns > this.maxNs) this.maxNs = ns;
  }

  /** The lateness that this share of the frames kept within, to the upper end of its bucket. */
  quantileNs(share: number): number {
    let left = share * this.count;
    for (let bucket = 0; bucket <= BUCKETS; bucket++) {
      left -= this.buckets[bucket];
      if (left <= 0) return Math.min(2 ** ((bucket + 1) / PER_OCTAVE), this.maxNs);
    }
    return this.maxNs;
  }
}
