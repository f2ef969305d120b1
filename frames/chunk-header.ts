/**
 * The header of a chunk: what a chunk says of itself, and what can be wrong with a chunk. How a header
 * stands in the bytes: `chunk-header-array.ts`; the check of bytes from elsewhere: `chunk-header-check.ts`.
 */
import type { Channel } from "./channels.ts";

/**
 * What is written. Versions 1 and 2 are read as well: their headers are maps with the fields' names, and
 * version 1 has another checksum of its body.
 */
export const CHUNK_VERSION = 3;
/** A chunk never reaches this size, header included. */
export const CHUNK_BYTES_LIMIT = 1 << 20;
/** An unpacked body never passes this size; it bounds what a hostile chunk makes us allocate. */
export const CHUNK_RAW_BYTES_LIMIT = 8 << 20;
export const CHUNK_FRAMES_LIMIT = 1 << 16;
export const CHUNK_CHANNELS_LIMIT = 1024;
export const CHUNK_HEADER_BYTES_LIMIT = 128 << 10;

/** How a body is laid out before compression: any bytes, or by the feed's layout table. */
export type ChunkCodec = (typeof CHUNK_CODECS)[number];
export const CHUNK_CODECS = ["raw", "columns"] as const;
/**
 * `live`: as the lines brought it. `recovered`, `snapshot`: obtained by request. `clear`: the
 * operator's command, behind what came before it; its one frame is empty and says when.
 */
export type ChunkKind = (typeof CHUNK_KINDS)[number];
export const CHUNK_KINDS = ["live", "recovered", "snapshot", "clear"] as const;
/**
 * Whose clock gave the capture times: the network card's own, the kernel's at receipt, the
 * collector's, or a capture file.
 */
export type ClockSource = (typeof CLOCK_SOURCES)[number];
export const CLOCK_SOURCES = ["hardware", "kernel", "host", "capture"] as const;

export interface ChunkHeader {
  readonly version: number;
  readonly kind: ChunkKind;
  /** Name of the collector, as in its control topic. */
  readonly collector: string;
  /** One life of the collector: when it began, in milliseconds since 1970 UTC. */
  readonly boot: number;
  /** Running number of the chunk within its boot, over all streams, from 1. */
  readonly number: number;
  /** Number of the stream's chunk before this one in the same boot; 0 if this is its first. */
  readonly previous: number;
  /** The oldest number of this boot that the collector could still send again when it packed this. */
  readonly oldest: number;
  readonly feed: string;
  readonly stream: number;
  /** Session of the last numbered packet in it; empty where the feed has none. */
  readonly session: string;
  /** Lowest and highest number in it; both 0 if no frame of it has a number. */
  readonly firstSequence: number;
  readonly lastSequence: number;
  /** Earliest and latest capture time: seconds since 1970 UTC, nanoseconds. */
  readonly firstSec: number;
  readonly firstNsec: number;
  readonly lastSec: number;
  readonly lastNsec: number;
  readonly clock: ClockSource;
  /** The most that the host's clock may have been off, ns; absent: nobody knows. */
  readonly clockDoubtNs?: number;
  /** The channels that its frames refer to by index. */
  readonly channels: readonly Channel[];
  readonly frames: number;
  readonly codec: ChunkCodec;
  /** Name of the dictionary that the body needs; empty: none. */
  readonly dictionary: string;
  /** Bytes of the body before and after compression. */
  readonly rawBytes: number;
  readonly bodyBytes: number;
  /** Of the compressed body: CRC-32; CRC-32C in version 1. */
  readonly checksum: number;
  /**
   * Runs of numbers that each line brought while this chunk was open, copies that were not
   * forwarded included: channel index, first number, last number, and so on.
   */
  readonly runs: readonly number[];
  /** Frames left out because every message of them had been forwarded before. */
  readonly copies: number;
  /** Runs that did not fit in `runs`. */
  readonly runsDropped: number;
  /** How long its collector asks the exchange for what is missing, ns; absent: it does not. */
  readonly repairs?: ChunkRepairs;
  /** Of a snapshot's part: its frames are order records, `lastSequence` is the image's. */
  readonly snapshot?: ChunkSnapshot;
  /** The life of its collector before this one, and how far that came; absent: nothing is kept. */
  readonly former?: ChunkFormer;
  /** Of a clear: the command that it answers, so that whoever gave it knows it again. */
  readonly command?: string;
}

export interface ChunkRepairs {
  /** For messages by request; 0: it has nobody to ask. */
  readonly ticksNs: number;
  /** For a snapshot; 0: it has nobody to ask. */
  readonly snapshotNs: number;
}

export interface ChunkFormer {
  readonly boot: number;
  /** Its chunks that can be sent again. */
  readonly oldest: number;
  readonly newest: number;
}

export interface ChunkSnapshot {
  /** From 1; a snapshot without one of its parts is none. */
  readonly part: number;
  readonly parts: number;
  /** In all parts. */
  readonly orders: number;
}

export const CHUNK_FAULTS = {
  not_a_chunk: "these bytes do not begin with a chunk's mark",
  truncated: "the chunk is cut short",
  too_large: "the chunk is larger than any chunk may be",
  bad_checksum: "the chunk was changed on its way: a checksum does not match",
  bad_version: "the chunk is of a version that this edgebook does not read",
  bad_header: "the chunk's header has a field missing or out of range",
  bad_codec: "the chunk's codec is not known to this edgebook",
  missing_dictionary: "the chunk needs a dictionary that is not here",
  bad_body: "the chunk's body does not hold what its header says",
} as const;
export type ChunkFaultCode = keyof typeof CHUNK_FAULTS;

export class ChunkFault {
  readonly code: ChunkFaultCode;
  /** What exactly, for a log line. */
  readonly detail: string;

  constructor(code: ChunkFaultCode, detail: string) {
    this.code = code;
    this.detail = detail;
  }

  get message(): string {
    return `${CHUNK_FAULTS[this.code]} (${this.detail})`;
  }
}
