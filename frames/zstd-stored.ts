/**
 * Bytes as a zstd frame that compresses nothing: blocks of kind "raw", as every zstd reads them. It
 * costs one copy, for a receiver that has no time to compress; somebody else does so later. By a
 * dictionary it packs nothing, so no chunk of its names one.
 *
 *     28 b5 2f fd   zstd's mark
 *     a0            one segment, its size in four bytes
 *     u32 LE        bytes in all
 *     blocks        u24 LE: bit 0 the last one, from bit 3 its bytes; then the bytes
 */
import type { Dictionaries, Dictionary } from "./dictionary.ts";
import type { Zstd } from "./zstd-port.ts";

const HEAD = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0xa0);
const HEAD_BYTES = HEAD.length + 4;
const BLOCK_HEAD_BYTES = 3;
/** zstd allows no larger block. */
const BLOCK_BYTES = 128 << 10;

/** Bytes of the frame around `rawBytes` of content. */
export function storedBytes(rawBytes: number): number {
  return HEAD_BYTES + Math.max(1, Math.ceil(rawBytes / BLOCK_BYTES)) * BLOCK_HEAD_BYTES + rawBytes;
}

/** Room before the frame, for whoever puts something in front of it without copying. */
export const STORED_ROOM_BYTES = 132 << 10;

export class StoredZstd implements Zstd {
  readonly name = "stored";
  readonly dictionaries: Dictionaries;
  private readonly reader: Zstd;
  private memory = new Uint8Array(STORED_ROOM_BYTES + (1 << 16));
  private at = 0;
  /** Content that is still to be put, in all and in the open block. */
  private left = 0;
  private leftInBlock = 0;

  /** @param reader unpacks: what is written here is zstd like any other */
  constructor(reader: Zstd) {
    this.reader = reader;
    this.dictionaries = reader.dictionaries;
  }

  compress(raw: Uint8Array): Uint8Array {
    this.begin(raw.length);
    this.put(raw, 0, raw.length);
    return this.end();
  }

  /** Begins a frame of so many bytes, which `put` brings; `end` gives it. */
  begin(rawBytes: number): void {
    const needed = STORED_ROOM_BYTES + storedBytes(rawBytes);
    if (this.memory.length < needed) this.memory = new Uint8Array(needed * 2);
    this.memory.set(HEAD, STORED_ROOM_BYTES);
    putLittleEndian(this.memory, STORED_ROOM_BYTES + HEAD.length, 4, rawBytes);
    this.at = STORED_ROOM_BYTES + HEAD_BYTES;
    this.left = rawBytes;
    this.beginBlock();
  }

  put(bytes: Uint8Array, from: number, to: number): void {
    for (let at = from; at < to; ) {
      if (this.leftInBlock === 0) this.beginBlock();
      const length = Math.min(this.leftInBlock, to - at);
      this.memory.set(bytes.subarray(at, at + length), this.at);
      this.at += length;
      this.left -= length;
      this.leftInBlock -= length;
      at += length;
    }
  }

  /** The frame, valid until the next one begins; before it there are `STORED_ROOM_BYTES`. */
  end(): Uint8Array {
    return this.memory.subarray(STORED_ROOM_BYTES, this.at);
  }

  decompress(
    packed: Uint8Array,
    rawBytes: number,
    into?: Uint8Array,
    dictionary?: Dictionary,
  ): Uint8Array | null {
    return this.reader.decompress(packed, rawBytes, into, dictionary);
  }

  private beginBlock(): void {
    this.leftInBlock = Math.min(this.left, BLOCK_BYTES);
    const isLast = this.leftInBlock === this.left ? 1 : 0;
    putLittleEndian(this.memory, this.at, BLOCK_HEAD_BYTES, (this.leftInBlock << 3) | isLast);
    this.at += BLOCK_HEAD_BYTES;
  }
}

function putLittleEndian(out: Uint8Array, at: number, bytes: number, value: number): void {
  for (let i = 0; i < bytes; i++) out[at + i] = value >>> (i * 8);
}
