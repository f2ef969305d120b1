/**
 * Chunks from files, read as the book service reads them: a gap waits for what its collector asked
 * the exchange for, recovered messages and snapshots take the way of requests, and a stream with a
 * lost gap stands still when the service did. Time is capture time, and nobody is asked: the answers
 * are in the files, or they never came.
 *
 * Without a chunk whose collector could ask, nothing here has any effect.
 */
import { RepairChunks } from "../book/repair-chunks.ts";
import { Repairs } from "../book/repairs.ts";
import type { Feed } from "../feed/feed.ts";
import type { ChunkHeader } from "../frames/chunk-header.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import type { Sequencer } from "../streams/sequencer.ts";

export class OfflineRepairs {
  private readonly feed: Feed;
  private readonly sequencer: Sequencer;
  private readonly repairs: Repairs;
  private readonly chunks: RepairChunks;
  private canRepair = false;

  constructor(feed: Feed, sequencer: Sequencer) {
    this.feed = feed;
    this.sequencer = sequencer;
    this.repairs = new Repairs(feed.id, sequencer, () => {});
    this.chunks = new RepairChunks(feed, sequencer);
  }

  /** A chunk of any kind has been read: its frames follow. */
  heard(header: ChunkHeader): void {
    if (header.feed !== this.feed.id || header.repairs === undefined) return;
    this.canRepair = true;
    this.repairs.heard(header, header.firstSec * 1e9 + header.firstNsec);
  }

  /** A chunk with what was obtained by request. */
  take(header: ChunkHeader, frames: FrameBatch): void {
    if (header.feed === this.feed.id) this.chunks.take(header, frames);
  }

  /** Frames have been taken: capture time has gone on. */
  advance(): void {
    if (this.canRepair) this.repairs.advance(this.sequencer.nowNs);
  }
}
