/**
 * The one source of chance in the house: sfc32, seeded, with its state in four 32-bit words.
 *
 * Every draw uses only integer arithmetic and the exactly rounded operations of doubles, so one
 * seed gives one run on every machine. Nothing here is fit for secrets.
 */
const UNIT = 1 / 4294967296;

export class Random {
  private a: number;
  private b: number;
  private c: number;
  private counter: number;

  /**
   * @param seed any integer below 2^53
   * @param part tells generators of one seed apart, as `fork` does
   */
  constructor(seed: number, part = 0) {
    if (!Number.isSafeInteger(seed)) {
      throw new RangeError(`a seed is an integer below 2^53, ${seed} is not`);
    }
    this.a = seed | 0;
    this.b = Math.floor(seed / 4294967296) | 0;
    this.c = part | 0;
    this.counter = 1;
    // Twelve rounds spread the seed over all four words.
    for (let round = 0; round < 12; round++) this.next();
  }

  /** An unsigned 32-bit word. */
  next(): number {
    const sum = (((this.a + this.b) | 0) + this.counter) | 0;
    this.counter = (this.counter + 1) | 0;
    this.a = this.b ^ (this.b >>> 9);
    this.b = (this.c + (this.c << 3)) | 0;
    this.c = (((this.c << 21) | (this.c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }

  /** From 0, below 1. */
  unit(): number {
    return this.next() * UNIT;
  }

  /** An integer from 0, below `limit` (at most 2^32). */
  below(limit: number): number {
    return Math.floor(this.next() * UNIT * limit);
  }

  /** True with the probability `rate`; draws nothing for a rate of 0, so that faults stay apart. */
  chance(rate: number): boolean {
    return rate > 0 && this.next() * UNIT < rate;
  }

  /** How many failures before the first success of probability `rate`; at most `limit`. */
  geometric(rate: number, limit: number): number {
    let failures = 0;
    while (failures < limit && this.next() * UNIT >= rate) failures++;
    return failures;
  }

  /** Exponentially distributed around `mean`, never negative. */
  exponential(mean: number): number {
    return -mean * logOfUnit(this.next());
  }

  /** A generator of its own for a part of the whole; leaves this one as it was. */
  fork(part: number): Random {
    const child = new Random(0, part);
    child.a ^= this.a;
    child.b ^= this.b;
    child.c ^= this.c;
    for (let round = 0; round < 12; round++) child.next();
    return child;
  }
}

/**
 * ln((word + 0.5) / 2^32). Math.log may differ in its last bit between machines; this series
 * does not, and its error is below 1e-6, far under what an arrival time could show.
 */
function logOfUnit(word: number): number {
  const value = word + 0.5;
  const power = value < 1 ? -1 : 31 - Math.clz32(value);
  const scale = power < 0 ? 0.5 : 2 ** power;
  const z = (value / scale - 1) / (value / scale + 1);
  const z2 = z * z;
  const ln = 2 * z * (1 + z2 * (1 / 3 + z2 * (1 / 5 + z2 * (1 / 7 + z2 * (1 / 9 + z2 / 11)))));
  return ln + (power - 32) * Math.LN2;
}
