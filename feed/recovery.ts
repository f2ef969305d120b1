/**
 * What a feed offers to those who missed something: messages by request, and a snapshot of all live
 * orders. Bytes only; who connects, waits and counts is `streams/recovery.ts`, and sockets are
 * further out.
 */

/** The exchange's rules, kept by the scheduler. */
export interface RecoveryLimits {
  /** Messages that one request may ask for. */
  readonly messagesPerRequest: number;
  /** Connections (or questions under way) at the same time. */
  readonly connections: number;
  /** Least time between two connects, and between two requests, ns. */
  readonly spacingNs: number;
  /** The request must follow its connect within this, ns. */
  readonly requestWithinNs: number;
}

/** `more`: not all yet. `refused`: the exchange says no. `wrong`: this answers something else. */
export type ReplyState = "more" | "done" | "refused" | "wrong";

/** Takes each message that an answer holds, as the datagram it would have been on a line. */
export type TakeFrame = (bytes: Uint8Array, offset: number, length: number) => void;

/** One answer as it comes in. It checks every message against what was asked. */
export interface RecoveryReply {
  /** The number that is to come next. */
  readonly next: number;
  /** Takes bytes in any pieces (of UDP: one datagram); hands on what is whole, asked for, and next. */
  push(bytes: Uint8Array, take: TakeFrame): ReplyState;
}

export interface RecoveryProtocol {
  readonly transport: "tcp" | "udp";
  readonly limits: RecoveryLimits;
  /**
   * An unfinished answer counts as ended when nothing has come for so long, ns: servers that answer
   * in one packet what fits. Absent: its end is the connection's.
   */
  readonly quietNs?: number;
  /** Asks for numbers `first` to `last`, both included, of a stream (and session). */
  request(stream: number, session: string, first: number, last: number): Uint8Array;
  reply(stream: number, session: string, first: number, last: number): RecoveryReply;
  readonly snapshots?: SnapshotProtocol;
}

/** A snapshot as its bytes came in. */
export interface SnapshotReply {
  /** All that must be there, header and records, once the header is known; else 0. */
  readonly bytesExpected: number;
  /** `done`: `records` holds the whole image. */
  push(bytes: Uint8Array): ReplyState;
  /** Last number whose effect the image contains. */
  readonly lastSequence: number;
  /** The records one behind the other. */
  readonly records: Uint8Array;
}

export interface SnapshotProtocol {
  readonly recordBytes: number;
  /** An image of more bytes is refused. */
  readonly bytesLimit: number;
  request(stream: number): Uint8Array;
  reply(stream: number): SnapshotReply;
  /** Negative, 0 or positive: the order in which two records most likely stand in a queue. */
  compare(view: DataView, a: number, b: number): number;
  /** Time of a record as `Framing.messageTime` gives it for a message. */
  recordTime(view: DataView, at: number): number;
}
