/**
 * A latency histogram as Prometheus has them: how many values did not pass each bound. The bounds
 * are the same everywhere, so that stages can be laid over each other. 160 bytes each.
 */
export const BOUNDS_SECONDS: readonly number[] = [
  1e-5, 2.5e-5, 5e-5, 1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1,
  2.5, 5, 10, 30, 60,
];

export class LatencyHistogram {
  /** By bound, the last for what passed all of them; each value is in one. */
  readonly counts = new Float64Array(BOUNDS_SECONDS.length + 1);
  sumSeconds = 0;
  count = 0;
  maxSeconds = 0;

  /** @param ns below 0 where two clocks differ: counts as none */
  add(ns: number): void {
    const seconds = Math.max(0, ns / 1e9);
    if (Number.isNaN(seconds)) return;
    let at = 0;
    while (at < BOUNDS_SECONDS.length && seconds > BOUNDS_SECONDS[at]) at++;
    this.counts[at]++;
    this.sumSeconds += seconds;
    this.count++;
    if (seconds > this.maxSeconds) this.maxSeconds = seconds;
  }

  /** What a share of all did not pass, as near as the bounds tell; NaN of none. */
  quantileSeconds(share: number): number {
    const at = (place: number) => BOUNDS_SECONDS[place] ?? this.maxSeconds;
    const buckets = Array.from(this.counts, (count, place) => ({ bound: at(place), count }));
    return Math.min(this.maxSeconds, quantile(buckets, share));
  }
}

/**
 * The value that a share did not pass: within its bucket values are taken to lie evenly, as Prometheus
 * does. NaN of none.
 * @param buckets by rising bound, each with what lies in it alone
 */
export function quantile(
  buckets: readonly { readonly bound: number; readonly count: number }[],
  share: number,
): number {
  const wanted = buckets.reduce((sum, { count }) => sum + count, 0) * share;
  let below = 0;
  let lower = 0;
  for (const { bound, count } of buckets) {
    if (count > 0 && below + count >= wanted) {
      return lower + (bound - lower) * Math.max(0, (wanted - below) / count);
    }
    below += count;
    lower = bound;
  }
  return Number.NaN;
}
