/**
 * The distinct 64-bit numbers of a column, each once, and where each row's stands among them. Gives up
 * early on columns whose numbers hardly repeat, which are better off without.
 *
 * Worst case: a column that repeats at first and not later costs one look-up a row until the limit.
 */

/** More distinct numbers than this make a dictionary that helps nobody. */
const MOST = 1 << 15;
const SLOTS = MOST * 4;
/** Looked at before the work begins: rows spread over the column. */
const SAMPLE = 512;

export class WordDictionary {
  /** Low and high words of the distinct numbers, in order of appearance. */
  readonly words = new Int32Array(MOST * 2);
  readonly places: Int32Array;
  count = 0;
  /** A place + 1; 0 is free. Emptied by what was put in, so that a short column costs little. */
  private readonly slots = new Int32Array(SLOTS);
  private readonly used = new Int32Array(MOST);

  constructor(rows: number) {
    this.places = new Int32Array(rows);
  }

  /** True if a dictionary pays: its bytes and the places' are at most half of the plain ones. */
  build(words: Int32Array, count: number): boolean {
    this.empty();
    if (count === 0) return false;
    const step = Math.max(1, Math.floor(count / SAMPLE));
    const sampled = Math.ceil(count / step);
    for (let row = 0; row < count; row += step) this.placeOf(words[row * 2], words[row * 2 + 1]);
    if (sampled >= SAMPLE && this.count > sampled * 0.9) return false;
    this.empty();
    const most = Math.min(MOST, (count >> 1) + 1);
    for (let row = 0; row < count; row++) {
      const place = this.placeOf(words[row * 2], words[row * 2 + 1]);
      this.places[row] = place;
      if (this.count === most) return false;
    }
    const placeBits = 32 - Math.clz32(this.count - 1);
    return this.count * 8 + (count * placeBits) / 8 <= count * 4 || this.count === 1;
  }

  private placeOf(low: number, high: number): number {
    const { slots, words } = this;
    const mixed = Math.imul(low ^ Math.imul(high, 0x85eb_ca6b), 0x9e37_79b1);
    let at = (mixed ^ (mixed >>> 15)) & (SLOTS - 1);
    for (;;) {
      const place = slots[at] - 1;
      if (place < 0) break;
      if (words[place * 2] === low && words[place * 2 + 1] === high) return place;
      at = (at + 1) & (SLOTS - 1);
    }
    const place = this.count++;
    slots[at] = place + 1;
    this.used[place] = at;
    words[place * 2] = low;
    words[place * 2 + 1] = high;
    return place;
  }

  private empty(): void {
    for (let place = 0; place < this.count; place++) this.slots[this.used[place]] = 0;
    this.count = 0;
  }
}
