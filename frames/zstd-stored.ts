/**
 * Bytes as a zstd frame that compresses nothing: blocks of kind "raw", as every zstd reads them. It
 * costs one copy, for a receiver that has no time to compress; somebody else does so later.
 *
 *     28 b5 2f fd   zstd's mark
 *     a0            one segment, its size in four bytes
 *     u32 LE        bytes in all
 *     blocks        u24 LE: bit 0 the last one, from bit 3 its bytes; then the bytes
 */
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

export class StoredZstd implements Zstd {
  readonly name = "stored";
  private readonly reader: Zstd;
  private frame = new Uint8Array(1 << 16);

  /** @param reader unpacks: what is written here is zstd like any other */
  constructor(reader: Zstd) {
    this.reader = reader;
  }

  compress(raw: Uint8Array): Uint8Array {
    const needed = storedBytes(raw.length);
    if (this.frame.length < needed) this.frame = new Uint8Array(needed * 2);
    const { frame } = this;
    frame.set(HEAD);
    putLittleEndian(frame, HEAD.length, 4, raw.length);
    let at = HEAD_BYTES;
    let from = 0;
    do {
      const to = Math.min(raw.length, from + BLOCK_BYTES);
      const isLast = to === raw.length ? 1 : 0;
      putLittleEndian(frame, at, BLOCK_HEAD_BYTES, ((to - from) << 3) | isLast);
      frame.set(raw.subarray(from, to), at + BLOCK_HEAD_BYTES);
      at += BLOCK_HEAD_BYTES + to - from;
      from = to;
    } while (from < raw.length);
    return frame.subarray(0, at);
  }

  decompress(packed: Uint8Array, rawBytes: number): Uint8Array | null {
    return this.reader.decompress(packed, rawBytes);
  }
}

function putLittleEndian(out: Uint8Array, at: number, bytes: number, value: number): void {
  for (let i = 0; i < bytes; i++) out[at + i] = value >>> (i * 8);
}
