/**
 * Gaps as records among what a client is sent: once when one opens, once when it closes. A gap that is
 * lost is told before any row behind it. One that a line filled before anybody was told of it is
 * told of by nobody: the ledger (`/v1/gaps`) has it.
 */
import { gapJson } from "../streams/certificate-gaps.ts";
import type { GapRow } from "../streams/ledger.ts";
import type { LiveFeed } from "./live.ts";

/** In one look; the ledger has the rest. */
const TOLD_LIMIT = 100;

interface Range {
  readonly from: number;
  readonly to: number;
}

export class GapWatch {
  private readonly feed: LiveFeed;
  private readonly index: number;
  private epoch = 0;
  /** Ranges that were told of as held. */
  private told: Range[] = [];
  private lostSeen: number;
  private repairedSeen: number;

  /** @param index of the stream in its feed's sequencer */
  constructor(feed: LiveFeed, index: number) {
    this.feed = feed;
    this.index = index;
    const { lost, repaired } = feed.pipeline.sequencer.ledger;
    this.lostSeen = lost.total;
    this.repairedSeen = repaired.total;
  }

  /** What is new since the last look, as messages. */
  news(): object[] {
    const { lost, repaired } = this.feed.pipeline.sequencer.ledger;
    const stream = this.feed.pipeline.sequencer.streams[this.index];
    const found: GapRow[] = [];
    if (lost.total !== this.lostSeen) {
      const fresh = lost.list().slice(-(lost.total - this.lostSeen));
      this.lostSeen = lost.total;
      found.push(...fresh.filter((row) => row.stream === stream.id));
    }
    if (repaired.total !== this.repairedSeen) {
      // The list is long where lines are lossy: looked through only if it can matter.
      if (this.told.length > 0) {
        const fresh = repaired.list().slice(-(repaired.total - this.repairedSeen));
        found.push(...fresh.filter((row) => row.stream === stream.id && this.wasTold(row)));
      }
      this.repairedSeen = repaired.total;
    }
    if (stream.epoch !== this.epoch || stream.gaps.count === 0) this.told = [];
    this.epoch = stream.epoch;
    for (const { from, to, detectedNs } of stream.gaps.list) {
      if (found.length >= TOLD_LIMIT) break;
      if (this.wasTold({ from, to })) continue;
      this.told.push({ from, to });
      const held = { closedNs: Number.NaN, state: "held", cause: "unknown", end: null } as const;
      const { id, epoch } = stream;
      found.push({ stream: id, epoch, from, to, detectedNs, ...held, repairedBy: null });
    }
    const id = this.feed.feed.id;
    return found.slice(0, TOLD_LIMIT).map((row) => ({ type: "gap", ...gapJson(id, row) }));
  }

  private wasTold({ from, to }: Range): boolean {
    return this.told.some((range) => range.from <= from && to <= range.to);
  }
}
