/**
 * The collectors that can ask the exchange for one stream, and whose turn it is. A collector that
 * has been silent for `SILENT_NS` while others speak is passed over; at most `OFFERS_LIMIT` are
 * remembered, the one heard longest ago makes room.
 */
import type { ChunkRepairs } from "../frames/chunk-header.ts";

/** What a collector can ask for, and how long it tries, ns; 0: not at all. */
export interface Offer extends ChunkRepairs {
  readonly collector: string;
  heardNs: number;
}

/** Heartbeats alone make a chunk more often than this. */
const SILENT_NS = 10e9;
const OFFERS_LIMIT = 16;

export class Offers {
  private list: Offer[] = [];
  private turn = 0;

  /** @returns true if it said so for the first time, or says something new */
  hear(collector: string, { ticksNs, snapshotNs }: ChunkRepairs, nowNs: number): boolean {
    const known = this.list.find((offer) => offer.collector === collector);
    if (known?.ticksNs === ticksNs && known.snapshotNs === snapshotNs) {
      known.heardNs = nowNs;
      return false;
    }
    this.withdraw(collector);
    if (this.list.length >= OFFERS_LIMIT) {
      const oldest = this.list.reduce((a, b) => (b.heardNs < a.heardNs ? b : a));
      this.withdraw(oldest.collector);
    }
    this.list.push({ collector, ticksNs, snapshotNs, heardNs: nowNs });
    return true;
  }

  /** It can ask nobody any more. */
  withdraw(collector: string): void {
    this.list = this.list.filter((offer) => offer.collector !== collector);
  }

  /** The longest that any of them tries to get messages; 0: none can. */
  get ticksNs(): number {
    return Math.max(0, ...this.list.map((offer) => offer.ticksNs));
  }

  get snapshotNs(): number {
    return Math.max(0, ...this.list.map((offer) => offer.snapshotNs));
  }

  /** Whose turn it is. @throws if nobody can: the caller has looked */
  next(what: "ticksNs" | "snapshotNs", nowNs: number): Offer {
    const able = this.list.filter((offer) => offer[what] > 0);
    const speaking = able.filter(({ heardNs }) => nowNs - heardNs < SILENT_NS);
    const asked = speaking.length > 0 ? speaking : able;
    const offer = asked[this.turn++ % asked.length];
    if (offer === undefined) throw new Error("repairs: nobody can be asked");
    return offer;
  }
}
