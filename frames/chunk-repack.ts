/**
 * A chunk that was stored as it came, packed as it would have been with time for it: its number, its
 * frames and all that its header says stay; only how it is packed changes: version, codec, dictionary,
 * sizes and checksum of the body.
 */
import { bodyChecksum } from "./body-checksum.ts";
import {
  CHUNK_PREFIX_BYTES,
  ChunkFault,
  dictionaryOf,
  joinChunk,
  readChunkHeader,
} from "./chunk.ts";
import { BodyPacker, BodyUnpacker } from "./chunk-body.ts";
import {
  CHUNK_BYTES_LIMIT,
  CHUNK_VERSION,
  type ChunkCodec,
  type ChunkHeader,
} from "./chunk-header.ts";
import { encodeHeader } from "./chunk-header-array.ts";
import type { Dictionary } from "./dictionary.ts";
import { FrameBatch } from "./frame-batch.ts";
import type { Zstd } from "./zstd-port.ts";

/** True if the body was not compressed, for want of time or because it cannot be. */
export function isStored({ rawBytes, bodyBytes }: ChunkHeader): boolean {
  return bodyBytes > rawBytes;
}

export class ChunkRepacker {
  /** Of the last chunk that became smaller: what it needs now besides itself. */
  dictionary: Dictionary | undefined;
  private readonly zstd: Zstd;
  private readonly packer: BodyPacker;
  private readonly unpacker = new BodyUnpacker();
  private frames = new FrameBatch(1024);
  /** Used again and again: what is thrown away in their place waits for a collection, in hundreds of MiB. */
  private raw = new Uint8Array(1 << 16);
  private readonly packed = new Uint8Array(CHUNK_BYTES_LIMIT);

  constructor(zstd: Zstd, codec: ChunkCodec = "columns") {
    this.zstd = zstd;
    this.packer = new BodyPacker(zstd, codec);
  }

  /**
   * The chunk, smaller, valid until the next call; `undefined` where it is damaged, or does not become
   * smaller.
   */
  repack(bytes: Uint8Array): Uint8Array | undefined {
    const found = readChunkHeader(bytes);
    if (found instanceof ChunkFault || found.end !== bytes.length) return undefined;
    const { header, bodyAt } = found;
    const stored = bytes.subarray(bodyAt);
    if (bodyChecksum(header.version, stored) !== header.checksum) return undefined;
    if (this.raw.length < header.rawBytes) this.raw = new Uint8Array(header.rawBytes * 2);
    const needed = dictionaryOf(header, this.zstd);
    if (needed instanceof ChunkFault) return undefined;
    const raw = this.zstd.decompress(stored, header.rawBytes, this.raw, needed);
    if (raw === null) return undefined;
    if (this.frames.capacity < header.frames) this.frames = new FrameBatch(header.frames);
    // Channels keep the indexes that they have in the chunk.
    const same = Int32Array.from(header.channels, (_, index) => index);
    if (!this.unpacker.unpack(header, raw, same, this.frames)) return undefined;
    const packed = this.packer.pack(header, this.frames, same);
    const { codec, dictionary, rawBytes, body } = packed;
    if (body.length >= stored.length) return undefined;
    const checksum = bodyChecksum(CHUNK_VERSION, body);
    this.dictionary = dictionary === "" ? undefined : this.zstd.dictionaries.get(dictionary);
    const sizes = { codec, dictionary, rawBytes, bodyBytes: body.length, checksum };
    return this.joined({ ...header, version: CHUNK_VERSION, ...sizes }, body);
  }

  private joined(header: ChunkHeader, body: Uint8Array): Uint8Array {
    const head = encodeHeader(header);
    const bytes = this.packed.subarray(0, CHUNK_PREFIX_BYTES + head.length + body.length);
    joinChunk(head, body, bytes);
    return bytes;
  }
}
