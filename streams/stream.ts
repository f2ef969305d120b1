/**
 * The state of one stream. No decisions here: `arbiter.ts` makes those inside an epoch, `epochs.ts`
 * those between epochs, and `sequencer.ts` has the fast path for what is simply next.
 *
 * Inside an epoch that has begun: everything below `next` has been delivered or is lost; every
 * number from `next` to `high` is held or in an open gap; without a gap nothing is held, unless the
 * stream stands still (`standing`).
 */
import { RowFlag } from "../feed/message-batch.ts";
import { OpenGaps } from "./gaps.ts";
import type { Held } from "./held.ts";
import type { EpochRow } from "./ledger.ts";
import type { Line } from "./line.ts";
import { Ranges } from "./ranges.ts";
import { Recent } from "./recent.ts";
import type { SnapshotImage } from "./splice-image.ts";
import type { Suspect } from "./suspect.ts";

/** Lost ranges that are remembered, to tell a late copy from a duplicate. */
const LOST_RANGES = 4096;

/** `held`: a gap is open, or a snapshot is waited for. `starting`: the first number of the epoch is not settled yet. */
export type StreamState = "silent" | "starting" | "live" | "held";

export class Stream {
  readonly index: number;
  /** The exchange's stream id. */
  readonly id: number;
  readonly lines: Line[] = [];
  /** By index of the channel. */
  readonly lineOfChannel = new Map<number, Line>();
  /** Stands for answers to requests; made when the first comes. */
  recovery: Line | undefined;

  /** Counted from 0 within this run. */
  epoch = 0;
  /** Index in the framing's `sessions`. */
  session = 0;
  readonly formerSessions: number[] = [];
  begun = false;
  starting = false;
  startDeadlineNs = Number.POSITIVE_INFINITY;
  /** Stands still until a snapshot has come, or its time is over. */
  splicing = false;
  /** What it misses may be in a chunk that is still on its way: verdicts wait so much longer, ns. */
  awaitedNs = 0;
  spliceDeadlineNs = Number.POSITIVE_INFINITY;
  /** A snapshot that is ahead of the lines. */
  image: SnapshotImage | undefined;
  /** Lowest number of the epoch; may move down while `starting`. */
  first = 0;
  next = 0;
  high = -1;
  /** `RowFlag` bits of every row of the stream: lost gap, joined late. */
  flags = 0;
  ended = false;
  /** The operator's clear has its place behind this number; Infinity: there is none to come. */
  clearAfter = Number.POSITIVE_INFINITY;

  /** `next` where a packet that begins there may be delivered without a further look, else NaN. */
  fastNext = Number.NaN;
  /** Numbers came back once: what is next must also be later than the former epoch. */
  guarded = false;

  /** The highest message seen (heartbeats may name higher numbers) and its exchange time; NaN: none. */
  timedNumber = -1;
  highTimeNs = Number.NaN;
  /** Set while that message lies in the batch being pushed, so its time is read only if asked. */
  tailNumber = -1;
  tailOffset = -1;
  tailLength = 0;
  /** Of a restarted stream: time of the former epoch's last message, and of this one's first. */
  formerTimeNs = Number.NaN;
  epochTimeNs = Number.NaN;
  epochTimedNumber = 0;

  readonly gaps = new OpenGaps();
  readonly held: Held;
  readonly lost = new Ranges(LOST_RANGES);
  /** Numbers that nobody has, but whose effect a snapshot brought. */
  readonly covered = new Ranges(LOST_RANGES);
  readonly recent: Recent;
  /** Packets that are believed only when further ones agree. */
  suspects: Suspect[] = [];

  /** Numbers delivered, lost, and those of former epochs among them. */
  delivered = 0;
  lostNumbers = 0;
  coveredNumbers = 0;
  deliveredBefore = 0;
  lostBefore = 0;
  coveredBefore = 0;
  heartbeats = 0;
  /** Heartbeats that named a number of a former epoch, or an impossible one. */
  staleHeartbeats = 0;
  epochRow: EpochRow | undefined;
  /** Its windows have to be looked at when time passes. */
  watched = false;

  constructor(index: number, id: number, held: Held, recentSize: number) {
    this.index = index;
    this.id = id;
    this.held = held;
    this.recent = new Recent(recentSize);
  }

  get state(): StreamState {
    if (!this.begun) return "silent";
    if (this.starting) return "starting";
    return this.gaps.count > 0 || this.splicing ? "held" : "live";
  }

  /** Nothing is delivered: the epoch's start is not settled, or a snapshot is waited for. */
  get standing(): boolean {
    return this.starting || this.splicing;
  }

  /** A gap was lost, or orders from before the start are missing. */
  get isDoubtful(): boolean {
    return (this.flags & (RowFlag.Gap | RowFlag.JoinedLate)) !== 0;
  }

  /** The highest number seen or named by a heartbeat; -1: none. */
  get highWaterMark(): number {
    return this.high;
  }

  /** The last number that the books stand at: everything up to it is delivered or lost. */
  get position(): number {
    return this.next - 1;
  }

  /** Forgets the epoch; the totals stay. */
  reset(): void {
    this.begun = false;
    this.starting = false;
    this.splicing = false;
    this.image = undefined;
    this.first = 0;
    this.next = 0;
    this.high = -1;
    this.flags = 0;
    this.ended = false;
    this.clearAfter = Number.POSITIVE_INFINITY;
    this.fastNext = Number.NaN;
    this.timedNumber = -1;
    this.highTimeNs = Number.NaN;
    this.tailOffset = -1;
    this.gaps.clear();
    this.lost.clear();
    this.covered.clear();
    this.recent.clear();
    this.deliveredBefore = this.delivered;
    this.lostBefore = this.lostNumbers;
    this.coveredBefore = this.coveredNumbers;
    this.epochRow = undefined;
  }
}
