/**
 * What the readers of pcap and of pcapng have in common: they are given the file block by block
 * and asked for batches of frames until the block is used up. Pulling, so that a slow consumer
 * holds the file back and no queue stands between.
 */
import type { CaptureCounters } from "./capture-counters.ts";
import type { FrameBatch } from "./frame-batch.ts";

/** A captured packet longer than this is damage, as it is for libpcap and Wireshark. */
export const MAX_PACKET_BYTES = 262_144;

export interface CaptureReader {
  readonly counters: CaptureCounters;
  /**
   * Where reading could begin again, in bytes of all that was pushed: the record behind those that
   * were read. Known when `next` has said false.
   */
  readonly nextRecordAt: number;
  /** Start and length of what must be pushed before the bytes from there: headers in force. */
  readonly preamble: readonly (readonly [at: number, bytes: number])[];
  /** Gives the next block of the file. Call `next` until it says false before the one after. */
  push(block: Uint8Array): void;
  /**
   * Fills the batch from its start; false when the block holds no further frame. The batch lies
   * over the block, or over the reader's own buffer, and is valid until the next call here.
   */
  next(batch: FrameBatch): boolean;
  /** The file is at its end: a packet that is not whole is counted as a truncation. */
  end(): void;
}
