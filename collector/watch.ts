/**
 * What the lines bring and lose, told at the edge: the house's sequencer with nobody behind it. It
 * decides nothing of what is forwarded; it is there for the report, the status line, and for whoever
 * asks the exchange for what is missing.
 */
import type { Feed } from "../feed/feed.ts";
import type { Channel, Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { Sequencer } from "../streams/sequencer.ts";

/** What waits behind a gap must not cost the receiver a copy: it is when something was lost that it is short of time. */
const NOBODY_READS = { holdsBytes: false } as const;

interface Watched {
  readonly sequencer: Sequencer;
  frames: FrameBatch;
}

export class LineWatch {
  private readonly channels: Channels;
  private readonly feedOf: (channel: Channel) => Feed | undefined;
  private readonly byFeed = new Map<Feed, Watched>();
  /** By channel index; `null`: nobody's. */
  private readonly byChannel: (Watched | null)[] = [];

  constructor(channels: Channels, feedOf: (channel: Channel) => Feed | undefined) {
    this.channels = channels;
    this.feedOf = feedOf;
  }

  push(batch: FrameBatch): void {
    const only = this.onlyOne(batch);
    if (only !== undefined) {
      only.sequencer.push(batch);
      return;
    }
    for (const watched of this.byFeed.values()) watched.frames.reset(batch.bytes);
    for (let at = 0; at < batch.count; at++) {
      const watched = this.watched(batch.channel[at]);
      if (watched === null) continue;
      if (watched.frames.bytes !== batch.bytes) watched.frames.reset(batch.bytes);
      if (watched.frames.count === watched.frames.capacity) this.flush(watched, batch);
      watched.frames.add(
        batch.offset[at],
        batch.length[at],
        batch.sec[at],
        batch.nsec[at],
        batch.channel[at],
      );
    }
    for (const watched of this.byFeed.values()) this.flush(watched, batch);
  }

  /** The sequencer of a feed; undefined before its first frame. */
  sequencerOf(feed: string): Sequencer | undefined {
    for (const [{ id }, { sequencer }] of this.byFeed) if (id === feed) return sequencer;
    return undefined;
  }

  /** Every feed that frames have come of, with its sequencer. */
  *sequencers(): Generator<[feed: string, sequencer: Sequencer]> {
    for (const [{ id }, { sequencer }] of this.byFeed) yield [id, sequencer];
  }

  /** @param nowNs on the clock of the capture times, ns since 1970 UTC */
  advance(nowNs: number): void {
    for (const { sequencer } of this.byFeed.values()) sequencer.advance(nowNs);
  }

  finish(): void {
    for (const { sequencer } of this.byFeed.values()) sequencer.finish();
  }

  /** Sums over all feeds: each number once, copies, ranges and numbers lost. */
  totals(): { messages: number; duplicates: number; gaps: number; lost: number } {
    const totals = { messages: 0, duplicates: 0, gaps: 0, lost: 0 };
    for (const { sequencer } of this.byFeed.values()) {
      const { messages, duplicates, gaps, lost } = sequencer.stats();
      totals.messages += messages;
      totals.duplicates += duplicates;
      totals.gaps += gaps;
      totals.lost += lost;
    }
    return totals;
  }

  /** Whom all frames of the batch are for; undefined if there are several, or some are nobody's. */
  private onlyOne(batch: FrameBatch): Watched | undefined {
    const { channel, count } = batch;
    const first = count > 0 ? this.byChannel[channel[0]] : undefined;
    if (first === undefined || first === null) return undefined;
    for (let at = 1; at < count; at++) {
      if (channel[at] !== channel[at - 1] && this.byChannel[channel[at]] !== first)
        return undefined;
    }
    return first;
  }

  private flush(watched: Watched, batch: FrameBatch): void {
    if (watched.frames.count > 0) watched.sequencer.push(watched.frames);
    watched.frames.reset(batch.bytes);
  }

  private watched(channelIndex: number): Watched | null {
    const known = this.byChannel[channelIndex];
    if (known !== undefined) return known;
    const feed = this.feedOf(this.channels.list[channelIndex]);
    let watched: Watched | null = null;
    if (feed !== undefined) {
      watched = this.byFeed.get(feed) ?? {
        sequencer: new Sequencer(feed.framing(), this.channels, { deliver() {} }, NOBODY_READS),
        frames: new FrameBatch(1024),
      };
      this.byFeed.set(feed, watched);
    }
    this.byChannel[channelIndex] = watched;
    return watched;
  }
}
