/**
 * Edge: what a trained zstd dictionary would save in small chunks, such as a quiet market's, beside what
 * their headers weigh. Trained by the `zstd` tool on the bodies of the first half of the chunks, tried
 * on those of the second.
 */
import { mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CHUNK_PREFIX_BYTES, ChunkFault, readChunkHeader } from "../frames/chunk.ts";
import { openZstd } from "../frames/zstd.ts";
import { collected } from "./size.ts";
import type { Traffic } from "./size-traffic.ts";

const DICTIONARY_BYTES = 64 << 10;
/** Chunks that are tried, at most: the tool takes them as files. */
const CHUNKS = 1200;
const CHUNKS_LEAST = 40;

export interface DictionaryResult {
  readonly chunks: number;
  /** Of the chunks of the second half, each a mean. */
  readonly messages: number;
  readonly headerBytes: number;
  readonly bodyBytes: number;
  readonly withDictionaryBytes: number;
}

/** @returns undefined where there is no `zstd` tool, or too few chunks */
export function measureDictionary(
  traffic: Traffic,
  chunkAgeNs: number,
): DictionaryResult | undefined {
  const { chunks, messages } = collected(traffic, "columns", chunkAgeNs);
  const tried = chunks.slice(0, CHUNKS);
  if (Bun.which("zstd") === null || tried.length < CHUNKS_LEAST) return undefined;
  const folder = mkdtempSync(join(tmpdir(), "edgebook-dictionary-"));
  try {
    const half = tried.length >> 1;
    let headerBytes = 0;
    let bodyBytes = 0;
    const names = tried.map(({ bytes }, at) => {
      const found = readChunkHeader(bytes);
      if (found instanceof ChunkFault) throw new Error(found.message);
      const { header, bodyAt, end } = found;
      const raw = openZstd().decompress(bytes.subarray(bodyAt, end), header.rawBytes);
      if (raw === null) throw new Error("a body does not unpack");
      if (at >= half) {
        headerBytes += bodyAt - CHUNK_PREFIX_BYTES;
        bodyBytes += header.bodyBytes;
      }
      const name = join(folder, `${at}`);
      writeFileSync(name, raw);
      return name;
    });
    const dictionary = join(folder, "dictionary");
    zstd("--train", `--maxdict=${DICTIONARY_BYTES}`, ...names.slice(0, half), "-o", dictionary);
    zstd("-1", "--no-check", "-D", dictionary, ...names.slice(half));
    const packed = readdirSync(folder).filter((name) => name.endsWith(".zst"));
    const count = tried.length - half;
    const withDictionary = packed.reduce((sum, name) => sum + statSync(join(folder, name)).size, 0);
    return {
      chunks: count,
      messages: messages / chunks.length,
      headerBytes: headerBytes / count,
      bodyBytes: bodyBytes / count,
      withDictionaryBytes: withDictionary / count,
    };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** One line for people. */
export function dictionaryLine(result: DictionaryResult): string {
  const { messages, headerBytes, bodyBytes, withDictionaryBytes } = result;
  const saved = bodyBytes - withDictionaryBytes;
  const percent = (part: number, of: number) => `${((100 * part) / of).toFixed(1)} %`;
  return (
    `  ${messages.toFixed(0)} messages a chunk: header ${headerBytes.toFixed(0)} bytes, body ` +
    `${bodyBytes.toFixed(0)}, with a trained dictionary ${withDictionaryBytes.toFixed(0)}: ` +
    `${percent(saved, bodyBytes)} of the body, ${percent(saved, headerBytes + bodyBytes)} of the chunk`
  );
}

function zstd(...words: string[]): void {
  const done = Bun.spawnSync(["zstd", "-q", "-f", ...words], { stderr: "pipe" });
  if (!done.success) throw new Error(`zstd: ${done.stderr.toString().trim()}`);
}
