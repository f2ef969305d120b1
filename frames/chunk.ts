/**
 * The chunk: a compressed batch of frames, the one unit of transport, spool, archive and replay.
 *
 *     "EBCH"   4 bytes
 *     u32 LE   bytes of the header
 *     u32 LE   CRC-32C of the header
 *     header   MessagePack array, see `chunk-header-array.ts`
 *     body     zstd of what `chunk-raw.ts` or `chunk-columns.ts` lays out
 *
 * A file is chunks one after another. A chunk needs no other chunk, but a small one may need the
 * dictionary that its header names. It stays under 1 MiB; any byte of it that changes is found by one of
 * the two checksums. Worst case of reading a hostile chunk: `CHUNK_RAW_BYTES_LIMIT` bytes allocated, then
 * a `ChunkFault`.
 */
import { decode } from "@msgpack/msgpack";
import { bodyChecksum } from "./body-checksum.ts";
import type { Channels } from "./channels.ts";
import { BodyPacker, BodyUnpacker } from "./chunk-body.ts";
import { crc32c } from "./chunk-checksum.ts";
import {
  CHUNK_BYTES_LIMIT,
  CHUNK_FRAMES_LIMIT,
  CHUNK_HEADER_BYTES_LIMIT,
  CHUNK_VERSION,
  type ChunkCodec,
  ChunkFault,
  type ChunkHeader,
} from "./chunk-header.ts";
import { encodeHeader } from "./chunk-header-array.ts";
import { checkHeader } from "./chunk-header-check.ts";
import type { Dictionary } from "./dictionary.ts";
import { FrameBatch } from "./frame-batch.ts";
import { isSoundMsgpack } from "./msgpack-walk.ts";
import type { Zstd } from "./zstd-port.ts";

export {
  type ChunkCodec,
  ChunkFault,
  type ChunkHeader,
  type ChunkKind,
  type ClockSource,
} from "./chunk-header.ts";

/** "EBCH" as it stands in the bytes. */
export const CHUNK_MARK = Uint8Array.of(0x45, 0x42, 0x43, 0x48);
/** Mark, header length and header checksum. */
export const CHUNK_PREFIX_BYTES = 12;

/** A chunk on its way: its bytes, and its header so that nobody has to read it again. */
export interface PackedChunk {
  readonly header: ChunkHeader;
  readonly bytes: Uint8Array;
}

/** What the packer cannot see in the frames. */
export type ChunkTitle = Omit<
  ChunkHeader,
  | "version"
  | "firstSec"
  | "firstNsec"
  | "lastSec"
  | "lastNsec"
  | "channels"
  | "frames"
  | "codec"
  | "dictionary"
  | "rawBytes"
  | "bodyBytes"
  | "checksum"
>;

/** Packs all frames of a batch; keeps its scratch buffers from chunk to chunk. */
export class ChunkPacker {
  private readonly channels: Channels;
  private readonly bodies: BodyPacker;
  private channelMap = new Int32Array(64).fill(-1);
  private lent = new Uint8Array(0);

  /** @param codec `columns` lays out by the layout table where the feed has one, else as `raw` */
  constructor(channels: Channels, zstd: Zstd, codec: ChunkCodec = "columns") {
    this.channels = channels;
    this.bodies = new BodyPacker(zstd, codec);
  }

  /**
   * A chunk in a buffer of its own. `title.runs` names channels by their index in the table; the
   * chunk renumbers them.
   * @throws RangeError if the frames are more than a chunk may hold: the caller closes in time
   */
  pack(title: ChunkTitle, frames: FrameBatch): PackedChunk {
    const { header, head, body } = this.parts(title, frames);
    const bytes = new Uint8Array(CHUNK_PREFIX_BYTES + head.length + body.length);
    joinChunk(head, body, bytes);
    return { header, bytes };
  }

  /** As `pack`, but the bytes are valid until the next call only: no memory is asked for. */
  packLent(title: ChunkTitle, frames: FrameBatch): PackedChunk {
    const { header, head, body } = this.parts(title, frames);
    const before = CHUNK_PREFIX_BYTES + head.length;
    const length = before + body.length;
    // A body that was stored has room before it, and need not be moved.
    const isRoom = this.bodies.leavesRoom && body.byteOffset >= before;
    if (isRoom) {
      const bytes = new Uint8Array(body.buffer, body.byteOffset - before, length);
      putHead(head, bytes);
      return { header, bytes };
    }
    if (this.lent.length < length) this.lent = new Uint8Array(CHUNK_BYTES_LIMIT);
    const bytes = this.lent.subarray(0, length);
    joinChunk(head, body, bytes);
    return { header, bytes };
  }

  private parts(title: ChunkTitle, frames: FrameBatch) {
    if (frames.count > CHUNK_FRAMES_LIMIT) throw new RangeError("too many frames for one chunk");
    const used = this.mapChannels(frames, title.runs);
    const packed = this.bodies.pack(title, frames, this.channelMap);
    const { codec, dictionary, rawBytes, body } = packed;
    const header: ChunkHeader = {
      ...title,
      version: CHUNK_VERSION,
      ...captureSpan(frames),
      channels: used.map((index) => this.channels.list[index]),
      frames: frames.count,
      codec,
      dictionary,
      rawBytes,
      bodyBytes: body.length,
      checksum: bodyChecksum(CHUNK_VERSION, body),
      runs: title.runs.map((value, at) => (at % 3 === 0 ? this.channelMap[value] : value)),
    };
    for (const index of used) this.channelMap[index] = -1;
    const head = encodeHeader(header);
    if (CHUNK_PREFIX_BYTES + head.length + body.length > CHUNK_BYTES_LIMIT) {
      throw new RangeError("chunk larger than 1 MiB");
    }
    return { header, head, body };
  }

  /** Gives each channel that the frames use its index in the chunk. */
  private mapChannels(frames: FrameBatch, runs: readonly number[]): number[] {
    if (this.channelMap.length < this.channels.list.length) {
      this.channelMap = new Int32Array(this.channels.list.length * 2).fill(-1);
    }
    const used: number[] = [];
    for (let i = 0; i < frames.count; i++) this.useChannel(frames.channel[i], used);
    for (let i = 0; i < runs.length; i += 3) this.useChannel(runs[i], used);
    return used;
  }

  private useChannel(channel: number, used: number[]): void {
    if (this.channelMap[channel] >= 0) return;
    this.channelMap[channel] = used.length;
    used.push(channel);
  }
}

/** Of all chunks together: hostile headers could name new ones without end. */
const CHANNELS_LIMIT = 1 << 16;

/** Unpacks chunks into a frame batch that is reused from chunk to chunk. */
export class ChunkUnpacker {
  private readonly channels: Channels;
  private readonly zstd: Zstd;
  private readonly bodies = new BodyUnpacker();
  private frames = new FrameBatch(4096);

  /** @param channels takes the channels that chunks name; frames then refer to it */
  constructor(channels: Channels, zstd: Zstd) {
    this.channels = channels;
    this.zstd = zstd;
  }

  /** The frames of the chunk that begins at `at`; the batch is valid until the next call. */
  unpack(bytes: Uint8Array, at = 0): { header: ChunkHeader; frames: FrameBatch } | ChunkFault {
    const found = readChunkHeader(bytes, at);
    if (found instanceof ChunkFault) return found;
    const { header, bodyAt, end } = found;
    if (end > bytes.length) return new ChunkFault("truncated", `${end - bytes.length} B missing`);
    const body = bytes.subarray(bodyAt, end);
    if (bodyChecksum(header.version, body) !== header.checksum)
      return new ChunkFault("bad_checksum", "body");
    const dictionary = dictionaryOf(header, this.zstd);
    if (dictionary instanceof ChunkFault) return dictionary;
    const raw = this.zstd.decompress(body, header.rawBytes, undefined, dictionary);
    if (raw === null) return new ChunkFault("bad_body", "zstd");
    if (this.frames.capacity < header.frames) this.frames = new FrameBatch(header.frames);
    if (this.channels.list.length + header.channels.length > CHANNELS_LIMIT) {
      return new ChunkFault("too_large", "more channels than there may be");
    }
    const map = Int32Array.from(header.channels, (channel) =>
      // A channel that the collector found by itself names no feed; its chunk does.
      this.channels.add(channel.feed === "" ? { ...channel, feed: header.feed } : channel),
    );
    if (!this.bodies.unpack(header, raw, map, this.frames)) {
      return new ChunkFault("bad_body", header.codec);
    }
    return { header, frames: this.frames };
  }
}

/** What the body needs besides itself; undefined: nothing. */
export function dictionaryOf(
  { dictionary: name }: ChunkHeader,
  { dictionaries }: Zstd,
): Dictionary | undefined | ChunkFault {
  if (name === "") return undefined;
  return dictionaries.get(name) ?? new ChunkFault("missing_dictionary", name);
}

/**
 * The header of the chunk at `at`, and where its body lies. Of bytes that end too early the fault
 * is `truncated`: more of them may mend it.
 */
export function readChunkHeader(
  bytes: Uint8Array,
  at = 0,
): { header: ChunkHeader; bodyAt: number; end: number } | ChunkFault {
  for (let i = 0; i < 4 && at + i < bytes.length; i++) {
    if (bytes[at + i] !== CHUNK_MARK[i]) return new ChunkFault("not_a_chunk", `at byte ${at}`);
  }
  if (bytes.length - at < CHUNK_PREFIX_BYTES) return new ChunkFault("truncated", "in its prefix");
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const headerBytes = view.getUint32(at + 4, true);
  if (headerBytes > CHUNK_HEADER_BYTES_LIMIT) {
    return new ChunkFault("too_large", `header of ${headerBytes} bytes`);
  }
  const headerAt = at + CHUNK_PREFIX_BYTES;
  const bodyAt = headerAt + headerBytes;
  if (bodyAt > bytes.length) return new ChunkFault("truncated", "in its header");
  if (crc32c(bytes, headerAt, bodyAt) !== view.getUint32(at + 8, true)) {
    return new ChunkFault("bad_checksum", "header");
  }
  const header = checkHeader(decoded(bytes.subarray(headerAt, bodyAt)));
  if (header instanceof ChunkFault) return header;
  const end = bodyAt + header.bodyBytes;
  if (end - at > CHUNK_BYTES_LIMIT) return new ChunkFault("too_large", `${end - at} bytes`);
  return { header, bodyAt, end };
}

const DECODE_LIMITS = {
  maxStrLength: 1024,
  maxBinLength: 1024,
  maxArrayLength: 1 << 15,
  maxMapLength: 256,
  maxExtLength: 0,
};

function decoded(bytes: Uint8Array): unknown {
  if (!isSoundMsgpack(bytes)) return undefined;
  try {
    return decode(bytes, DECODE_LIMITS);
  } catch {
    return undefined;
  }
}

/** @param bytes exactly as many as prefix, header and body have */
export function joinChunk(head: Uint8Array, body: Uint8Array, bytes: Uint8Array): void {
  putHead(head, bytes);
  bytes.set(body, CHUNK_PREFIX_BYTES + head.length);
}

function putHead(head: Uint8Array, bytes: Uint8Array): void {
  bytes.set(CHUNK_MARK);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  view.setUint32(4, head.length, true);
  view.setUint32(8, crc32c(head), true);
  bytes.set(head, CHUNK_PREFIX_BYTES);
}

function captureSpan(frames: FrameBatch) {
  let first = 0;
  let last = 0;
  for (let i = 1; i < frames.count; i++) {
    if (isBefore(frames, i, first)) first = i;
    if (isBefore(frames, last, i)) last = i;
  }
  const none = frames.count === 0;
  return {
    firstSec: none ? 0 : frames.sec[first],
    firstNsec: none ? 0 : frames.nsec[first],
    lastSec: none ? 0 : frames.sec[last],
    lastNsec: none ? 0 : frames.nsec[last],
  };
}

function isBefore(frames: FrameBatch, a: number, b: number): boolean {
  const seconds = frames.sec[a] - frames.sec[b];
  return seconds < 0 || (seconds === 0 && frames.nsec[a] < frames.nsec[b]);
}
