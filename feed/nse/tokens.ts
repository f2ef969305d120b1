/**
 * Token to instrument, since a `Map` of 100,000 tokens costs a decoder more than all its other work.
 * Tokens are never taken out.
 *
 * Small tokens, which nearly all of a segment's are, stand in an array by themselves: four bytes each,
 * neighbours side by side, so that a day's tokens fit a near cache. The others stand in an
 * open-addressing table of twice the size and more.
 *
 * Worst case: hostile tokens, bounded by `MOST_INSTRUMENTS`; linear probing, at most half full.
 */

/** NSE has some 100,000 tokens in all segments together. */
export const MOST_INSTRUMENTS = 262_144;

/** Tokens below this are small: 1 MiB if one of them is the largest. */
const SMALL = 262_144;
/** Fibonacci hashing: consecutive tokens land far apart. */
const GOLDEN = 0x9e3779b1 | 0;

export class TokenTable {
  /** Value by small token, -1 where there is none; another array when it has grown. */
  byToken = new Int32Array(1024).fill(-1);
  /** Pairs: token, value; a value of -1 is a free place. */
  private places = new Int32Array(2 * 1024).fill(-1);
  private shift = 22;
  private used = 0;

  /** The value of `token`, -1 if it has none. */
  find(token: number): number {
    const { byToken } = this;
    return token >>> 0 < byToken.length ? byToken[token] : this.findLarge(token);
  }

  /** Adds a token that is not yet there; `value` is 0 or more. */
  add(token: number, value: number): void {
    if (token >>> 0 < SMALL) {
      if (token >= this.byToken.length) this.growSmall(token);
      this.byToken[token] = value;
      return;
    }
    if (++this.used * 4 > this.places.length) this.grow();
    this.place(token, value);
  }

  private findLarge(token: number): number {
    const places = this.places;
    const mask = places.length - 1;
    let at = (Math.imul(token, GOLDEN) >>> this.shift) << 1;
    while (places[at] !== token && places[at + 1] !== -1) at = (at + 2) & mask;
    return places[at + 1];
  }

  private place(token: number, value: number): void {
    const places = this.places;
    const mask = places.length - 1;
    let at = (Math.imul(token, GOLDEN) >>> this.shift) << 1;
    while (places[at + 1] !== -1) at = (at + 2) & mask;
    places[at] = token;
    places[at + 1] = value;
  }

  private growSmall(token: number): void {
    const wider = new Int32Array(2 ** (32 - Math.clz32(token))).fill(-1);
    wider.set(this.byToken);
    this.byToken = wider;
  }

  private grow(): void {
    const old = this.places;
    this.places = new Int32Array(old.length * 2).fill(-1);
    this.shift--;
    for (let at = 0; at < old.length; at += 2) {
      if (old[at + 1] !== -1) this.place(old[at], old[at + 1]);
    }
  }
}
