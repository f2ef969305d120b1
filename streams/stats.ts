/** What a sequencer counted, as plain objects: for `--stats`, metrics, screens. Made on demand. */
import type { Framing } from "../feed/feed.ts";
import type { Ledger, LineAccount } from "./ledger.ts";
import type { Line } from "./line.ts";
import type { Quarantine } from "./quarantine.ts";
import type { Stream, StreamState } from "./stream.ts";

/** Of all epochs. */
export interface LineStats extends LineAccount {
  readonly name: string;
}

export interface StreamStats {
  readonly index: number;
  /** The exchange's stream id. */
  readonly stream: number;
  readonly epoch: number;
  readonly session: string;
  readonly state: StreamState;
  /** First number of the epoch. */
  readonly first: number;
  /** Highest number seen or named; -1: none. */
  readonly highWaterMark: number;
  /** Everything up to it is delivered or lost: where the books stand. */
  readonly position: number;
  readonly messages: number;
  readonly lost: number;
  /** Numbers whose messages nobody has, but whose effect a snapshot brought. */
  readonly covered: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly late: number;
  readonly heartbeats: number;
  readonly openGaps: number;
  /** Numbers missing in the open gaps. */
  readonly missing: number;
  readonly heldMessages: number;
  readonly heldBytes: number;
  /** `RowFlag` bits of every row of the stream. */
  readonly flags: number;
  /** The exchange has said that the session is over. */
  readonly ended: boolean;
  readonly lines: readonly LineStats[];
}

export interface SequencerStats {
  /** Datagrams pushed. */
  readonly frames: number;
  /** Payload bytes of those. */
  readonly bytes: number;
  /** Runs of messages and heartbeats found in them. */
  readonly packets: number;
  /** Each sequence number once: delivered. */
  readonly messages: number;
  /** Messages seen again, byte for byte. */
  readonly duplicates: number;
  /** Messages seen again with other bytes. */
  readonly conflicts: number;
  /** Messages of a former epoch, or of a gap that was lost already. */
  readonly late: number;
  /** Ranges missing after arbitration between the lines. */
  readonly gaps: number;
  /** Numbers missing for good after the first of an epoch. */
  readonly lost: number;
  /** Numbers obtained by request. */
  readonly recovered: number;
  readonly heartbeats: number;
  readonly staleHeartbeats: number;
  /** Messages whose stream was not their channel's. */
  readonly wrongStream: number;
  /** Epochs that began after the first of their stream. */
  readonly restarts: number;
  /** Capture times that were not believed. */
  readonly doubtfulTimes: number;
  /** Memory taken for held messages, bytes. */
  readonly heldMemoryBytes: number;
  /** Set aside, by reason. */
  readonly quarantined: Readonly<Record<string, number>>;
  readonly streams: readonly StreamStats[];
}

/** The counts that the sequencer keeps itself. */
export interface RunCounts {
  readonly frames: number;
  readonly bytes: number;
  readonly packets: number;
  readonly wrongStream: number;
  readonly doubtfulTimes: number;
  readonly heldMemoryBytes: number;
}

export function statsOf(
  counts: RunCounts,
  streams: readonly Stream[],
  framing: Framing,
  ledger: Ledger,
  quarantine: Quarantine,
): SequencerStats {
  const each = streams.map((stream) => streamStats(stream, framing));
  return {
    ...counts,
    messages: sum(each, (stream) => stream.messages),
    duplicates: sum(each, (stream) => stream.duplicates),
    conflicts: sum(each, (stream) => stream.conflicts),
    late: sum(each, (stream) => stream.late),
    gaps: ledger.lostRanges + ledger.recoveredRanges,
    lost: ledger.lostNumbers,
    recovered: ledger.recoveredNumbers,
    heartbeats: sum(each, (stream) => stream.heartbeats),
    staleHeartbeats: sum(streams, (stream) => stream.staleHeartbeats),
    restarts: sum(streams, (stream) => stream.epoch),
    quarantined: Object.fromEntries(quarantine.counts),
    streams: each,
  };
}

function streamStats(stream: Stream, framing: Framing): StreamStats {
  const all = stream.recovery === undefined ? stream.lines : [...stream.lines, stream.recovery];
  return {
    index: stream.index,
    stream: stream.id,
    epoch: stream.epoch,
    session: framing.sessions[stream.session] ?? "",
    state: stream.state,
    first: stream.first,
    highWaterMark: stream.high,
    position: stream.position,
    messages: stream.delivered,
    lost: stream.lostNumbers,
    covered: stream.coveredNumbers,
    duplicates: sum(all, (line) => line.duplicates),
    conflicts: sum(all, (line) => line.conflicts),
    late: sum(all, (line) => line.late),
    heartbeats: stream.heartbeats,
    openGaps: stream.gaps.count,
    missing: stream.gaps.numbers,
    heldMessages: stream.held.count,
    heldBytes: stream.held.liveBytes,
    flags: stream.flags,
    ended: stream.ended,
    lines: stream.lines.map(lineStats),
  };
}

function lineStats(line: Line): LineStats {
  return {
    line: line.index,
    name: line.name,
    packets: line.packets,
    messages: line.messages,
    firstArrivals: line.firstArrivals,
    duplicates: line.duplicates,
    conflicts: line.conflicts,
    late: line.late,
    loss: line.loss,
    leadMeanNs: line.leadMeanNs,
    leadMaxNs: line.leadMaxNs,
  };
}

function sum<Row>(rows: readonly Row[], of: (row: Row) => number): number {
  let total = 0;
  for (const row of rows) total += of(row);
  return total;
}
