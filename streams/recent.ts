/**
 * What is remembered of the newest numbers of a stream, to compare a second copy with the first:
 * a hash of the bytes, the capture time and the line that brought it. A ring by sequence number.
 *
 * Limits: a copy that comes more than `size` numbers behind the highest is counted as a duplicate
 * without comparing. Nine bytes a number; the ring never grows.
 */
export class Recent {
  readonly size: number;
  readonly mask: number;
  /** Pairs: hash (0: not comparable), low 32 bits of the capture time in ns. */
  readonly words: Int32Array;
  readonly line: Uint8Array;

  /** @param size a power of two */
  constructor(size: number) {
    this.size = size;
    this.mask = size - 1;
    this.words = new Int32Array(size * 2);
    this.line = new Uint8Array(size);
  }

  put(number: number, hash: number, arrived: number, line: number): void {
    const slot = number & this.mask;
    this.words[slot * 2] = hash;
    this.words[slot * 2 + 1] = arrived;
    this.line[slot] = line;
  }

  /** Hash of the first copy of `number`, 0 if it is not comparable (any more). */
  hashOf(number: number, highest: number): number {
    if (number <= highest - this.size || number > highest) return 0;
    return this.words[(number & this.mask) * 2];
  }

  clear(): void {
    this.words.fill(0);
  }
}

/** Low 32 bits of a capture time in ns: differences are exact while they stay below 2.1 s. */
export function lowNs(sec: number, nsec: number): number {
  return (Math.imul(sec, 1_000_000_000) + nsec) | 0;
}
