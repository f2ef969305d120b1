/**
 * What small chunks, such as a quiet market's, weigh: as they were when headers had names of fields, without
 * a dictionary, and with the one that comes with edgebook. It was trained on other seeds than the traffic
 * is of. Every chunk is unpacked before a figure is told.
 */
import { trainDictionary, trainingSample } from "../cli/dictionary-training.ts";
import { Channels } from "../frames/channels.ts";
import {
  CHUNK_PREFIX_BYTES,
  ChunkFault,
  ChunkPacker,
  ChunkUnpacker,
  type PackedChunk,
  readChunkHeader,
} from "../frames/chunk.ts";
import { encodeHeader } from "../frames/chunk-header-array.ts";
import type { Dictionary } from "../frames/dictionary.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
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

/** Bytes of a body, a mean, of the second half of real traffic in chunks of so many datagrams. */
export interface TrainedResult {
  readonly datagrams: number;
  readonly none: number;
  readonly shipped: number;
  /** By one that was trained on the first half. */
  readonly own: number;
}

/** @returns undefined where there is no `zstd` tool */
export async function measureTrained(
  traffic: Traffic,
  datagrams: readonly number[],
): Promise<TrainedResult[] | undefined> {
  if (Bun.which("zstd") === null) return undefined;
  const zstd = openZstd();
  const { choice } = zstd.dictionaries;
  const half = traffic.frames.count >> 1;
  const bodies = (each: number) => cutEvenly(traffic, each, half, traffic.frames.count);
  const meanBy = (preferred: readonly Dictionary[], isOff: boolean, each: number) => {
    zstd.dictionaries.choose({ isOff, preferred });
    const chunks = bodies(each);
    return chunks.reduce((sum, { header }) => sum + header.bodyBytes, 0) / chunks.length;
  };
  zstd.dictionaries.choose({ isOff: true, preferred: [] });
  const samples = datagrams
    .flatMap((each) => cutEvenly(traffic, each, 0, half).slice(0, TRAINED_MOST))
    .map(({ bytes }) => trainingSample(bytes, zstd))
    .filter((body) => body !== undefined);
  const own = await trainDictionary(traffic.feed, samples, zstd);
  const results = datagrams.map((each) => ({
    datagrams: each,
    none: meanBy([], true, each),
    shipped: meanBy([], false, each),
    own: meanBy([own], false, each),
  }));
  zstd.dictionaries.choose(choice);
  return results;
}

/** One line for people. */
export function trainedLine({ datagrams, none, shipped, own }: TrainedResult): string {
  const less = (bytes: number) =>
    `${bytes.toFixed(0)} (${(100 * (1 - bytes / none)).toFixed(0)} % less)`;
  return (
    `  bodies of ${datagrams} datagrams: ${none.toFixed(0)} bytes, by the dictionary that ships ` +
    `${less(shipped)}, by one of the day's first half ${less(own)}`
  );
}

const TRAINED_MOST = 1500;
const TITLE = {
  ...({ kind: "live", collector: "colo-1", boot: 1, number: 1, previous: 0, oldest: 1 } as const),
  ...({ stream: 1, session: "", firstSequence: 1, lastSequence: 1, clock: "kernel" } as const),
  ...{ runs: [], copies: 0, runsDropped: 0 },
};

/** Whole chunks of `each` frames, from those of `from` to `to`. */
function cutEvenly(
  { feed, frames, channels }: Traffic,
  each: number,
  from: number,
  to: number,
): PackedChunk[] {
  const packer = new ChunkPacker(channels, openZstd());
  const chunks: PackedChunk[] = [];
  const part = new FrameBatch(each);
  for (let start = from; start + each <= to; start += each) {
    part.reset(frames.bytes);
    for (let i = start; i < start + each; i++) {
      const { offset, length, sec, nsec, channel } = frames;
      part.add(offset[i], length[i], sec[i], nsec[i], channel[i]);
    }
    chunks.push(packer.pack({ ...TITLE, feed }, part));
  }
  return chunks;
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
