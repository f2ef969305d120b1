/**
 * One number that says how the best bid and offer of every instrument went: two programs that give
 * the same one built the same books. FNV-1a over 32-bit words; after each message that changed
 * price or size of a best level: instrument number, bid price, bid size, ask price, ask size, 0 where
 * there is none. Sizes by their low 32 bits, prices as signed words.
 */
import type { Instruments } from "../../feed/instruments.ts";
import { type OpBatch, OpKind } from "../../feed/op-batch.ts";
import { type BookObserver, type Books, MOVE_WORDS } from "../books.ts";

const FNV_START = 2_166_136_261 | 0;
const FNV_PRIME = 16_777_619;
/** The last word of a move. */
const ASK_SIZE = 4;
/** Words that are remembered of each instrument. */
const WORDS_SHIFT = 2;
const WORDS = 1 << WORDS_SHIFT;
/** Leaves every index of `last` as it is, and says that it is not negative (`feed/columns.ts`). */
const INDEX_BITS = 0x7ffffffc;

export class BboDigest implements BookObserver {
  readonly bestOnly = true;
  /** How often a price or size of a best level changed. */
  changes = 0;
  private hash = FNV_START;
  private readonly numbers: readonly number[];
  /** A move of its own, and the best levels in it. */
  private readonly move = new Int32Array(MOVE_WORDS);
  private readonly best = this.move.subarray(1);
  private last = new Int32Array(WORDS * 1024);

  constructor(instruments: Instruments) {
    this.numbers = instruments.digestNumbers;
  }

  /** Unsigned 32 bits. */
  get value(): number {
    return this.hash >>> 0;
  }

  after(ops: OpBatch, at: number, books: Books): void {
    const kind = ops.kind[at];
    if (kind === OpKind.Clear || kind === OpKind.SnapshotBegin) {
      const instruments = Math.min(this.numbers.length, this.last.length / WORDS);
      for (let i = 0; i < instruments; i++) this.look(books, i);
    } else if (ops.instrument[at] >= 0) this.look(books, ops.instrument[at]);
  }

  bestMoved(moves: Int32Array, count: number): void {
    const { numbers } = this;
    let { last, hash } = this;
    for (let at = 0; at + ASK_SIZE < moves.length; at += MOVE_WORDS) {
      if (at >= count) break;
      const askSize = moves[at + ASK_SIZE];
      const instrument = moves[at];
      const bidPrice = moves[at + 1];
      const bidSize = moves[at + 2];
      const askPrice = moves[at + 3];
      const base = (instrument << WORDS_SHIFT) & INDEX_BITS;
      if (base + 3 >= last.length) last = this.grow(base);
      const bidChange = (last[base] ^ bidPrice) | (last[base + 1] ^ bidSize);
      const askChange = (last[base + 2] ^ askPrice) | (last[base + 3] ^ askSize);
      if ((bidChange | askChange) === 0) continue;
      last[base] = bidPrice;
      last[base + 1] = bidSize;
      last[base + 2] = askPrice;
      last[base + 3] = askSize;
      this.changes++;
      hash = Math.imul(hash ^ numbers[instrument], FNV_PRIME);
      hash = Math.imul(hash ^ bidPrice, FNV_PRIME);
      hash = Math.imul(hash ^ bidSize, FNV_PRIME);
      hash = Math.imul(hash ^ askPrice, FNV_PRIME);
      hash = Math.imul(hash ^ askSize, FNV_PRIME);
    }
    this.hash = hash;
  }

  private look(books: Books, instrument: number): void {
    this.move[0] = instrument;
    books.readBestWords(instrument, this.best);
    this.bestMoved(this.move, MOVE_WORDS);
  }

  private grow(base: number): Int32Array<ArrayBuffer> {
    const wider = new Int32Array(Math.max(this.last.length * 2, base + WORDS));
    wider.set(this.last);
    this.last = wider;
    return wider;
  }
}

/**
 * The digest of several streams: theirs folded as (id, digest) in the order of the ids; a single
 * stream's is its own.
 * @returns eight lower-case hex digits
 */
export function foldDigests(streams: readonly { id: number; value: number }[]): string {
  let hash = FNV_START;
  for (const { id, value } of [...streams].sort((a, b) => a.id - b.id)) {
    hash = Math.imul(hash ^ id, FNV_PRIME);
    hash = Math.imul(hash ^ value, FNV_PRIME);
  }
  const value = streams.length === 1 ? streams[0].value : hash >>> 0;
  return value.toString(16).padStart(8, "0");
}
