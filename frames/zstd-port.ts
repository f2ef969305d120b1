/** What the chunk codec asks of zstd. `zstd.ts` gives it: the native addon or Bun's own. */
export interface Zstd {
  /** Which implementation this is, for `--version` and benchmarks. */
  readonly name: string;
  /** A zstd frame with its content size; valid until the next call. */
  compress(raw: Uint8Array): Uint8Array;
  /**
   * The `rawBytes` bytes in a new buffer, or `null` if the bytes are no zstd frames, or unpack to another
   * size. Never allocates more than `rawBytes`.
   * @param into memory to be used instead, where it is enough and that can be done
   */
  decompress(packed: Uint8Array, rawBytes: number, into?: Uint8Array): Uint8Array | null;
}
