/**
 * Datagrams (or chunks) on their way, each with the time at which it arrives: a binary heap over
 * typed arrays, equal times in the order of arrival.
 *
 * Holds at most `limit`; who pushes into a full one takes the earliest out first. Payloads are
 * copied into buffers that are used again, so a busy queue makes no garbage.
 */
export class DelayQueue {
  count = 0;
  readonly limit: number;
  /** The most that ever waited. */
  highWater = 0;

  /** Of the entry taken last: whose it is, when it arrives, and what it brings. */
  line = 0;
  timeNs = 0;
  bytes: Uint8Array = new Uint8Array(0);
  length = 0;

  private readonly due: Float64Array;
  private readonly order: Float64Array;
  private readonly slot: Int32Array;
  private readonly lineOf: Int32Array;
  private readonly lengthOf: Int32Array;
  private readonly payload: Uint8Array[] = [];
  private readonly free: number[] = [];
  private pushed = 0;
  private taken = -1;

  constructor(limit: number) {
    this.limit = limit;
    this.due = new Float64Array(limit);
    this.order = new Float64Array(limit);
    this.slot = new Int32Array(limit);
    this.lineOf = new Int32Array(limit + 1);
    this.lengthOf = new Int32Array(limit + 1);
  }

  get isFull(): boolean {
    return this.count === this.limit;
  }

  /** When the earliest arrives; infinite if nothing is on its way. */
  get nextNs(): number {
    return this.count === 0 ? Number.POSITIVE_INFINITY : this.due[0]!;
  }

  /** Copies `length` bytes at `offset`; the caller has checked `isFull`. */
  push(line: number, dueNs: number, bytes: Uint8Array, offset: number, length: number): void {
    const slot = this.free.pop() ?? this.payload.length;
    const kept = this.payload[slot];
    let room = kept;
    if (room === undefined || room.length < length) {
      room = new Uint8Array(Math.max(64, 1 << (32 - Math.clz32(Math.max(1, length - 1)))));
      this.payload[slot] = room;
    }
    copy(bytes, offset, length, room);
    this.lineOf[slot] = line;
    this.lengthOf[slot] = length;
    let at = this.count++;
    this.highWater = Math.max(this.highWater, this.count);
    const order = this.pushed++;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (this.due[parent]! <= dueNs) break;
      this.move(parent, at);
      at = parent;
    }
    this.put(at, dueNs, order, slot);
  }

  /** Takes the earliest out into `line`, `timeNs`, `bytes` (from 0) and `length`. */
  take(): void {
    if (this.taken >= 0) this.free.push(this.taken);
    const slot = this.slot[0]!;
    this.taken = slot;
    this.line = this.lineOf[slot]!;
    this.timeNs = this.due[0]!;
    this.bytes = this.payload[slot]!;
    this.length = this.lengthOf[slot]!;
    const last = --this.count;
    if (last > 0) this.sink(this.due[last]!, this.order[last]!, this.slot[last]!);
  }

  /** Lets the last entry find its place from the top down. */
  private sink(dueNs: number, order: number, slot: number): void {
    let at = 0;
    for (;;) {
      let child = at * 2 + 1;
      if (child >= this.count) break;
      if (child + 1 < this.count && this.isBefore(child + 1, child)) child++;
      const isLater = this.due[child]! < dueNs;
      if (!isLater && !(this.due[child] === dueNs && this.order[child]! < order)) break;
      this.move(child, at);
      at = child;
    }
    this.put(at, dueNs, order, slot);
  }

  private isBefore(a: number, b: number): boolean {
    if (this.due[a] !== this.due[b]) return this.due[a]! < this.due[b]!;
    return this.order[a]! < this.order[b]!;
  }

  private move(from: number, to: number): void {
    this.due[to] = this.due[from]!;
    this.order[to] = this.order[from]!;
    this.slot[to] = this.slot[from]!;
  }

  private put(at: number, dueNs: number, order: number, slot: number): void {
    this.due[at] = dueNs;
    this.order[at] = order;
    this.slot[at] = slot;
  }
}

/** A datagram is short: a loop beats the view that `set` would need. */
function copy(bytes: Uint8Array, offset: number, length: number, to: Uint8Array): void {
  if (length > 256) to.set(bytes.subarray(offset, offset + length));
  else for (let at = 0; at < length; at++) to[at] = bytes[offset + at]!;
}
