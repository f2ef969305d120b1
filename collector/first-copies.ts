/**
 * Which messages of a stream were forwarded before: the memory behind `--keep first`.
 *
 * A copy is left out only where it is proven to be one: same number, same session, same bytes (by a
 * hash of 32 bits), within the last `window` numbers. All else is forwarded, so that what is to be
 * decided (a conflict, a new epoch, a late frame) is decided at one place, in the sequencer behind
 * the transport, with the bytes at hand. Worst case: a copy too many, never one too few, but for a
 * conflict whose two versions hash alike (one in four thousand million).
 */
export class FirstCopies {
  private readonly mask: number;
  private readonly sequences: Float64Array;
  private readonly hashes: Int32Array;

  /** @param window numbers remembered, a power of two; 12 bytes each */
  constructor(window: number) {
    this.mask = window - 1;
    this.sequences = new Float64Array(window).fill(-1);
    this.hashes = new Int32Array(window);
  }

  /** Remembers the message; true if it is none of those remembered. */
  isFirst(sequence: number, hash: number): boolean {
    // The low bits are the same whether or not the number passes 2^31.
    const at = sequence & this.mask;
    if (this.sequences[at] === sequence && this.hashes[at] === hash) return false;
    this.sequences[at] = sequence;
    this.hashes[at] = hash;
    return true;
  }
}
