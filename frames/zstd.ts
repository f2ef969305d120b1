/**
 * Edge: zstd by the native addon `zstd-napi` where it loads (contexts reused from chunk to
 * chunk), by what Bun brings along elsewhere. Both write frames that the other reads.
 */
import zlib from "node:zlib";
import type { Zstd } from "./zstd-port.ts";

/**
 * Packing shares the capture host with receiving: level 3 took twice the time of level 1 on NSE
 * messages and gave chunks only 8 % smaller.
 */
const LEVEL = 1;

interface NativeCompressor {
  compress(to: Uint8Array, from: Uint8Array, level: number): number;
}
interface NativeDecompressor {
  decompress(to: Uint8Array, from: Uint8Array): number;
}
interface NativeBinding {
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
  let scratch = new Uint8Array(1 << 20);
  return {
    name: "zstd-napi",
    compress(raw) {
      const bound = binding.compressBound(raw.length);
      if (scratch.length < bound) scratch = new Uint8Array(bound);
      return scratch.subarray(0, packer.compress(scratch, raw, level));
    },
    decompress(packed, rawBytes, into) {
      const isEnough = into !== undefined && into.length >= rawBytes;
      const raw = isEnough ? into.subarray(0, rawBytes) : new Uint8Array(rawBytes);
      try {
        return unpacker.decompress(raw, packed) === rawBytes ? raw : null;
      } catch {
        return null;
      }
    },
  };
}

/** What Bun brings along. */
export function builtinZstd(level = LEVEL): Zstd {
  return {
    name: "built-in",
    compress: (raw) => Bun.zstdCompressSync(raw as Uint8Array<ArrayBuffer>, { level }),
    decompress(packed, rawBytes) {
      try {
        const raw = zlib.zstdDecompressSync(packed, { maxOutputLength: Math.max(rawBytes, 1) });
        return raw.length === rawBytes ? raw : null;
      } catch {
        return null;
      }
    },
  };
}
