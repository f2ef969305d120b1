/**
 * A digest of numbered messages: the same for the same messages under the same numbers, whatever
 * line brought them and however frames, batches and chunks were cut.
 *
 * Each message and its number are hashed to two independent words of 32 bits; a digest is the sum
 * of those words. A sum can be taken block by block of numbers, so two digests that differ also
 * tell where, and blocks of different sizes can be held against each other by adding them up.
 * It finds damage and mistakes (a random change goes unseen about once in 2^64); it is no defence
 * against somebody who wants a collision.
 */
import type { MessageBatch } from "../feed/message-batch.ts";

/** Blocks kept; their size doubles when the numbers outgrow them. */
const BLOCKS = 256;
const FIRST_BLOCK_NUMBERS = 1024;
const TWO_32 = 4_294_967_296;

const X_WORD = 0xcc9e2d51 | 0;
const Y_WORD = 0x9e3779b1 | 0;
const X_NUMBER = 0x85ebca77 | 0;
const Y_NUMBER = 0xc2b2ae3d | 0;
const X_MIX = 0x1b873593;
const Y_MIX = 0x7feb352d;

/** Digests of blocks of numbers, one behind the other. */
export interface DigestBlocks {
  /** Numbers in a block, a power of two; a block begins at a multiple of it. */
  readonly numbers: number;
  /** First number of the first block. */
  readonly from: number;
  /** 16 hex digits each. */
  readonly digests: readonly string[];
}

/** Hashes one message under its number into `out[0]` and `out[1]`. */
export function hashMessage(
  view: DataView,
  offset: number,
  length: number,
  sequence: number,
  out: Int32Array,
): void {
  const end = offset + length;
  const high = (sequence / TWO_32) | 0;
  let x = Math.imul(sequence ^ X_WORD, X_NUMBER) ^ length;
  let y = Math.imul((sequence + Y_WORD) | 0, Y_NUMBER) ^ Math.imul(length, X_NUMBER);
  if (high !== 0) {
    x = Math.imul(x ^ high, X_WORD);
    y = Math.imul(y ^ high, Y_WORD);
  }
  let at = offset;
  // Two words a step: each is mixed by itself into one lane while the lanes wait for their own
  // products. Rotating and shifting keeps two changed top bits from cancelling out.
  for (; at + 8 <= end; at += 8) {
    const one = view.getInt32(at, true);
    const two = view.getInt32(at + 4, true);
    const mixedOne = Math.imul(one, X_MIX);
    const mixedTwo = Math.imul(two, Y_MIX);
    x = Math.imul(x ^ one ^ ((mixedTwo << 15) | (mixedTwo >>> 17)), X_WORD);
    x = (x << 13) | (x >>> 19);
    y = Math.imul(y ^ two ^ ((mixedOne << 17) | (mixedOne >>> 15)), Y_WORD);
    y ^= y >>> 15;
  }
  if (at + 4 <= end) {
    const word = view.getInt32(at, true);
    x = Math.imul(x ^ word, X_WORD);
    x = (x << 13) | (x >>> 19);
    y = Math.imul(y ^ word, Y_WORD);
    y ^= y >>> 15;
    at += 4;
  }
  if (at < end) {
    let word = 0;
    for (let shift = 0; at < end; at++, shift += 8) word |= view.getUint8(at) << shift;
    x = Math.imul(x ^ word, X_WORD);
    y = Math.imul(y ^ word, Y_WORD);
  }
  x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
  x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
  y = Math.imul(y ^ (y >>> 15), 0x2c1b3c6d);
  y = Math.imul(y ^ (y >>> 12), 0x297a2d39);
  out[0] = x ^ (x >>> 16);
  out[1] = y ^ (y >>> 15);
}

/** The digest of numbers that only rise. Memory: 2 KiB. */
export class SequenceDigest {
  private blockNumbers = FIRST_BLOCK_NUMBERS;
  private firstBlock = -1;
  private blocks = 0;
  /** Where the block of the newest number ends, and its place in `sums`. */
  private blockEnd = Number.NEGATIVE_INFINITY;
  private slot = 0;
  /** Two words a block. */
  private readonly sums = new Int32Array(BLOCKS * 2);
  private readonly hash = new Int32Array(2);

  /** Takes messages `from` up to, not including, `to` of the batch. */
  add(batch: MessageBatch, from: number, to: number): void {
    const { view, offset, length, sequence } = batch;
    const { sums, hash } = this;
    for (let at = from; at < to; at++) {
      const number = sequence[at];
      if (number >= this.blockEnd) this.openBlock(number);
      hashMessage(view, offset[at], length[at], number, hash);
      const slot = this.slot;
      sums[slot] += hash[0];
      sums[slot + 1] += hash[1];
    }
  }

  /** 16 hex digits; all zero if there was no message. */
  get text(): string {
    let x = 0;
    let y = 0;
    for (let at = 0; at < this.blocks * 2; at += 2) {
      x = (x + this.sums[at]) | 0;
      y = (y + this.sums[at + 1]) | 0;
    }
    return digestText(x, y);
  }

  toBlocks(): DigestBlocks {
    const { blockNumbers: numbers, sums } = this;
    const digests = Array.from({ length: this.blocks }, (_, block) =>
      digestText(sums[block * 2], sums[block * 2 + 1]),
    );
    return { numbers, from: Math.max(0, this.firstBlock) * numbers, digests };
  }

  private openBlock(number: number): void {
    if (this.firstBlock < 0) this.firstBlock = Math.floor(number / this.blockNumbers);
    let block = Math.floor(number / this.blockNumbers);
    while (block - this.firstBlock >= BLOCKS) {
      this.coarsen();
      block = Math.floor(number / this.blockNumbers);
    }
    this.slot = (block - this.firstBlock) * 2;
    this.blocks = block - this.firstBlock + 1;
    this.blockEnd = (block + 1) * this.blockNumbers;
  }

  /** Two neighbours become one block. */
  private coarsen(): void {
    const { sums, firstBlock, blocks } = this;
    const first = Math.floor(firstBlock / 2);
    for (let block = 0; block < blocks; block++) {
      const to = (Math.floor((firstBlock + block) / 2) - first) * 2;
      const x = sums[block * 2];
      const y = sums[block * 2 + 1];
      sums[block * 2] = 0;
      sums[block * 2 + 1] = 0;
      sums[to] += x;
      sums[to + 1] += y;
    }
    this.blocks = Math.floor((firstBlock + blocks - 1) / 2) - first + 1;
    this.firstBlock = first;
    this.blockNumbers *= 2;
  }
}

export function digestText(x: number, y: number): string {
  return wordText(x) + wordText(y);
}

/** The sum of digests in text form: what the messages of all of them together have. */
export function addedDigests(digests: readonly string[]): string {
  let x = 0;
  let y = 0;
  for (const digest of digests) {
    x = (x + Number.parseInt(digest.slice(0, 8), 16)) | 0;
    y = (y + Number.parseInt(digest.slice(8), 16)) | 0;
  }
  return digestText(x, y);
}

/** The digest of a text, as of one message with the number 0. */
export function textDigest(text: string): string {
  const bytes = new TextEncoder().encode(text);
  const hash = new Int32Array(2);
  hashMessage(new DataView(bytes.buffer, 0, bytes.length), 0, bytes.length, 0, hash);
  return digestText(hash[0], hash[1]);
}

function wordText(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
