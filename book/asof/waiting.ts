/**
 * Events that cannot be answered yet: a heap by exchange time for each stream that they wait for, and
 * a list for each key, so that a quote finds those that it answers. All share one bounded set of
 * slots. Adding and removing cost the logarithm of the heap.
 */
import { JoinedBatch } from "./joined-batch.ts";
import { isBefore } from "./stream-clock.ts";

const NONE = -1;

export class Waiting {
  /** The events, by slot; only their own columns are used. */
  readonly events: JoinedBatch;
  /** Effective time and ordinal of an event, by slot. */
  readonly sec: Float64Array;
  readonly nsec: Float64Array;
  readonly ordinal: Float64Array;
  count = 0;
  countMost = 0;
  private readonly heaps: Int32Array[] = [];
  private readonly sizes: number[] = [];
  private readonly heapOf: Int32Array;
  private readonly placeOf: Int32Array;
  private readonly next: Int32Array;
  private readonly previous: Int32Array;
  private first = new Int32Array(64).fill(NONE);
  private readonly spare: Int32Array;

  constructor(limit: number) {
    this.events = new JoinedBatch(limit);
    this.sec = new Float64Array(limit);
    this.nsec = new Float64Array(limit);
    this.ordinal = new Float64Array(limit);
    this.heapOf = new Int32Array(limit);
    this.placeOf = new Int32Array(limit);
    this.next = new Int32Array(limit);
    this.previous = new Int32Array(limit);
    this.spare = Int32Array.from({ length: limit }, (_, slot) => limit - 1 - slot);
  }

  get limit(): number {
    return this.spare.length;
  }

  addHeap(): number {
    this.heaps.push(new Int32Array(16));
    this.sizes.push(0);
    return this.heaps.length - 1;
  }

  size(heap: number): number {
    return this.sizes[heap];
  }

  /** Slot of the heap's earliest event, which must exist. */
  top(heap: number): number {
    return this.heaps[heap][0];
  }

  /** The key's event that came last, or -1. */
  firstOf(key: number): number {
    return key < this.first.length ? this.first[key] : NONE;
  }

  /** The event of the same key that came before, or -1. */
  nextOf(slot: number): number {
    return this.next[slot];
  }

  /** @returns the slot, for the caller to fill `events`; there must be one left */
  add(heap: number, key: number, sec: number, nsec: number, ordinal: number): number {
    const slot = this.spare[this.limit - 1 - this.count++];
    if (this.count > this.countMost) this.countMost = this.count;
    this.sec[slot] = sec;
    this.nsec[slot] = nsec;
    this.ordinal[slot] = ordinal;
    this.link(slot, key);
    const size = this.sizes[heap]++;
    if (size === this.heaps[heap].length) this.widen(heap);
    this.heapOf[slot] = heap;
    this.rise(heap, slot, size);
    return slot;
  }

  remove(slot: number): void {
    this.unlink(slot);
    const heap = this.heapOf[slot];
    const hole = this.placeOf[slot];
    const size = --this.sizes[heap];
    const last = this.heaps[heap][size];
    if (last !== slot) {
      this.sink(heap, last, hole);
      this.rise(heap, last, this.placeOf[last]);
    }
    this.spare[this.limit - this.count--] = slot;
  }

  private link(slot: number, key: number): void {
    if (key >= this.first.length) this.widenKeys(key);
    this.events.key[slot] = key;
    this.previous[slot] = NONE;
    this.next[slot] = this.first[key];
    if (this.next[slot] !== NONE) this.previous[this.next[slot]] = slot;
    this.first[key] = slot;
  }

  private unlink(slot: number): void {
    const { next, previous } = this;
    if (next[slot] !== NONE) previous[next[slot]] = previous[slot];
    if (previous[slot] !== NONE) next[previous[slot]] = next[slot];
    else this.first[this.events.key[slot]] = next[slot];
  }

  /** Moves a slot from `place` towards the top as far as it belongs. */
  private rise(heap: number, slot: number, place: number): void {
    const slots = this.heaps[heap];
    let at = place;
    while (at > 0) {
      const above = (at - 1) >> 1;
      if (!this.isEarlier(slot, slots[above])) break;
      slots[at] = slots[above];
      this.placeOf[slots[at]] = at;
      at = above;
    }
    slots[at] = slot;
    this.placeOf[slot] = at;
  }

  private sink(heap: number, slot: number, place: number): void {
    const slots = this.heaps[heap];
    const size = this.sizes[heap];
    let at = place;
    for (let below = at * 2 + 1; below < size; below = at * 2 + 1) {
      if (below + 1 < size && this.isEarlier(slots[below + 1], slots[below])) below++;
      if (!this.isEarlier(slots[below], slot)) break;
      slots[at] = slots[below];
      this.placeOf[slots[at]] = at;
      at = below;
    }
    slots[at] = slot;
    this.placeOf[slot] = at;
  }

  private isEarlier(slot: number, other: number): boolean {
    return isBefore(this.sec[slot], this.nsec[slot], this.sec[other], this.nsec[other]);
  }

  private widen(heap: number): void {
    const wider = new Int32Array(this.heaps[heap].length * 2);
    wider.set(this.heaps[heap]);
    this.heaps[heap] = wider;
  }

  private widenKeys(key: number): void {
    const wider = new Int32Array(Math.max(key + 1, this.first.length * 2)).fill(NONE);
    wider.set(this.first);
    this.first = wider;
  }
}
