/**
 * A bounded set of ranges of sequence numbers, sorted: what a stream has lost, what a line has
 * skipped. Appending above the highest is cheap, as both grow that way; anything else is a binary
 * search and a splice. When the set is full its lowest range is forgotten: its numbers stay in
 * `total`, but `has` no longer knows them.
 */
export class Ranges {
  /** Numbers in the set, forgotten ranges included. */
  total = 0;
  /** Ranges that fell out because the set was full. */
  forgotten = 0;
  private readonly limit: number;
  private readonly from: number[] = [];
  private readonly to: number[] = [];

  constructor(limit: number) {
    this.limit = limit;
  }

  get count(): number {
    return this.from.length;
  }

  /** The highest number in the set, -1 if it is empty. */
  get highest(): number {
    return this.to.length === 0 ? -1 : this.to[this.to.length - 1];
  }

  has(number: number): boolean {
    const at = this.reaching(number);
    return at < this.from.length && this.from[at] <= number;
  }

  /** Adds numbers that are not in the set yet, both ends included. */
  add(from: number, to: number): void {
    this.total += to - from + 1;
    const at = this.reaching(from);
    if (at > 0 && this.to[at - 1] === from - 1) {
      this.to[at - 1] = to;
      return;
    }
    this.from.splice(at, 0, from);
    this.to.splice(at, 0, to);
    if (this.from.length > this.limit) {
      this.from.shift();
      this.to.shift();
      this.forgotten++;
    }
  }

  /** Takes the numbers of the range out that are in the set; returns how many there were. */
  remove(from: number, to: number): number {
    let removed = 0;
    let at = this.reaching(from);
    while (at < this.from.length && this.from[at] <= to) {
      const low = this.from[at];
      const high = this.to[at];
      removed += Math.min(high, to) - Math.max(low, from) + 1;
      if (low < from && high > to) {
        this.to[at] = from - 1;
        this.from.splice(at + 1, 0, to + 1);
        this.to.splice(at + 1, 0, high);
        break;
      }
      if (low < from) this.to[at++] = from - 1;
      else if (high > to) this.from[at++] = to + 1;
      else {
        this.from.splice(at, 1);
        this.to.splice(at, 1);
      }
    }
    this.total -= removed;
    return removed;
  }

  clear(): void {
    this.total = 0;
    this.from.length = 0;
    this.to.length = 0;
  }

  /** Index of the first range that ends at `number` or after it. */
  private reaching(number: number): number {
    let low = 0;
    let high = this.to.length;
    if (high > 0 && this.to[high - 1] < number) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.to[middle] < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
