/**
 * What small chunks, such as a quiet market's, weigh: as they were when headers had names of fields, without
 * a dictionary, and with the one that comes with edgebook. It was trained on other seeds than the traffic
 * is of. Every chunk is unpacked before a figure is told.
 */
import { Channels } from "../frames/channels.ts";
import { CHUNK_PREFIX_BYTES, ChunkFault, ChunkUnpacker, readChunkHeader } from "../frames/chunk.ts";
import { encodeHeader } from "../frames/chunk-header-array.ts";
import { openZstd } from "../frames/zstd.ts";
import { collected } from "./size.ts";
import type { Traffic } from "./size-traffic.ts";

export interface DictionaryResult {
  readonly chunks: number;
  /** Part of them that are packed by a dictionary. */
  readonly share: number;
  /** Of a chunk, each a mean. */
  readonly messages: number;
  readonly namedHeaderBytes: number;
  readonly headerBytes: number;
  readonly bodyBytes: number;
  readonly withDictionaryBytes: number;
  /** All of it. */
  readonly bytesBefore: number;
  readonly bytes: number;
}

/** @param chunkAgeNs how soon chunks close, and so how small they are */
export function measureDictionary(traffic: Traffic, chunkAgeNs: number): DictionaryResult {
  const without = weighed(traffic, chunkAgeNs, true);
  const by = weighed(traffic, chunkAgeNs, false);
  const prefix = CHUNK_PREFIX_BYTES;
  return {
    chunks: by.chunks,
    share: by.share,
    messages: by.messages,
    namedHeaderBytes: without.namedHeaderBytes,
    headerBytes: by.headerBytes,
    bodyBytes: without.bodyBytes,
    withDictionaryBytes: by.bodyBytes,
    bytesBefore: prefix + without.namedHeaderBytes + without.bodyBytes,
    bytes: prefix + by.headerBytes + by.bodyBytes,
  };
}

/** One line for people. */
export function dictionaryLine(result: DictionaryResult): string {
  const { messages, namedHeaderBytes, headerBytes, bodyBytes, withDictionaryBytes } = result;
  const { bytesBefore, bytes, share } = result;
  const percent = (part: number, of: number) => `${((100 * part) / of).toFixed(1)} %`;
  return (
    `  ${messages.toFixed(0)} messages a chunk: header ${namedHeaderBytes.toFixed(0)} bytes with names, ` +
    `${headerBytes.toFixed(0)} without; body ${bodyBytes.toFixed(0)}, by the dictionary ` +
    `${withDictionaryBytes.toFixed(0)} (${percent(bodyBytes - withDictionaryBytes, bodyBytes)} less, ` +
    `in ${percent(share, 1)} of the chunks); chunk ${bytesBefore.toFixed(0)}, now ${bytes.toFixed(0)}: ` +
    `${percent(bytesBefore - bytes, bytesBefore)} less`
  );
}

function weighed(traffic: Traffic, chunkAgeNs: number, isOff: boolean) {
  const zstd = openZstd();
  const { choice } = zstd.dictionaries;
  zstd.dictionaries.choose({ isOff, preferred: [] });
  const { chunks, messages } = collected(traffic, "columns", chunkAgeNs);
  zstd.dictionaries.choose(choice);
  const unpacker = new ChunkUnpacker(new Channels(), zstd);
  const sums = { headerBytes: 0, namedHeaderBytes: 0, bodyBytes: 0, share: 0 };
  let frames = 0;
  for (const { bytes, header } of chunks) {
    const found = readChunkHeader(bytes);
    const unpacked = unpacker.unpack(bytes);
    if (found instanceof ChunkFault) throw new Error(found.message);
    if (unpacked instanceof ChunkFault) throw new Error(unpacked.message);
    frames += unpacked.frames.count;
    sums.headerBytes += found.bodyAt - CHUNK_PREFIX_BYTES;
    sums.namedHeaderBytes += encodeHeader({ ...header, version: 2 }).length;
    sums.bodyBytes += header.bodyBytes;
    sums.share += header.dictionary === "" ? 0 : 1;
  }
  if (frames !== traffic.frames.count) throw new Error("frames are missing");
  const { length: count } = chunks;
  return {
    chunks: count,
    messages: messages / count,
    headerBytes: sums.headerBytes / count,
    namedHeaderBytes: sums.namedHeaderBytes / count,
    bodyBytes: sums.bodyBytes / count,
    share: sums.share / count,
  };
}
