/** Dictionaries that no edgebook ships, and threads of knowledge that know nothing of one another. */
import type { PackedChunk } from "../frames/chunk.ts";
import type { Dictionary } from "../frames/dictionary.ts";
import { shippedDictionary } from "../frames/dictionary-shipped.ts";
import { builtinZstd, nativeZstd } from "../frames/zstd.ts";
import type { Zstd } from "../frames/zstd-port.ts";
import { smallMarket } from "./small-market.ts";

/** A zstd that knows what ships and nothing else, as that of another process. */
export function freshZstd(): Zstd {
  return nativeZstd() ?? builtinZstd();
}

/** A sound dictionary of nse-fo, of a content of its own for each number. */
export function ownDictionary(number: number): Dictionary {
  const bytes = new Uint8Array(shippedDictionary("nse-fo") ?? []);
  new DataView(bytes.buffer).setUint32(bytes.length - 8, 0x5eed_0000 + number);
  const made = freshZstd().dictionaries.of("nse-fo", bytes);
  if (typeof made === "string") throw new Error(made);
  return made;
}

export interface OwnChunks {
  readonly dictionary: Dictionary;
  /** Knows the dictionary. */
  readonly zstd: Zstd;
  /** Each needs the dictionary. */
  readonly chunks: readonly PackedChunk[];
}

/** Chunks of 20 messages that need a dictionary of their own. */
export function ownChunks(number: number, count = 5, boot = 1): OwnChunks {
  const dictionary = ownDictionary(number);
  const zstd = freshZstd();
  zstd.dictionaries.choose({ isOff: false, preferred: [dictionary] });
  const chunks = smallMarket({ frames: count * 20 }).chunks(zstd, 20, boot);
  return { dictionary, zstd, chunks };
}
