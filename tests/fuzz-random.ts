/**
 * Mutations for the fuzz runs: fast, repeatable from a seed, and with no object for each step. An
 * input is a seed of its target with a few bytes flipped, lengths made absurd, pieces cut out,
 * doubled, or put in from another seed.
 */

/** Values that parsers stumble over, as little-endian words; half of the time they are turned round. */
const NASTY = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffffff, 0x80000000];
const INPUT_BYTES_LIMIT = 4096;

export class FuzzRandom {
  private state: number;
  private readonly scratch = new Uint8Array(INPUT_BYTES_LIMIT * 2);

  constructor(seed: number) {
    this.state = seed | 0 || 1;
  }

  /** A whole number below `limit`. */
  below(limit: number): number {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    this.state = x;
    return Math.floor(((x >>> 0) / 4_294_967_296) * limit);
  }

  pick<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)];
  }

  /** A mutated copy of one of the seeds, in a buffer of its own. */
  mutated(seeds: readonly Uint8Array[]): Uint8Array {
    const { scratch } = this;
    const seed = this.pick(seeds);
    let length = Math.min(seed.length, INPUT_BYTES_LIMIT);
    scratch.set(seed.subarray(0, length));
    for (let steps = 1 + this.below(6); steps > 0; steps--) length = this.step(length, seeds);
    return scratch.slice(0, length);
  }

  private step(length: number, seeds: readonly Uint8Array[]): number {
    const { scratch } = this;
    const at = this.below(length);
    switch (this.below(7)) {
      case 0:
        if (length > 0) scratch[at] ^= 1 << this.below(8);
        return length;
      case 1:
        if (length > 0) scratch[at] = this.below(256);
        return length;
      case 2:
        return this.nasty(at, length);
      case 3:
        return this.below(4) === 0 ? at : length;
      case 4: {
        const gone = Math.min(length - at, 1 + this.below(16));
        scratch.copyWithin(at, at + gone, length);
        return length - gone;
      }
      case 5: {
        const twice = Math.min(1 + this.below(64), length - at, INPUT_BYTES_LIMIT - length);
        if (twice <= 0) return length;
        scratch.copyWithin(at + twice, at, length);
        return length + twice;
      }
      default: {
        const other = this.pick(seeds);
        const from = this.below(other.length);
        const taken = Math.min(other.length - from, INPUT_BYTES_LIMIT - at);
        scratch.set(other.subarray(from, from + taken), at);
        return Math.max(length, at + taken);
      }
    }
  }

  private nasty(at: number, length: number): number {
    const word = this.pick(NASTY);
    const width = this.pick([1, 2, 4, 8]);
    const isTurned = this.below(2) === 0;
    for (let i = 0; i < width && at + i < length; i++) {
      const shift = isTurned ? width - 1 - i : i;
      this.scratch[at + i] = shift < 4 ? word >>> (8 * shift) : 0;
    }
    return length;
  }
}
