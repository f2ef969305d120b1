/**
 * What a test tells the toy worker, and what it counts: a chunk is a number and an order to
 * misbehave; the tally lies in shared memory, where no crash can lose it.
 */

/** Words of the shared tally. */
export const Tally = {
  chunks: 0,
  /** Chunks whose number was not one more than the last. */
  outOfOrder: 1,
  /** Chunks whose number was that of the last, which a restart may bring again. */
  again: 2,
  last: 3,
  stopped: 4,
  lives: 5,
  idle: 6,
  /** Never changes: something to sleep on. */
  bed: 7,
  words: 8,
} as const;

export const ToyOrder = { nothing: 0, throw: 1, hang: 2, exit: 3, sleepMs: 4, say: 5 } as const;

export interface ToySetup {
  readonly tally: SharedArrayBuffer;
  /** A module with an `exit`; this room may name none itself. */
  readonly exitFrom: string;
}

/** @param argument milliseconds for `sleepMs` */
export function toyChunk(number: number, order = 0, argument = 0): Uint8Array {
  return new Uint8Array(Int32Array.of(number, order, argument).buffer);
}
