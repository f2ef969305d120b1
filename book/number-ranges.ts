/**
 * A set of whole numbers kept as ranges: chunk numbers that were seen. Mostly they come in order and
 * the set is one range. At most `limit` ranges: beyond that the lowest hole is closed, since nobody
 * will fill it any more.
 */
export class NumberRanges {
  private readonly from: number[] = [];
  private readonly to: number[] = [];
  private readonly limit: number;

  constructor(limit = 4096) {
    this.limit = limit;
  }

  /** Highest number in the set; 0 when empty. */
  get highest(): number {
    return this.to.at(-1) ?? 0;
  }

  /** The end of the range that holds `start`, or `start - 1` where it is not in the set. */
  contiguousFrom(start: number): number {
    const at = this.rangeAt(start);
    return at >= 0 && this.from[at] <= start ? this.to[at] : start - 1;
  }

  has(number: number): boolean {
    const at = this.rangeAt(number);
    return at >= 0 && this.from[at] <= number;
  }

  /** Adds `first` to `last`, both included; nothing if `last < first`. */
  add(first: number, last = first): void {
    if (last < first) return;
    let begin = this.from.length;
    while (begin > 0 && this.to[begin - 1] >= first - 1) begin--;
    let end = begin;
    while (end < this.from.length && this.from[end] <= last + 1) end++;
    const low = end > begin ? Math.min(first, this.from[begin]) : first;
    const high = end > begin ? Math.max(last, this.to[end - 1]) : last;
    this.from.splice(begin, end - begin, low);
    this.to.splice(begin, end - begin, high);
    if (this.from.length > this.limit) this.closeLowestHole();
  }

  /** Takes one number out again. */
  remove(number: number): void {
    const at = this.rangeAt(number);
    if (at < 0 || this.from[at] > number) return;
    const [low, high] = [this.from[at], this.to[at]];
    const rest = [
      [low, number - 1],
      [number + 1, high],
    ].filter(([from, to]) => from <= to);
    this.from.splice(at, 1, ...rest.map(([from]) => from));
    this.to.splice(at, 1, ...rest.map(([, to]) => to));
  }

  /** The ranges between `first` and `last` that are not in the set, lowest first. */
  missing(first: number, last: number): { from: number; to: number }[] {
    const holes: { from: number; to: number }[] = [];
    let next = first;
    for (let at = 0; at < this.from.length && next <= last; at++) {
      if (this.to[at] < next) continue;
      if (this.from[at] > next) holes.push({ from: next, to: Math.min(this.from[at] - 1, last) });
      next = this.to[at] + 1;
    }
    if (next <= last) holes.push({ from: next, to: last });
    return holes;
  }

  private closeLowestHole(): void {
    this.to.splice(0, 1);
    this.from.splice(1, 1);
  }

  /** Index of the first range that ends at or after `number`, or -1. */
  private rangeAt(number: number): number {
    for (let at = this.from.length - 1; at >= 0; at--) {
      if (this.to[at] < number) return at + 1 < this.to.length ? at + 1 : -1;
    }
    return this.to.length > 0 ? 0 : -1;
  }
}
