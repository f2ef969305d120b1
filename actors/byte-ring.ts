/**
 * A bounded queue of byte chunks in shared memory, for exactly one producer and one consumer, on
 * any two threads. A chunk is copied once, into the ring; the consumer reads it where it lies.
 *
 * | bytes      | what                                                                             |
 * | ---------- | -------------------------------------------------------------------------------- |
 * | 0..19      | producer: position written, chunks written, most that waited, dropped, waits     |
 * | 64..75     | consumer: position read, chunks read, waits (a cache line of its own)            |
 * | 128..      | chunks: length in 4 bytes, then the bytes, filled up to a multiple of 4          |
 *
 * Positions and counts are unsigned 32 bits that wrap; only their differences are used. A chunk
 * never wraps: where it does not fit before the end, a length of -1 says "go on at the start". So a
 * chunk may have half the ring at most, less 4 bytes, and then finds room once the ring is empty.
 * Whoever waits says so first and looks once more, so no wake-up is lost. A crash of either side
 * leaves the ring sound: a position moves only when everything behind it is in place, and `recount`
 * mends the count.
 */
import { ActorError } from "./actor-error.ts";
import type { MailboxMetrics } from "./mailbox.ts";

const WROTE = 0;
const WROTE_CHUNKS = 1;
const HIGH_WATER = 2;
const DROPPED = 3;
const PRODUCER_WAITS = 4;
const READ = 16;
const READ_CHUNKS = 17;
const CONSUMER_WAITS = 18;
const HEAD_BYTES = 128;
const HEAD_WORDS = HEAD_BYTES / 4;
const GO_ON_AT_START = -1;
const LEAST_BYTES = 64;
const MOST_BYTES = 2 ** 30;

export class ByteRing implements MailboxMetrics {
  readonly shared: SharedArrayBuffer;
  readonly capacityBytes: number;
  readonly #words: Int32Array;
  readonly #bytes: Uint8Array;
  readonly #mask: number;

  /** @param shared made by `allocate`, the same on both sides */
  constructor(shared: SharedArrayBuffer) {
    this.shared = shared;
    this.capacityBytes = shared.byteLength - HEAD_BYTES;
    this.#mask = this.capacityBytes - 1;
    this.#words = new Int32Array(shared);
    this.#bytes = new Uint8Array(shared);
  }

  /** @param capacityBytes a power of two from 64 up to 2^30 */
  static allocate(capacityBytes: number): SharedArrayBuffer {
    const power = Number.isInteger(Math.log2(capacityBytes));
    if (!power || capacityBytes < LEAST_BYTES || capacityBytes > MOST_BYTES) {
      const mend = `a ring has a power of two of bytes, 64 to 2^30, not ${capacityBytes}`;
      throw new ActorError("ACTOR_BAD_OPTION", mend);
    }
    return new SharedArrayBuffer(HEAD_BYTES + capacityBytes);
  }

  /** Chunks that wait, the one in the consumer's hand included; one more while it is given back. */
  get depth(): number {
    return (this.#load(WROTE_CHUNKS) - this.#load(READ_CHUNKS)) >>> 0;
  }

  get highWaterMark(): number {
    return this.#load(HIGH_WATER) >>> 0;
  }

  get dropped(): number {
    return this.#load(DROPPED) >>> 0;
  }

  get usedBytes(): number {
    return (this.#load(WROTE) - this.#load(READ)) >>> 0;
  }

  get metrics(): MailboxMetrics {
    const { depth, highWaterMark, dropped } = this;
    return { depth, highWaterMark, dropped };
  }

  /** Where the consumer stands, a multiple of 4 modulo 2^32: it names the chunk at the head. */
  get readAt(): number {
    return this.#load(READ) >>> 0;
  }

  /** Producer: copies the chunk in; false, and nothing changed, where there is no room. */
  offer(chunk: Uint8Array): boolean {
    const wrote = this.#load(WROTE);
    const needs = this.#needs(chunk.length, wrote);
    if (needs > this.capacityBytes - this.usedBytes) return false;
    let at = wrote & this.#mask;
    if (at + recordBytes(chunk.length) > this.capacityBytes) {
      this.#words[HEAD_WORDS + (at >> 2)] = GO_ON_AT_START;
      at = 0;
    }
    this.#words[HEAD_WORDS + (at >> 2)] = chunk.length;
    this.#bytes.set(chunk, HEAD_BYTES + at + 4);
    Atomics.add(this.#words, WROTE_CHUNKS, 1);
    if (this.depth > this.highWaterMark) Atomics.store(this.#words, HIGH_WATER, this.depth);
    Atomics.store(this.#words, WROTE, (wrote + needs) | 0);
    if (this.#load(CONSUMER_WAITS) !== 0) Atomics.notify(this.#words, WROTE);
    return true;
  }

  /** Producer: counts a chunk that its policy dropped. */
  countDropped(): void {
    Atomics.add(this.#words, DROPPED, 1);
  }

  /** Producer, on a thread that may sleep: true once a chunk of so many bytes finds room. */
  waitForRoom(lengthBytes: number, timeoutMs: number): boolean {
    Atomics.store(this.#words, PRODUCER_WAITS, 1);
    const read = this.#load(READ);
    if (!this.#hasRoom(lengthBytes)) Atomics.wait(this.#words, READ, read, timeoutMs);
    Atomics.store(this.#words, PRODUCER_WAITS, 0);
    return this.#hasRoom(lengthBytes);
  }

  /** The same without sleeping. It may also end early; ask again. */
  async whenRoom(lengthBytes: number, timeoutMs: number): Promise<boolean> {
    Atomics.store(this.#words, PRODUCER_WAITS, 1);
    const read = this.#load(READ);
    if (!this.#hasRoom(lengthBytes)) {
      await Atomics.waitAsync(this.#words, READ, read, timeoutMs).value;
    }
    Atomics.store(this.#words, PRODUCER_WAITS, 0);
    return this.#hasRoom(lengthBytes);
  }

  /** Consumer: the oldest chunk, in shared memory, until `release`; undefined if none waits. */
  peek(): Uint8Array | undefined {
    const read = this.#load(READ);
    if (read === this.#load(WROTE)) return undefined;
    const at = this.#headAt(read);
    const length = this.#words[HEAD_WORDS + (at >> 2)];
    const from = HEAD_BYTES + at + 4;
    return this.#bytes.subarray(from, from + length);
  }

  /** Consumer: the chunk that `peek` gave is done with; its room is free. */
  release(): void {
    const read = this.#load(READ);
    if (read === this.#load(WROTE)) return;
    const at = this.#headAt(read);
    const length = this.#words[HEAD_WORDS + (at >> 2)];
    Atomics.store(this.#words, READ, (read + this.#needs(length, read)) | 0);
    Atomics.add(this.#words, READ_CHUNKS, 1);
    if (this.#load(PRODUCER_WAITS) !== 0) Atomics.notify(this.#words, READ);
  }

  /** Consumer, on a thread that may sleep: true once a chunk waits. It may also end early. */
  waitForChunk(timeoutMs: number): boolean {
    Atomics.store(this.#words, CONSUMER_WAITS, 1);
    const read = this.#load(READ);
    if (this.#load(WROTE) === read) Atomics.wait(this.#words, WROTE, read, timeoutMs);
    Atomics.store(this.#words, CONSUMER_WAITS, 0);
    return this.#load(WROTE) !== read;
  }

  /** Counts what waits anew, after the consumer died perhaps between a chunk and its count. */
  recount(): void {
    const wrote = this.#load(WROTE);
    let waiting = 0;
    for (let read = this.#load(READ); read !== wrote; waiting++) {
      const length = this.#words[HEAD_WORDS + (this.#headAt(read) >> 2)];
      read = (read + this.#needs(length, read)) | 0;
    }
    Atomics.store(this.#words, READ_CHUNKS, (this.#load(WROTE_CHUNKS) - waiting) | 0);
  }

  /** Wakes whoever waits, on either side, to look at something else. */
  wakeAll(): void {
    Atomics.notify(this.#words, WROTE);
    Atomics.notify(this.#words, READ);
  }

  #load(word: number): number {
    return Atomics.load(this.#words, word);
  }

  #hasRoom(lengthBytes: number): boolean {
    return this.#needs(lengthBytes, this.#load(WROTE)) <= this.capacityBytes - this.usedBytes;
  }

  /** Bytes that a chunk takes at this position: its own, and the unused rest before the start. */
  #needs(lengthBytes: number, position: number): number {
    const own = recordBytes(lengthBytes);
    if (own > this.capacityBytes / 2) {
      const most = this.capacityBytes / 2 - 4;
      const mend = `a chunk of ${lengthBytes} bytes is more than the ring takes (${most})`;
      throw new ActorError("ACTOR_TOO_LARGE", `${mend}: make the ring larger`);
    }
    const rest = this.capacityBytes - (position & this.#mask);
    return own <= rest ? own : rest + own;
  }

  /** Where the record at this position truly lies. */
  #headAt(position: number): number {
    const at = position & this.#mask;
    return this.#words[HEAD_WORDS + (at >> 2)] === GO_ON_AT_START ? 0 : at;
  }
}

function recordBytes(lengthBytes: number): number {
  return 4 + ((lengthBytes + 3) & ~3);
}
