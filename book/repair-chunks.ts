/**
 * What did not come from a line, on its way from a chunk into a stream: recovered messages, parts of
 * snapshots, the operator's clear. The book service and all that reads chunks from files take them
 * here.
 *
 * Assumes that the chunks of a stream come in the order of their numbers.
 */
import type { Feed } from "../feed/feed.ts";
import type { ChunkHeader } from "../frames/chunk-header.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import type { Sequencer } from "../streams/sequencer.ts";
import type { SpliceVerdict } from "../streams/splice.ts";
import { SnapshotGatherer } from "./snapshot-parts.ts";

export class RepairChunks {
  readonly snapshots = new SnapshotGatherer();
  /** Snapshots that came whole, by what became of them. */
  readonly splices = new Map<SpliceVerdict, number>();
  private readonly feed: Feed;
  private readonly sequencer: Sequencer;

  constructor(feed: Feed, sequencer: Sequencer) {
    this.feed = feed;
    this.sequencer = sequencer;
  }

  /** A chunk of any kind but `live`, and its frames. */
  take(header: ChunkHeader, frames: FrameBatch): void {
    const { sequencer } = this;
    const index = sequencer.indexOf(header.stream);
    if (header.kind === "recovered") {
      // Whoever asks drops answers of an epoch that is over, so this is of the one that it follows.
      if (index >= 0) sequencer.recover(frames, index, sequencer.streams[index].epoch);
      return;
    }
    if (header.kind === "clear") {
      sequencer.clear(index);
      return;
    }
    const image = this.snapshots.take(this.feed, header, frames);
    if (image === undefined) return;
    const verdict = sequencer.snapshot(index, image);
    this.splices.set(verdict, (this.splices.get(verdict) ?? 0) + 1);
  }
}
