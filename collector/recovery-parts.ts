/**
 * Whole snapshots on their way into chunks: one part at each turn, so that receiving never waits
 * for a large one to be packed. At most `SNAPSHOTS_LIMIT` wait; the oldest makes room.
 */
import { FrameBatch } from "../frames/frame-batch.ts";
import type { CollectorCore } from "./core.ts";

/** Half a MiB of NSE's records. */
const RECORDS_PER_PART = 16384;
const SNAPSHOTS_LIMIT = 4;

export interface WholeSnapshot {
  readonly feed: string;
  readonly stream: number;
  readonly epoch: number;
  readonly lastSequence: number;
  /** Records one behind the other. */
  readonly records: Uint8Array;
  readonly recordBytes: number;
  readonly channel: number;
  /** When it came, ns since 1970. */
  readonly atNs: number;
}

export class SnapshotParts {
  private waiting: { readonly snapshot: WholeSnapshot; sent: number }[] = [];
  private readonly frames = new FrameBatch(RECORDS_PER_PART);

  add(snapshot: WholeSnapshot): void {
    this.waiting = this.waiting.filter(({ snapshot: old }) => old.stream !== snapshot.stream);
    this.waiting.push({ snapshot, sent: 0 });
    if (this.waiting.length > SNAPSHOTS_LIMIT) this.waiting.shift();
  }

  /** The next part, if there is one; a snapshot of an epoch that is over is dropped. */
  send(core: CollectorCore, epochOf: (stream: number) => number): void {
    const next = this.waiting[0];
    if (next === undefined) return;
    const { snapshot } = next;
    const { feed, stream, epoch, lastSequence, records, recordBytes } = snapshot;
    const orders = Math.floor(records.length / recordBytes);
    const parts = Math.max(1, Math.ceil(orders / RECORDS_PER_PART));
    const isStale = epochOf(stream) !== epoch;
    if (!isStale) {
      this.lay(snapshot, next.sent * RECORDS_PER_PART, orders);
      const part = { part: ++next.sent, parts, orders };
      core.snapshotPart(feed, stream, lastSequence, part, this.frames);
    }
    if (isStale || next.sent === parts) this.waiting.shift();
  }

  private lay({ records, recordBytes, channel, atNs }: WholeSnapshot, from: number, all: number) {
    const { frames } = this;
    const sec = Math.floor(atNs / 1e9);
    const nsec = Math.floor(atNs - sec * 1e9);
    const end = Math.min(all, from + RECORDS_PER_PART);
    frames.reset(records);
    for (let i = from; i < end; i++) frames.add(i * recordBytes, recordBytes, sec, nsec, channel);
  }
}
