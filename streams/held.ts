/**
 * Messages of one stream that wait behind a gap: a ring by sequence number over an arena of bytes.
 *
 * Everything in it lies within `maxSpan` numbers, so a slot is found by the number's low bits. The
 * arena is filled from its start; when it is full, what still waits is copied to a new one, twice
 * as big if more than half was alive. Memory is asked of a budget shared by all streams; `put`
 * says no when the budget, the span or the count is used up, and the caller gives a gap up.
 */
const EMPTY = -2;
/** A number that came without bytes of its own: the rest of an opaque datagram. */
export const NO_MESSAGE = -1;
const SLOT_BYTES = 17;
const FIRST_SLOTS = 256;
const FIRST_ARENA = 8192;
/** A ring or an arena beyond these is given back when the stream has nothing held any more. */
const KEPT_SLOTS = 16384;
const KEPT_ARENA = 1 << 20;

/** Bytes that the held messages of all streams may take. */
export class Budget {
  used = 0;
  readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  take(bytes: number): boolean {
    if (this.used + bytes > this.limit) return false;
    this.used += bytes;
    return true;
  }
}

export class Held {
  count = 0;
  /** Message bytes that wait. */
  liveBytes = 0;
  bytes = new Uint8Array(0);
  view = new DataView(this.bytes.buffer);
  private lowest = 0;
  private highest = -1;
  private position = 0;
  private slots = 0;
  private offset = new Int32Array(0);
  private length = new Int32Array(0);
  private sec = new Uint32Array(0);
  private nsec = new Uint32Array(0);
  private flag = new Uint8Array(0);
  private readonly maxCount: number;
  private readonly budget: Budget;
  private readonly holdsBytes: boolean;

  /** @param holdsBytes false: of a message only its number, length and time are kept */
  constructor(maxCount: number, budget: Budget, holdsBytes = true) {
    this.maxCount = maxCount;
    this.budget = budget;
    this.holdsBytes = holdsBytes;
  }

  has(number: number): boolean {
    if (this.count === 0 || number < this.lowest || number > this.highest) return false;
    return this.length[number & (this.slots - 1)] !== EMPTY;
  }

  /**
   * Keeps a number that is not held yet; `length` may be `NO_MESSAGE`.
   * Returns false, and keeps nothing, where there is no room.
   */
  put(
    number: number,
    from: Uint8Array,
    offset: number,
    length: number,
    sec: number,
    nsec: number,
    flags: number,
  ): boolean {
    if (this.count >= this.maxCount) return false;
    const low = this.count === 0 ? number : Math.min(this.lowest, number);
    const high = this.count === 0 ? number : Math.max(this.highest, number);
    if (high - low >= this.slots && !this.growRing(high - low + 1)) return false;
    const size = this.holdsBytes ? Math.max(0, length) : 0;
    if (this.position + size > this.bytes.length && !this.growArena(size)) return false;
    const slot = number & (this.slots - 1);
    this.lowest = low;
    this.highest = high;
    this.offset[slot] = this.position;
    this.length[slot] = length;
    this.sec[slot] = sec;
    this.nsec[slot] = nsec;
    this.flag[slot] = flags;
    copy(from, offset, size, this.bytes, this.position);
    this.position += size;
    this.liveBytes += size;
    this.count++;
    return true;
  }

  offsetOf(number: number): number {
    return this.offset[number & (this.slots - 1)];
  }

  lengthOf(number: number): number {
    return this.length[number & (this.slots - 1)];
  }

  secOf(number: number): number {
    return this.sec[number & (this.slots - 1)];
  }

  nsecOf(number: number): number {
    return this.nsec[number & (this.slots - 1)];
  }

  flagsOf(number: number): number {
    return this.flag[number & (this.slots - 1)];
  }

  /** The lowest held number has been delivered; its bytes stay until the next `put`. */
  release(number: number): void {
    const slot = number & (this.slots - 1);
    if (this.holdsBytes) this.liveBytes -= Math.max(0, this.length[slot]);
    this.length[slot] = EMPTY;
    this.lowest = number + 1;
    if (--this.count === 0) this.emptied();
  }

  private emptied(): void {
    this.position = 0;
    this.highest = -1;
    if (this.slots > KEPT_SLOTS) {
      this.budget.used -= this.slots * SLOT_BYTES;
      this.slots = 0;
    }
    if (this.bytes.length > KEPT_ARENA) {
      this.budget.used -= this.bytes.length;
      this.bytes = new Uint8Array(0);
      this.view = new DataView(this.bytes.buffer);
    }
  }

  private growRing(span: number): boolean {
    let slots = Math.max(this.slots, FIRST_SLOTS);
    while (slots < span) slots *= 2;
    if (slots > Math.max(FIRST_SLOTS, this.maxCount * 2)) return false;
    if (!this.budget.take((slots - this.slots) * SLOT_BYTES)) return false;
    const old = this.slots - 1;
    const { offset, length, sec, nsec, flag } = this;
    this.slots = slots;
    this.offset = new Int32Array(slots);
    this.length = new Int32Array(slots).fill(EMPTY);
    this.sec = new Uint32Array(slots);
    this.nsec = new Uint32Array(slots);
    this.flag = new Uint8Array(slots);
    if (this.count === 0) return true;
    for (let number = this.lowest; number <= this.highest; number++) {
      const from = number & old;
      const to = number & (slots - 1);
      this.offset[to] = offset[from];
      this.length[to] = length[from];
      this.sec[to] = sec[from];
      this.nsec[to] = nsec[from];
      this.flag[to] = flag[from];
    }
    return true;
  }

  private growArena(size: number): boolean {
    const wanted = this.liveBytes + size;
    let capacity = Math.max(this.bytes.length, FIRST_ARENA);
    while (capacity < wanted * 2) capacity *= 2;
    if (!this.budget.take(capacity - this.bytes.length)) return false;
    const packed = new Uint8Array(capacity);
    let position = 0;
    for (let number = this.lowest; number <= this.highest; number++) {
      const slot = number & (this.slots - 1);
      const length = this.length[slot];
      if (length <= 0) continue;
      packed.set(this.bytes.subarray(this.offset[slot], this.offset[slot] + length), position);
      this.offset[slot] = position;
      position += length;
    }
    this.bytes = packed;
    this.view = new DataView(packed.buffer);
    this.position = position;
    return true;
  }
}

/** Small messages are copied by a loop: a subarray for each would be garbage. */
function copy(from: Uint8Array, at: number, size: number, to: Uint8Array, position: number): void {
  if (size > 256) to.set(from.subarray(at, at + size), position);
  else for (let i = 0; i < size; i++) to[position + i] = from[at + i];
}
