/**
 * Which values of a column stand out: those that come again and again get a symbol of their own,
 * where classes would spell their bits each time. Finds the most frequent among the first distinct
 * values; worst case 8 bytes a slot and one probe a value.
 */
const SLOTS = 1 << 12;
/** Distinct values that are counted; what comes later is taken for rare. */
const TRACKED = 1 << 11;
/** Symbols of a dictionary; 0 is the escape. */
export const DICTIONARY_LIMIT = 250;
/** A value has to come so often to be worth its place. */
const LEAST_COUNT = 3;

export class Dictionary {
  /** The values that have a symbol, the most frequent first: symbol 1 is `values[0]`. */
  readonly values: number[] = [];
  private readonly value = new Int32Array(TRACKED);
  private readonly count = new Int32Array(TRACKED);
  private readonly symbol = new Uint8Array(TRACKED + 1);
  private readonly slots = new Int16Array(SLOTS);
  private tracked = 0;

  /** Counts the column's values and chooses among them. */
  choose(values: Int32Array, count: number): void {
    this.slots.fill(-1);
    this.tracked = 0;
    for (let i = 0; i < count; i++) this.tally(values[i]);
    const frequent: number[] = [];
    for (let place = 0; place < this.tracked; place++) {
      if (this.count[place] >= LEAST_COUNT) frequent.push(place);
    }
    frequent.sort((a, b) => this.count[b] - this.count[a] || a - b);
    this.symbol.fill(0);
    this.values.length = 0;
    for (const place of frequent.slice(0, DICTIONARY_LIMIT)) {
      this.values.push(this.value[place]);
      this.symbol[place] = this.values.length;
    }
  }

  /** The value's symbol; 0 if it has none. */
  symbolOf(value: number): number {
    const place = this.slots[this.slotOf(value)];
    return place < 0 ? 0 : this.symbol[place];
  }

  private tally(value: number): void {
    const slot = this.slotOf(value);
    const place = this.slots[slot];
    if (place >= 0) {
      this.count[place]++;
    } else if (this.tracked < TRACKED) {
      this.slots[slot] = this.tracked;
      this.value[this.tracked] = value;
      this.count[this.tracked++] = 1;
    }
  }

  /** Where the value is, or would be. */
  private slotOf(value: number): number {
    const mixed = Math.imul(value, 0x9e3779b1);
    for (let slot = mixed >>> 20; ; slot = (slot + 1) & (SLOTS - 1)) {
      const place = this.slots[slot];
      if (place < 0 || this.value[place] === value) return slot;
    }
  }
}
