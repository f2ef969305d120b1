/**
 * The live orders of one stream, in columns: a slot is an order's place in all of them, freed
 * slots are used again. `live` lists the slots without holes, so that any order can be drawn.
 */
import type { Random } from "../../faults/random.ts";

/** `level` of an order at no price: a market order of the closing auction, before every limit. */
export const MARKET_LEVEL = 2 ** 31;

export class OrderStore {
  count = 0;
  id = new Float64Array(1024);
  /** Index of the instrument. */
  instrument = new Int32Array(1024);
  side = new Uint8Array(1024);
  /** Where it queues: the better for its side, the higher (`levelOf`). */
  level = new Float64Array(1024);
  /** Open quantity. */
  quantity = new Int32Array(1024);
  /** Who entered it; an owner does not trade with itself. */
  owner = new Int32Array(1024);
  /** When it got its place in the queue, and when a message about it was sent last, ns. */
  placedNs = new Float64Array(1024);
  changedNs = new Float64Array(1024);
  /** Neighbours in the queue of the level; -1 at its ends. */
  before = new Int32Array(1024);
  behind = new Int32Array(1024);

  private live = new Int32Array(1024);
  private liveAt = new Int32Array(1024);
  private readonly free: number[] = [];
  private used = 0;

  add(
    id: number,
    instrument: number,
    side: number,
    level: number,
    quantity: number,
    owner: number,
    timeNs: number,
  ): number {
    const slot = this.free.pop() ?? this.used++;
    if (slot === this.id.length) this.grow();
    this.id[slot] = id;
    this.instrument[slot] = instrument;
    this.side[slot] = side;
    this.level[slot] = level;
    this.quantity[slot] = quantity;
    this.owner[slot] = owner;
    this.placedNs[slot] = timeNs;
    this.changedNs[slot] = timeNs;
    this.live[this.count] = slot;
    this.liveAt[slot] = this.count++;
    return slot;
  }

  remove(slot: number): void {
    const place = this.liveAt[slot]!;
    const last = this.live[--this.count]!;
    this.live[place] = last;
    this.liveAt[last] = place;
    this.free.push(slot);
  }

  /** Any live order; the caller has checked that there is one. */
  draw(random: Random): number {
    return this.live[random.below(this.count)]!;
  }

  /** The slots of all live orders, in no order that means anything. */
  slots(): Int32Array {
    return this.live.subarray(0, this.count);
  }

  clear(): void {
    this.count = 0;
    this.used = 0;
    this.free.length = 0;
  }

  private grow(): void {
    const size = this.id.length * 2;
    this.id = wider(this.id, new Float64Array(size));
    this.level = wider(this.level, new Float64Array(size));
    this.side = wider(this.side, new Uint8Array(size));
    this.instrument = wider(this.instrument, new Int32Array(size));
    this.quantity = wider(this.quantity, new Int32Array(size));
    this.owner = wider(this.owner, new Int32Array(size));
    this.placedNs = wider(this.placedNs, new Float64Array(size));
    this.changedNs = wider(this.changedNs, new Float64Array(size));
    this.before = wider(this.before, new Int32Array(size));
    this.behind = wider(this.behind, new Int32Array(size));
    this.live = wider(this.live, new Int32Array(size));
    this.liveAt = wider(this.liveAt, new Int32Array(size));
  }
}

function wider<T extends Float64Array | Int32Array | Uint8Array>(old: T, grown: T): T {
  grown.set(old);
  return grown;
}
