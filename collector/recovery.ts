/**
 * Recovery of one feed at the edge, the only place that can reach the exchange.
 *
 *   LineWatch's gaps ─┐                        ┌─► its sequencer, and a chunk `recovered`
 *   the centre's      ├─► RecoveryScheduler ───┤
 *   questions         │        │ given up      └─ ticks cannot be had
 *                     └────────┴─► SnapshotScheduler ──► chunks `snapshot`, a part each turn
 *
 * A core: an edge (`recovery-sockets.ts`) or a simulator carries out what `connections` wants and
 * calls `advance`. All times are ns since 1970 on the clock of the capture times. What the centre
 * asks for is bounded, checked against what was fetched just now, and forgotten when it grows old.
 */
import type { Feed } from "../feed/feed.ts";
import type { RecoveryLimits, RecoveryProtocol } from "../feed/recovery.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import type { RepairRequest } from "../frames/transport.ts";
import { type Missing, RecoveryScheduler, type RecoverySink } from "../streams/recovery.ts";
import { Connections } from "../streams/recovery-connections.ts";
import { RECOVERY_POLICY, type RecoveryPolicy } from "../streams/recovery-policy.ts";
import { SnapshotScheduler, type SnapshotSink } from "../streams/recovery-snapshots.ts";
import type { Sequencer } from "../streams/sequencer.ts";
import { newestTime } from "../streams/splice-image.ts";
import type { Stream } from "../streams/stream.ts";
import type { CollectorCore } from "./core.ts";
import { AskedRanges } from "./recovery-asked.ts";
import { SnapshotParts } from "./recovery-parts.ts";
import type { LineWatch } from "./watch.ts";

export interface EdgeRecoveryOptions {
  /** Somebody answers requests for messages. */
  readonly ticks: boolean;
  /** Somebody answers requests for snapshots. */
  readonly snapshots: boolean;
  readonly policy?: Partial<RecoveryPolicy>;
  /** The exchange's limits where they differ from the protocol's. */
  readonly limits?: Partial<RecoveryLimits>;
}

/** What a collector with such options tells the centre. */
export function repairsOf(options: EdgeRecoveryOptions): { ticksNs: number; snapshotNs: number } {
  const { ticksNs, snapshotNs } = { ...RECOVERY_POLICY, ...options.policy };
  return { ticksNs: options.ticks ? ticksNs : 0, snapshotNs: options.snapshots ? snapshotNs : 0 };
}

/** An epoch that no stream has. */
const UNKNOWN_EPOCH = -1;

export class EdgeRecovery implements RecoverySink, SnapshotSink {
  readonly connections = new Connections();
  readonly ticks: RecoveryScheduler | undefined;
  readonly snapshots: SnapshotScheduler | undefined;
  readonly feed: Feed;
  private readonly protocol: RecoveryProtocol;
  private readonly watch: LineWatch;
  private readonly core: CollectorCore;
  private readonly asked: AskedRanges;
  private readonly parts = new SnapshotParts();
  private readonly ticksNs: number;
  private sequencer: Sequencer | undefined;
  private nowNs = 0;

  /** @throws RangeError for a feed whose exchange offers nothing of the kind */
  constructor(feed: Feed, watch: LineWatch, core: CollectorCore, options: EdgeRecoveryOptions) {
    const protocol = feed.recovery;
    if (protocol === undefined) throw new RangeError(`${feed.id} has no recovery`);
    this.feed = feed;
    this.protocol = protocol;
    this.watch = watch;
    this.core = core;
    const policy = { ...RECOVERY_POLICY, ...options.policy };
    this.ticksNs = policy.ticksNs;
    this.asked = new AskedRanges(policy.ticksNs);
    const { connections } = this;
    if (options.ticks) {
      this.ticks = new RecoveryScheduler(protocol, connections, this, policy, options.limits);
    }
    if (options.snapshots && protocol.snapshots !== undefined) {
      const spacingNs = options.limits?.spacingNs ?? protocol.limits.spacingNs;
      const { snapshots } = protocol;
      this.snapshots = new SnapshotScheduler(snapshots, connections, this, policy, spacingNs);
    }
  }

  /** Asks for what is due, gives up what took too long, sends the next part of a snapshot. */
  advance(nowNs: number): void {
    this.nowNs = nowNs;
    if (this.sequencer === undefined) {
      this.sequencer = this.watch.sequencerOf(this.feed.id);
      if (this.sequencer === undefined) return;
      this.sequencer.expectRepairs(this.ticks === undefined ? 0 : this.ticksNs, 0);
    }
    this.ticks?.plan(this.missing(this.sequencer), nowNs);
    this.snapshots?.advance(nowNs);
    this.parts.send(this.core, (stream) => this.epochOf(stream));
  }

  /** The centre's question; of another feed it is not ours. */
  request(request: RepairRequest, nowNs: number): void {
    if (request.feed !== this.feed.id || request.ask === "clear") return;
    const { stream } = request;
    if (request.ask === "snapshot") this.snapshots?.want(stream, request.atLeast, nowNs);
    else if (this.ticks !== undefined) {
      this.asked.add({ stream, from: request.from, to: request.to, sinceNs: nowNs });
    } else this.snapshots?.want(stream, request.to, nowNs);
  }

  epochOf(stream: number): number {
    return this.streamOf(stream)?.epoch ?? UNKNOWN_EPOCH;
  }

  recovered(stream: number, epoch: number, frames: FrameBatch, first: number, last: number): void {
    const index = this.sequencer?.indexOf(stream) ?? -1;
    if (index >= 0) this.sequencer?.recover(frames, index, epoch);
    this.asked.obtained(stream, first, last, this.nowNs);
    this.core.recovered(this.feed.id, stream, frames, first, last);
  }

  givenUp({ stream, from, to }: Missing): void {
    this.asked.drop(stream, from, to);
    this.snapshots?.want(stream, to, this.nowNs);
  }

  snapshot(stream: number, epoch: number, lastSequence: number, records: Uint8Array): boolean {
    const { snapshots } = this.protocol;
    const own = this.streamOf(stream);
    if (snapshots === undefined) return false;
    const newestNs = newestTime(snapshots, records);
    if (own !== undefined && !this.sequencer?.mayBeOfThisEpoch(own, lastSequence, newestNs)) {
      return false;
    }
    const channel = this.channelOf(own);
    const feed = this.feed.id;
    const { nowNs: atNs } = this;
    const { recordBytes } = snapshots;
    this.parts.add({ feed, stream, epoch, lastSequence, records, recordBytes, channel, atNs });
    return true;
  }

  private *missing(sequencer: Sequencer): Generator<Missing> {
    this.asked.forget(this.nowNs);
    for (const stream of sequencer.streams) {
      const asked = this.asked.of(stream.id);
      if (!stream.begun || (stream.gaps.count === 0 && asked.length === 0)) continue;
      const session = sequencer.sessionOf(stream);
      const { id, epoch } = stream;
      const named = { stream: id, epoch, session, channel: this.channelOf(stream) };
      const ranges = [...stream.gaps.list.map(rangeOf), ...outside(asked, stream)];
      ranges.sort((a, b) => a.from - b.from);
      for (const range of ranges) yield { ...named, ...range };
    }
  }

  private streamOf(id: number): Stream | undefined {
    return this.sequencer?.streams[this.sequencer.indexOf(id)];
  }

  private channelOf(stream: Stream | undefined): number {
    return stream?.lineOfChannel.keys().next().value ?? 0;
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
  readonly sinceNs: number;
}

const rangeOf = (gap: { from: number; to: number; detectedNs: number }): Range => ({
  from: gap.from,
  to: gap.to,
  sinceNs: gap.detectedNs,
});

/** The parts of the asked ranges that are not in the stream's own gaps. */
function outside(asked: readonly Range[], stream: Stream): Range[] {
  let parts = [...asked];
  for (const gap of stream.gaps.list) {
    parts = parts.flatMap(({ from, to, sinceNs }) => {
      if (from > gap.to || to < gap.from) return [{ from, to, sinceNs }];
      const rest: Range[] = [];
      if (from < gap.from) rest.push({ from, to: gap.from - 1, sinceNs });
      if (to > gap.to) rest.push({ from: gap.to + 1, to, sinceNs });
      return rest;
    });
  }
  return parts;
}
