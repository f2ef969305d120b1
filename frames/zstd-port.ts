/** What the chunk codec asks of zstd. `zstd.ts` gives it: the native addon or Bun's own. */
import type { Dictionaries, Dictionary } from "./dictionary.ts";

export interface Zstd {
  /** Which implementation this is, for `--version` and benchmarks. */
  readonly name: string;
  /** The trained dictionaries that this thread knows, and what chunks are packed by. */
  readonly dictionaries: Dictionaries;
  /** A zstd frame with its content size; valid until the next call. */
  compress(raw: Uint8Array): Uint8Array;
  /** As `compress`; nobody unpacks it without the dictionary. Absent where nothing is packed by any. */
  compressBy?(raw: Uint8Array, dictionary: Dictionary): Uint8Array;
  /**
   * The `rawBytes` bytes in a new buffer, or `null` if the bytes are no zstd frames, or unpack to another
   * size. Never allocates more than `rawBytes`.
   * @param into memory to be used instead, where it is enough and that can be done
   * @param dictionary what the frames were packed by; those that need none are read as well
   */
  decompress(
    packed: Uint8Array,
    rawBytes: number,
    into?: Uint8Array,
    dictionary?: Dictionary,
  ): Uint8Array | null;
}
