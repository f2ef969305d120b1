/**
 * Packing that can hurry: while receiving is behind, chunks are packed by a compressor that is ten
 * times faster and hardly makes them smaller, so that the receiver catches up before anything is lost.
 * Readers see no difference. The price is disk and uplink, for as long as it lasts.
 */
import type { Zstd } from "./zstd-port.ts";

export class HurriedZstd implements Zstd {
  /** Set while receiving is behind. */
  isHurried = false;
  /** Bodies packed in a hurry. */
  hurried = 0;
  readonly name: string;
  private readonly usual: Zstd;
  private readonly fast: Zstd;

  constructor(usual: Zstd, fast: Zstd) {
    this.usual = usual;
    this.fast = fast;
    this.name = usual.name;
  }

  compress(raw: Uint8Array): Uint8Array {
    if (!this.isHurried) return this.usual.compress(raw);
    this.hurried++;
    return this.fast.compress(raw);
  }

  decompress(packed: Uint8Array, rawBytes: number): Uint8Array | null {
    return this.usual.decompress(packed, rawBytes);
  }
}
