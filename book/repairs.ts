/**
 * What the centre asks of the edge for streams that it cannot repair itself: ranges of its open gaps
 * (the edge may never have missed them: a chunk can be lost for good), and snapshots of streams that
 * joined late or were left with a lost gap.
 *
 * The edge repairs by itself what its own lines missed, so nothing is asked before a gap is
 * `askAfterNs` old. Only collectors that say in their chunks that they can ask the exchange are
 * asked, each the streams that it carries. Also measures how long a feed took until all its books
 * were valid.
 */
import type { ChunkHeader } from "../frames/chunk-header.ts";
import type { RepairRequest } from "../frames/transport.ts";
import type { Sequencer } from "../streams/sequencer.ts";
import type { Stream } from "../streams/stream.ts";

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

interface Offer {
  readonly collector: string;
  readonly ticksNs: number;
  readonly snapshotNs: number;
  rangesNs: number;
  snapshotNsAsked: number;
  healNs: number;
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
  private readonly offers = new Map<number, Offer>();
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
    if (repairs === undefined) return;
    if (this.offers.get(stream)?.collector === collector) return;
    const { ticksNs, snapshotNs } = repairs;
    const never = Number.NEGATIVE_INFINITY;
    const asked = { rangesNs: never, snapshotNsAsked: never, healNs: never };
    this.offers.set(stream, { collector, ticksNs, snapshotNs, ...asked });
    this.sequencer.expectRepairs(ticksNs, snapshotNs);
  }

  /** @param nowNs any clock that goes on; ages of gaps are measured in capture time */
  advance(nowNs: number): void {
    for (const stream of this.sequencer.streams) {
      const offer = this.offers.get(stream.id);
      if (offer !== undefined) this.repair(stream, offer, nowNs);
      if (stream.state === "live" && !stream.isDoubtful) this.wereValid.add(stream.index);
    }
    const all = this.sequencer.streams.length;
    if (!Number.isNaN(this.validAfterNs) || all === 0 || this.wereValid.size < all) return;
    this.validAfterNs = nowNs - this.sinceNs;
  }

  private repair(stream: Stream, offer: Offer, nowNs: number): void {
    if (!stream.begun || stream.starting) return;
    const ageNs =
      stream.gaps.count === 0 ? 0 : this.sequencer.nowNs - stream.gaps.list[0].detectedNs;
    const hasTicks = offer.ticksNs > 0 && ageNs <= offer.ticksNs;
    if (hasTicks && ageNs >= this.options.askAfterNs) this.askRanges(stream, offer, nowNs);
    if (offer.snapshotNs === 0) return;
    if (stream.gaps.count > 0) {
      const last = stream.gaps.list[stream.gaps.count - 1].to;
      if (ageNs >= this.options.askAfterNs && !hasTicks) this.wish(stream, offer, last, nowNs);
    } else if (stream.splicing) {
      // Nothing delivered yet: an older image will do, since what follows it can be asked for.
      const isFresh = stream.next === stream.first && offer.ticksNs > 0;
      this.wish(stream, offer, isFresh ? 0 : stream.position, nowNs);
    } else if (stream.isDoubtful && nowNs - offer.healNs >= this.options.healAgainNs) {
      offer.healNs = nowNs;
      this.sequencer.awaitSnapshot(stream.index);
    }
  }

  private askRanges(stream: Stream, offer: Offer, nowNs: number): void {
    if (nowNs - offer.rangesNs < this.options.rangesAgainNs) return;
    offer.rangesNs = nowNs;
    for (const { from, to } of stream.gaps.list.slice(0, RANGES_AT_ONCE)) {
      this.rangesAsked++;
      this.ask(offer.collector, { ask: "range", feed: this.feed, stream: stream.id, from, to });
    }
  }

  private wish(stream: Stream, offer: Offer, atLeast: number, nowNs: number): void {
    if (stream.image !== undefined) return;
    if (nowNs - offer.snapshotNsAsked < this.options.snapshotAgainNs) return;
    offer.snapshotNsAsked = nowNs;
    this.snapshotsAsked++;
    const { feed } = this;
    this.ask(offer.collector, { ask: "snapshot", feed, stream: stream.id, atLeast });
  }
}
