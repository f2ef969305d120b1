/**
 * What the centre asks of the edge for streams that it cannot repair itself: ranges of its open gaps
 * (the edge may never have missed them: a chunk can be lost for good), and snapshots of streams that
 * joined late or were left with a lost gap.
 *
 * The edge repairs by itself what its own lines missed, so nothing is asked before a gap is
 * `askAfterNs` old. Only collectors that say in their chunks that they can ask the exchange are
 * asked, each the streams that it carries. Where several carry a stream they are asked in turn, at
 * the pace of one: it may be that only one of them reaches the exchange. Also measures how long a
 * feed took until all its books were valid.
 */
import type { ChunkHeader } from "../frames/chunk-header.ts";
import type { RepairRequest } from "../frames/transport.ts";
import type { Sequencer } from "../streams/sequencer.ts";
import type { Stream } from "../streams/stream.ts";
import { type Offer, Offers } from "./repair-offers.ts";

export interface RepairOptions {
  /** Age of a gap before a range is asked for, ns of capture time. */
  readonly askAfterNs: number;
  /** Between two questions for the ranges of one stream. */
  readonly rangesAgainNs: number;
  /** Between two questions for a snapshot of one stream that waits for it. */
  readonly snapshotAgainNs: number;
  /** Between two attempts to heal a stream that goes on with a lost gap. */
  readonly healAgainNs: number;
}

export const REPAIR_DEFAULTS: RepairOptions = {
  askAfterNs: 300e6,
  rangesAgainNs: 1e9,
  snapshotAgainNs: 5e9,
  healAgainNs: 30e9,
};

/** Ranges in the questions of one turn for one stream. */
const RANGES_AT_ONCE = 16;

/** One stream: who can be asked, and when somebody was asked last, whoever it was. */
class Asking {
  readonly offers = new Offers();
  rangesNs = Number.NEGATIVE_INFINITY;
  snapshotNs = Number.NEGATIVE_INFINITY;
  healNs = Number.NEGATIVE_INFINITY;
}

export class Repairs {
  rangesAsked = 0;
  snapshotsAsked = 0;
  /** From the feed's first chunk until each stream's books had been valid once, ns; NaN: not yet. */
  validAfterNs = Number.NaN;
  private readonly feed: string;
  private readonly sequencer: Sequencer;
  private readonly ask: (collector: string, request: RepairRequest) => void;
  private readonly options: RepairOptions;
  /** By the exchange's stream id. */
  private readonly askings = new Map<number, Asking>();
  private sinceNs = Number.NaN;
  /** Streams whose books were valid once, by index. */
  private readonly wereValid = new Set<number>();

  constructor(
    feed: string,
    sequencer: Sequencer,
    ask: (collector: string, request: RepairRequest) => void,
    options: Partial<RepairOptions> = {},
  ) {
    this.feed = feed;
    this.sequencer = sequencer;
    this.ask = ask;
    this.options = { ...REPAIR_DEFAULTS, ...options };
  }

  /** A chunk is about to be taken: its collector may be one that can ask. */
  heard({ collector, stream, repairs }: ChunkHeader, nowNs: number): void {
    if (Number.isNaN(this.sinceNs)) this.sinceNs = nowNs;
    if (repairs === undefined) {
      this.askings.get(stream)?.offers.withdraw(collector);
      return;
    }
    let asking = this.askings.get(stream);
    if (asking === undefined) {
      asking = new Asking();
      this.askings.set(stream, asking);
    }
    const isNew = asking.offers.hear(collector, repairs, nowNs);
    if (isNew) this.sequencer.expectRepairs(repairs.ticksNs, repairs.snapshotNs);
  }

  /** @param nowNs any clock that goes on; ages of gaps are measured in capture time */
  advance(nowNs: number): void {
    for (const stream of this.sequencer.streams) {
      const asking = this.askings.get(stream.id);
      if (asking !== undefined) this.repair(stream, asking, nowNs);
      if (stream.state === "live" && !stream.isDoubtful) this.wereValid.add(stream.index);
    }
    const all = this.sequencer.streams.length;
    if (!Number.isNaN(this.validAfterNs) || all === 0 || this.wereValid.size < all) return;
    this.validAfterNs = nowNs - this.sinceNs;
  }

  private repair(stream: Stream, asking: Asking, nowNs: number): void {
    if (!stream.begun || stream.starting) return;
    const { ticksNs, snapshotNs } = asking.offers;
    const ageNs =
      stream.gaps.count === 0 ? 0 : this.sequencer.nowNs - stream.gaps.list[0].detectedNs;
    const hasTicks = ticksNs > 0 && ageNs <= ticksNs;
    if (hasTicks && ageNs >= this.options.askAfterNs) this.askRanges(stream, asking, nowNs);
    if (snapshotNs === 0) return;
    if (stream.gaps.count > 0) {
      const last = stream.gaps.list[stream.gaps.count - 1].to;
      if (ageNs >= this.options.askAfterNs && !hasTicks) this.wish(stream, asking, last, nowNs);
    } else if (stream.splicing) {
      // Nothing delivered yet: an older image will do, since what follows it can be asked for.
      const isFresh = stream.next === stream.first && ticksNs > 0;
      this.wish(stream, asking, isFresh ? 0 : stream.position, nowNs);
    } else if (stream.isDoubtful && nowNs - asking.healNs >= this.options.healAgainNs) {
      asking.healNs = nowNs;
      this.sequencer.awaitSnapshot(stream.index);
    }
  }

  private askRanges(stream: Stream, asking: Asking, nowNs: number): void {
    if (nowNs - asking.rangesNs < this.options.rangesAgainNs) return;
    asking.rangesNs = nowNs;
    const whom: Offer = asking.offers.next("ticksNs", nowNs);
    for (const { from, to } of stream.gaps.list.slice(0, RANGES_AT_ONCE)) {
      this.rangesAsked++;
      this.ask(whom.collector, { ask: "range", feed: this.feed, stream: stream.id, from, to });
    }
  }

  private wish(stream: Stream, asking: Asking, atLeast: number, nowNs: number): void {
    if (stream.image !== undefined) return;
    if (nowNs - asking.snapshotNs < this.options.snapshotAgainNs) return;
    asking.snapshotNs = nowNs;
    this.snapshotsAsked++;
    const { collector } = asking.offers.next("snapshotNs", nowNs);
    this.ask(collector, { ask: "snapshot", feed: this.feed, stream: stream.id, atLeast });
  }
}
