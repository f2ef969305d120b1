/**
 * Bytes that were set aside: every reason is counted, the newest samples are kept to be looked at.
 * Worst case: 64 samples of 64 bytes.
 */
import { Bounded } from "./bounded.ts";

export type Reason =
  | "truncated"
  | "bad_length"
  | "unknown_type"
  | "wrong_protocol"
  | "bad_sequence"
  | "trailing_bytes"
  /** The packet names another stream than its channel carries. */
  | "wrong_stream"
  /** More numbers than the datagram has bytes. */
  | "bad_count"
  | "too_many_streams"
  /** A number far ahead that no further frame confirmed. */
  | "wild_number"
  /** A session that no further frame confirmed. */
  | "unconfirmed_session";

export interface Sample {
  readonly reason: Reason;
  /** Datagrams counted from 0 since the sequencer began. */
  readonly frame: number;
  readonly sec: number;
  readonly nsec: number;
  readonly channel: number;
  /** The datagram's first bytes, at most 64. */
  readonly head: Uint8Array;
}

const SAMPLES = 64;
const HEAD_BYTES = 64;

export class Quarantine {
  /** Datagrams (or packets) by reason. */
  readonly counts = new Map<Reason, number>();
  private readonly kept = new Bounded<Sample>(SAMPLES);

  get samples(): Sample[] {
    return this.kept.list();
  }

  get total(): number {
    let sum = 0;
    for (const count of this.counts.values()) sum += count;
    return sum;
  }

  add(
    reason: Reason,
    frame: number,
    sec: number,
    nsec: number,
    channel: number,
    bytes: Uint8Array,
    offset: number,
    length: number,
  ): void {
    const seen = this.counts.get(reason) ?? 0;
    this.counts.set(reason, seen + 1);
    // A flood of one kind must not push out the few of another, nor cost an object each.
    if (seen >= SAMPLES && seen % 1024 !== 0) return;
    const head = bytes.slice(offset, offset + Math.min(length, HEAD_BYTES));
    this.kept.add({ reason, frame, sec, nsec, channel, head });
  }
}
