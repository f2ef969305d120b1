/**
 * Token to instrument: an open-addressing table over typed arrays, since a `Map` of 100,000 tokens
 * costs a decoder more than all its other work. Tokens are never taken out.
 *
 * Worst case: hostile tokens, bounded by `MOST_INSTRUMENTS`; linear probing at no more than half load.
 */

/** NSE has some 100,000 tokens in all segments together. */
export const MOST_INSTRUMENTS = 262_144;

/** Fibonacci hashing: consecutive tokens land far apart. */
const GOLDEN = 0x9e3779b1 | 0;

export class TokenTable {
  /** Tokens; only the places whose `values` is not -1 hold one. */
  private keys = new Int32Array(1024);
  private values = new Int32Array(1024).fill(-1);
  private shift = 22;
  private used = 0;

  /** The value of `token`, -1 if it has none. */
  find(token: number): number {
    const keys = this.keys;
    const values = this.values;
    const mask = keys.length - 1;
    let at = Math.imul(token, GOLDEN) >>> this.shift;
    for (;;) {
      const value = values[at];
      if (value === -1 || keys[at] === token) return value;
      at = (at + 1) & mask;
    }
  }

  /** Adds a token that is not yet there; `value` is 0 or more. */
  add(token: number, value: number): void {
    if (++this.used * 2 > this.keys.length) this.grow();
    this.place(token, value);
  }

  private place(token: number, value: number): void {
    const mask = this.keys.length - 1;
    let at = Math.imul(token, GOLDEN) >>> this.shift;
    while (this.values[at] !== -1) at = (at + 1) & mask;
    this.keys[at] = token;
    this.values[at] = value;
  }

  private grow(): void {
    const keys = this.keys;
    const values = this.values;
    this.keys = new Int32Array(keys.length * 2);
    this.values = new Int32Array(keys.length * 2).fill(-1);
    this.shift--;
    for (let i = 0; i < keys.length; i++) if (values[i] !== -1) this.place(keys[i], values[i]);
  }
}
