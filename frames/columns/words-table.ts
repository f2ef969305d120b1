/**
 * Numbers pairs of 32-bit words by their first appearance: orders by id, instruments by name.
 * Open addressing over typed arrays; emptied for each chunk. Worst case: 16 bytes a pair, and a
 * long probe where somebody chooses ids so that they collide.
 */
const FIRST_SLOTS = 1 << 12;

export class WordsTable {
  count = 0;
  lo = new Int32Array(FIRST_SLOTS / 2);
  hi = new Int32Array(FIRST_SLOTS / 2);
  /** Index + 1 of the pair in a slot; 0: free. */
  private slots = new Int32Array(FIRST_SLOTS);

  clear(): void {
    this.count = 0;
    this.slots.fill(0);
  }

  /** Index of the pair, or -1. */
  find(lo: number, hi: number): number {
    const { slots } = this;
    const mask = slots.length - 1;
    for (let slot = hash(lo, hi) & mask; ; slot = (slot + 1) & mask) {
      const index = slots[slot] - 1;
      if (index < 0 || (this.lo[index] === lo && this.hi[index] === hi)) return index;
    }
  }

  /** Gives the pair the next index, whether or not it has one. */
  add(lo: number, hi: number): number {
    const index = this.append(lo, hi);
    this.place(index);
    return index;
  }

  /** The same for a reader, which asks for pairs by their index and never finds one. */
  append(lo: number, hi: number): number {
    const index = this.count++;
    if (index === this.lo.length) this.grow();
    this.lo[index] = lo;
    this.hi[index] = hi;
    return index;
  }

  private place(index: number): void {
    const mask = this.slots.length - 1;
    let slot = hash(this.lo[index], this.hi[index]) & mask;
    while (this.slots[slot] !== 0) slot = (slot + 1) & mask;
    this.slots[slot] = index + 1;
  }

  private grow(): void {
    const size = this.lo.length * 2;
    const lo = new Int32Array(size);
    const hi = new Int32Array(size);
    lo.set(this.lo);
    hi.set(this.hi);
    this.lo = lo;
    this.hi = hi;
    this.slots = new Int32Array(size * 2);
    for (let index = 0; index < this.count - 1; index++) this.place(index);
  }
}

function hash(lo: number, hi: number): number {
  const mixed = Math.imul(lo ^ Math.imul(hi, 0x85ebca6b), 0x9e3779b1);
  return mixed ^ (mixed >>> 15);
}
