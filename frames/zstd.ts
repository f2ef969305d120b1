/**
 * Edge: zstd by the native addon `zstd-napi` where it loads (contexts reused from chunk to
 * chunk), by what Bun brings along elsewhere. Both write frames that the other reads.
 */
import zlib from "node:zlib";
import { Dictionaries, type Dictionary } from "./dictionary.ts";
import { shippedDictionary } from "./dictionary-shipped.ts";
import type { Zstd } from "./zstd-port.ts";

/**
 * Packing shares the capture host with receiving: level 3 took twice the time of level 1 on NSE
 * messages and gave chunks only 8 % smaller.
 */
const LEVEL = 1;
/**
 * With a dictionary there is little to compress. Of a body of 700 bytes: 492 by level 3 in 8 µs, 480 by
 * level 5 in 14, 472 by level 9 in 33; without a dictionary 622 in 8.
 */
const DICTIONARY_LEVEL = 5;

type Prepared = object;

interface NativeCompressor {
  compress(to: Uint8Array, from: Uint8Array, level: number): number;
  compressUsingCDict(to: Uint8Array, from: Uint8Array, dictionary: Prepared): number;
}
interface NativeDecompressor {
  decompress(to: Uint8Array, from: Uint8Array): number;
  decompressUsingDDict(to: Uint8Array, from: Uint8Array, dictionary: Prepared): number;
}
interface NativeBinding {
  readonly CDict: new (bytes: Uint8Array, level: number) => Prepared;
  readonly DDict: new (bytes: Uint8Array) => Prepared;
  readonly CCtx: new () => NativeCompressor;
  readonly DCtx: new () => NativeDecompressor;
  compressBound(bytes: number): number;
}

let chosen: Zstd | undefined;

/** The best zstd of this machine; always the same one within a process. */
export function openZstd(): Zstd {
  chosen ??= nativeZstd() ?? builtinZstd();
  return chosen;
}

/** The addon, or `undefined` where it was not built. */
export function nativeZstd(level = LEVEL): Zstd | undefined {
  let binding: NativeBinding;
  try {
    // A plain require, which the bundler of the one-file binary sees and embeds.
    binding = require("zstd-napi/binding") as NativeBinding;
  } catch {
    return undefined;
  }
  const packer = new binding.CCtx();
  const unpacker = new binding.DCtx();
  const forPacking = prepared(({ bytes }) => new binding.CDict(bytes, DICTIONARY_LEVEL));
  const forUnpacking = prepared(({ bytes }) => new binding.DDict(bytes));
  let scratch = new Uint8Array(1 << 20);
  const room = (raw: Uint8Array): Uint8Array => {
    const bound = binding.compressBound(raw.length);
    if (scratch.length < bound) scratch = new Uint8Array(bound);
    return scratch;
  };
  return {
    name: "zstd-napi",
    dictionaries: dictionaries((bytes) => {
      new binding.CDict(bytes, DICTIONARY_LEVEL);
      new binding.DDict(bytes);
    }),
    compress(raw) {
      const length = packer.compress(room(raw), raw, level);
      return scratch.subarray(0, length);
    },
    compressBy(raw, dictionary) {
      const length = packer.compressUsingCDict(room(raw), raw, forPacking(dictionary));
      return scratch.subarray(0, length);
    },
    decompress(packed, rawBytes, into, dictionary) {
      const isEnough = into !== undefined && into.length >= rawBytes;
      const raw = isEnough ? into.subarray(0, rawBytes) : new Uint8Array(rawBytes);
      try {
        const length =
          dictionary === undefined
            ? unpacker.decompress(raw, packed)
            : unpacker.decompressUsingDDict(raw, packed, forUnpacking(dictionary));
        return length === rawBytes ? raw : null;
      } catch {
        return null;
      }
    },
  };
}

/** What Bun brings along. */
export function builtinZstd(level = LEVEL): Zstd {
  const { ZSTD_c_compressionLevel, ZSTD_c_contentSizeFlag } = zlib.constants;
  const params = { [ZSTD_c_compressionLevel]: DICTIONARY_LEVEL, [ZSTD_c_contentSizeFlag]: 1 };
  const compressBy = (raw: Uint8Array, { bytes }: { readonly bytes: Uint8Array }) =>
    zlib.zstdCompressSync(raw, { dictionary: bytes, params, pledgedSrcSize: raw.length });
  return {
    name: "built-in",
    dictionaries: dictionaries((bytes) => {
      zlib.zstdDecompressSync(compressBy(bytes.subarray(0, 64), { bytes }), { dictionary: bytes });
    }),
    compress: (raw) => Bun.zstdCompressSync(raw as Uint8Array<ArrayBuffer>, { level }),
    compressBy,
    decompress(packed, rawBytes, _into, dictionary) {
      const maxOutputLength = Math.max(rawBytes, 1);
      const by = dictionary === undefined ? {} : { dictionary: dictionary.bytes };
      try {
        const raw = zlib.zstdDecompressSync(packed, { maxOutputLength, ...by });
        return raw.length === rawBytes ? raw : null;
      } catch {
        return null;
      }
    },
  };
}

/** What is made of a dictionary before it is used, once, and kept as long as the dictionary is. */
function prepared(prepare: (dictionary: Dictionary) => Prepared) {
  const known = new WeakMap<Dictionary, Prepared>();
  return (dictionary: Dictionary): Prepared => {
    let made = known.get(dictionary);
    if (made === undefined) {
      made = prepare(dictionary);
      known.set(dictionary, made);
    }
    return made;
  };
}

/** @param load throws if zstd cannot work with the bytes */
function dictionaries(load: (bytes: Uint8Array) => void): Dictionaries {
  return new Dictionaries({
    hash: (bytes) => new Bun.CryptoHasher("sha256").update(bytes).digest("hex"),
    shipped: shippedDictionary,
    loads(bytes) {
      try {
        load(bytes);
        return true;
      } catch {
        return false;
      }
    },
  });
}
