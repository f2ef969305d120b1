/**
 * The header of a chunk: what a chunk says of itself, and the check that bytes from elsewhere
 * really say it. A header that does not pass is a `ChunkFault`, never an exception.
 */
import type { Channel } from "./channels.ts";

/** What is written. Version 1 differs in the checksum of its body and is read as well. */
export const CHUNK_VERSION = 2;
const OLDEST_VERSION = 1;
/** A chunk never reaches this size, header included. */
export const CHUNK_BYTES_LIMIT = 1 << 20;
/** An unpacked body never passes this size; it bounds what a hostile chunk makes us allocate. */
export const CHUNK_RAW_BYTES_LIMIT = 8 << 20;
export const CHUNK_FRAMES_LIMIT = 1 << 16;
export const CHUNK_CHANNELS_LIMIT = 1024;
export const CHUNK_HEADER_BYTES_LIMIT = 128 << 10;

/** How a body is laid out before compression: any bytes, or by the feed's layout table. */
export type ChunkCodec = "raw" | "columns";
/**
 * `live`: as the lines brought it. `recovered`, `snapshot`: obtained by request. `clear`: the
 * operator's command, behind what came before it; its one frame is empty and says when.
 */
export type ChunkKind = "live" | "recovered" | "snapshot" | "clear";
/**
 * Whose clock gave the capture times: the network card's own, the kernel's at receipt, the
 * collector's, or a capture file.
 */
export type ClockSource = "hardware" | "kernel" | "host" | "capture";

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

type Check = (value: unknown) => boolean;

const whole =
  (max: number): Check =>
  (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max;
const text =
  (max: number): Check =>
  (value) =>
    typeof value === "string" && value.length <= max;
const oneOf =
  (...allowed: unknown[]): Check =>
  (value) =>
    allowed.includes(value);
const word = whole(0xffffffff);
const counter = whole(Number.MAX_SAFE_INTEGER);

const CHECKS: Record<keyof Required<ChunkHeader>, Check> = {
  version: word,
  kind: oneOf("live", "recovered", "snapshot", "clear"),
  collector: text(128),
  boot: counter,
  number: counter,
  previous: counter,
  oldest: counter,
  feed: text(64),
  stream: whole(0x7fffffff),
  session: text(64),
  firstSequence: counter,
  lastSequence: counter,
  firstSec: word,
  firstNsec: word,
  lastSec: word,
  lastNsec: word,
  clock: oneOf("hardware", "kernel", "host", "capture"),
  clockDoubtNs: (value) => value === undefined || counter(value),
  channels: (value) =>
    Array.isArray(value) && value.length <= CHUNK_CHANNELS_LIMIT && value.every(isChannel),
  frames: whole(CHUNK_FRAMES_LIMIT),
  codec: text(16),
  dictionary: text(128),
  rawBytes: whole(CHUNK_RAW_BYTES_LIMIT),
  bodyBytes: whole(CHUNK_BYTES_LIMIT),
  checksum: word,
  runs: (value) => Array.isArray(value) && value.length % 3 === 0 && value.every(counter),
  copies: counter,
  runsDropped: counter,
  repairs: (value) => value === undefined || hasCounters(value, "ticksNs", "snapshotNs"),
  snapshot: (value) => value === undefined || hasCounters(value, "part", "parts", "orders"),
  former: (value) => value === undefined || hasCounters(value, "boot", "oldest", "newest"),
  command: (value) => value === undefined || text(64)(value),
};
const NAMES = Object.keys(CHECKS) as (keyof ChunkHeader)[];

/** The header that a decoded MessagePack value is, or what is wrong with it. */
export function checkHeader(value: unknown): ChunkHeader | ChunkFault {
  if (typeof value !== "object" || value === null) {
    return new ChunkFault("bad_header", "it is not a map");
  }
  const fields = value as Record<string, unknown>;
  if (fields.version !== CHUNK_VERSION && fields.version !== OLDEST_VERSION) {
    return new ChunkFault("bad_version", `version ${String(fields.version).slice(0, 20)}`);
  }
  for (const name of NAMES) {
    if (!CHECKS[name](fields[name])) return new ChunkFault("bad_header", `field ${name}`);
  }
  const header = value as ChunkHeader;
  if (header.codec !== "raw" && header.codec !== "columns")
    return new ChunkFault("bad_codec", `codec ${header.codec}`);
  if (header.dictionary !== "") {
    return new ChunkFault("missing_dictionary", `dictionary ${header.dictionary}`);
  }
  return header;
}

function hasCounters(value: unknown, ...names: string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Record<string, unknown>;
  return names.every((name) => counter(fields[name]));
}

function isChannel(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const channel = value as Record<string, unknown>;
  return (
    text(64)(channel.group) &&
    whole(0xffff)(channel.port) &&
    text(64)(channel.feed) &&
    whole(0x7fffffff)(channel.stream) &&
    (channel.line === -1 || whole(0xff)(channel.line)) &&
    (channel.sequenceField === undefined || isSequenceField(channel.sequenceField))
  );
}

function isSequenceField(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const field = value as Record<string, unknown>;
  if (!whole(0xffff)(field.offset) || !oneOf(1, 2, 4, 8)(field.width)) return false;
  if (typeof field.littleEndian !== "boolean") return false;
  if (field.count === undefined) return true;
  if (typeof field.count !== "object" || field.count === null) return false;
  const count = field.count as Record<string, unknown>;
  return whole(0xffff)(count.offset) && oneOf(1, 2, 4, 8)(count.width);
}
