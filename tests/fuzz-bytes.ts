/** Fuzz targets of the rooms that read bytes from elsewhere: captures, chunks, feeds, recovery. */
import { expect } from "bun:test";
import { BookPipeline } from "../book/pipeline.ts";
import { writeMessage } from "../feed/codec.ts";
import type { Feed } from "../feed/feed.ts";
import { MessageBatch } from "../feed/message-batch.ts";
import { readMoldRequest } from "../feed/nasdaq/request.ts";
import { readReply, readRequest, readSnapshotHeader } from "../feed/nse/recovery.ts";
import { MOST_INSTRUMENTS } from "../feed/nse/tokens.ts";
import { PacketBatch } from "../feed/packet-batch.ts";
import { FEEDS } from "../feed/registry.ts";
import { captureReader } from "../frames/capture.ts";
import { CaptureCounters } from "../frames/capture-counters.ts";
import { Channels } from "../frames/channels.ts";
import {
  CHUNK_PREFIX_BYTES,
  ChunkFault,
  ChunkUnpacker,
  dictionaryOf,
  readChunkHeader,
} from "../frames/chunk.ts";
import { crc32c } from "../frames/chunk-checksum.ts";
import type { ChunkHeader } from "../frames/chunk-header.ts";
import { ChunkSplitter } from "../frames/chunk-stream.ts";
import type { Dictionary } from "../frames/dictionary.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { LinkParser, LinkType } from "../frames/link.ts";
import { sniffKind } from "../frames/sniff.ts";
import { builtinZstd, nativeZstd, openZstd } from "../frames/zstd.ts";
import type { Zstd } from "../frames/zstd-port.ts";
import { forgedChunk } from "./chunk-forge.ts";
import { datagramSeeds, linkSeeds, pcapngSeed, pcapSeed } from "./fuzz-seeds.ts";
import type { FuzzTarget } from "./fuzz-target.ts";
import { runMarket } from "./live-market.ts";
import { smallMarket } from "./small-market.ts";

/** State is thrown away after so many inputs, so that a run looks at many beginnings. */
const LIFE_INPUTS = 4096;

export function byteTargets(): FuzzTarget[] {
  const market = runMarket({ seed: 3, milliseconds: 120 });
  const chunks = market.chunks.map(({ bytes }) => bytes).filter(({ length }) => length < 4096);
  return [
    ...FEEDS.flatMap((feed) => [datagramTarget(feed), messageTarget(feed)]),
    ...FEEDS.filter(({ file }) => file !== undefined).map(fileTarget),
    captureTarget(),
    linkTarget(),
    chunkHeaderTarget(chunks),
    chunkBodyTarget(chunks),
    chunkFramesTarget(),
    chunkStreamTarget(chunks),
    recoveryTarget(),
  ];
}

/** Datagrams as they come: framing, sequencing, decoding, books. */
function datagramTarget(feed: Feed): FuzzTarget {
  const frames = new FrameBatch(1);
  let pipeline: BookPipeline | undefined;
  let inputs = 0;
  let sec = 0;
  return {
    name: `datagram ${feed.id}`,
    share: 8,
    seeds: datagramSeeds(feed),
    take(input) {
      if (pipeline === undefined || inputs++ % LIFE_INPUTS === 0) {
        const channels = new Channels();
        for (const line of [0, 1]) {
          const sequenceField = { offset: 0, width: 8, littleEndian: line === 0 };
          const channel = { group: `239.0.0.${line}`, port: 1, feed: feed.id, stream: 0, line };
          channels.add(
            feed.id === "sequenced" ? { ...channel, stream: 1, sequenceField } : channel,
          );
        }
        pipeline = new BookPipeline(feed, channels, { effects: true });
        sec = 0;
      }
      frames.reset(input);
      frames.add(0, input.length, ++sec, 0, inputs & 1);
      pipeline.push(frames);
      bounded(pipeline);
    },
  };
}

/** Messages of any content, each the next of its stream, into decoder and books. */
function messageTarget(feed: Feed): FuzzTarget {
  const batch = new MessageBatch(1);
  let pipeline: BookPipeline | undefined;
  let inputs = 0;
  return {
    name: `message ${feed.id}`,
    share: 8,
    seeds: messageSeeds(feed),
    take(input) {
      if (pipeline === undefined || inputs++ % LIFE_INPUTS === 0) {
        const channels = new Channels();
        channels.add({ group: "239.0.0.1", port: 1, feed: feed.id, stream: 1, line: 0 });
        pipeline = new BookPipeline(feed, channels, { effects: true });
        pipeline.open(0, 1);
      }
      batch.bytes = input;
      batch.view = new DataView(input.buffer, input.byteOffset, input.byteLength);
      batch.length[0] = input.length;
      batch.sequence[0] = inputs;
      batch.count = 1;
      pipeline.deliver(batch);
      bounded(pipeline);
    },
  };
}

function bounded(pipeline: BookPipeline): void {
  for (const stream of pipeline.streams) {
    if ((stream?.decoder.instruments.count ?? 0) > MOST_INSTRUMENTS) {
      throw new Error("more instruments than there may be");
    }
  }
}

/** One message of each type: zeros with its type, and with every field 1. */
function messageSeeds(feed: Feed): Uint8Array[] {
  const seeds = feed.table.messages.flatMap((layout) =>
    [0, 1].map((value) => {
      const bytes = new Uint8Array(layout.length);
      const fields = layout.fields.filter(({ type }) => type !== "char" && type !== "text");
      const wide = (type: string) => (/64/.test(type) ? BigInt(value) : value);
      const named = fields.map(({ name, type }) => [name, wide(type)] as const);
      writeMessage(feed.table, layout, Object.fromEntries(named), new DataView(bytes.buffer), 0);
      const typeField = layout.fields.find(({ name }) => name === "message_type");
      bytes[typeField?.offset ?? 0] = layout.type.charCodeAt(0);
      return bytes;
    }),
  );
  return seeds.length > 0 ? seeds : [Uint8Array.of(1, 2, 3, 4)];
}

function fileTarget(feed: Feed): FuzzTarget {
  const packets = new PacketBatch(1, 4096);
  const prefixed = messageSeeds(feed).map((message) => [0, message.length, ...message]);
  return {
    name: `file ${feed.id}`,
    share: 8,
    seeds: [Uint8Array.from(prefixed.flat()), ...prefixed.map((each) => Uint8Array.from(each))],
    take(input) {
      const { file } = feed;
      file?.sniff(input);
      const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
      let at = 0;
      for (let calls = 0; at >= 0 && at < input.length; calls++) {
        expect(calls).toBeLessThan(10);
        packets.clear();
        const next = file?.split(view, at, input.length, packets) ?? -1;
        if (next === at) break;
        at = next;
      }
      if (at >= 0) file?.isEnd(view, at, input.length);
    },
  };
}

function captureTarget(): FuzzTarget {
  const batch = new FrameBatch(32);
  return {
    name: "capture",
    share: 4,
    seeds: [pcapSeed(), pcapngSeed()],
    take(input) {
      const counters = new CaptureCounters();
      const reader = captureReader(sniffKind(input), new Channels(), counters, true);
      if (reader === undefined) return;
      reader.push(input);
      while (reader.next(batch)) inside(batch);
      reader.end();
      if (counters.packets > input.length) throw new Error("more packets than bytes");
    },
  };
}

function inside(frames: FrameBatch): void {
  for (let i = 0; i < frames.count; i++) {
    const end = frames.offset[i] + frames.length[i];
    if (frames.offset[i] < 0 || frames.length[i] < 0 || end > frames.bytes.length) {
      throw new Error("a frame lies outside its bytes");
    }
  }
}

function linkTarget(): FuzzTarget {
  const kinds = Object.values(LinkType);
  let parser = new LinkParser(new Channels(), true);
  let inputs = 0;
  return {
    name: "link",
    share: 16,
    seeds: linkSeeds(),
    take(input) {
      if (inputs++ % LIFE_INPUTS === 0) parser = new LinkParser(new Channels(), true);
      parser.offset = 0;
      parser.length = 0;
      parser.parse(input, 0, input.length, kinds[inputs % kinds.length]);
      const end = parser.offset + parser.length;
      if (parser.offset < 0 || parser.length < 0 || end > input.length) {
        throw new Error("a payload lies outside its packet");
      }
    },
  };
}

/** A header with any bytes in it, whose checksum is right. */
function chunkHeaderTarget(chunks: readonly Uint8Array[]): FuzzTarget {
  return {
    name: "chunk header",
    share: 4,
    seeds: chunks.map((bytes) => headOf(bytes)),
    take(input) {
      const bytes = new Uint8Array(CHUNK_PREFIX_BYTES + input.length);
      bytes.set(chunks[0].subarray(0, 4));
      bytes.set(input, CHUNK_PREFIX_BYTES);
      const view = new DataView(bytes.buffer);
      view.setUint32(4, input.length, true);
      view.setUint32(8, crc32c(input), true);
      readChunkHeader(bytes);
    },
  };
}

function headOf(bytes: Uint8Array): Uint8Array {
  const length = new DataView(bytes.buffer, bytes.byteOffset).getUint32(4, true);
  return bytes.slice(CHUNK_PREFIX_BYTES, CHUNK_PREFIX_BYTES + length);
}

interface SomeBody {
  readonly chunk: Uint8Array;
  readonly header: ChunkHeader;
  readonly body: Uint8Array;
  readonly raw: Uint8Array;
  /** What the body was packed by. */
  readonly dictionary: Dictionary | undefined;
}

/** Bodies of chunks, as they are and unpacked. */
function bodiesOf(chunks: readonly Uint8Array[], zstd: Zstd): SomeBody[] {
  return chunks.flatMap((chunk) => {
    const read = readChunkHeader(chunk);
    if (read instanceof ChunkFault) return [];
    const { header, bodyAt, end } = read;
    const dictionary = dictionaryOf(header, zstd);
    if (dictionary instanceof ChunkFault) return [];
    const body = chunk.slice(bodyAt, end);
    const raw = zstd.decompress(body, header.rawBytes, undefined, dictionary);
    return raw === null ? [] : [{ chunk, header, body, raw: raw.slice(), dictionary }];
  });
}

/** A body with any bytes in it, before compression, under a header that fits it. */
function chunkBodyTarget(chunks: readonly Uint8Array[]): FuzzTarget {
  const zstd = openZstd();
  const bodies = bodiesOf(chunks, zstd);
  let inputs = 0;
  return {
    name: "chunk body",
    share: 2,
    seeds: bodies.map(({ raw }) => raw),
    take(input) {
      const { chunk, dictionary } = bodies[inputs++ % bodies.length];
      const by = dictionary && zstd.compressBy?.(input, dictionary);
      const named = by === undefined ? { dictionary: "" } : {};
      const fields = { ...named, rawBytes: input.length };
      unpackedInside(forgedChunk(chunk, fields, by ?? zstd.compress(input)), zstd);
    },
  };
}

/** Any bytes where zstd frames should be, under a header with a dictionary, for each zstd. */
function chunkFramesTarget(): FuzzTarget {
  const all = [nativeZstd(), builtinZstd()].filter((zstd) => zstd !== undefined);
  const chunks = smallMarket({ frames: 100 }).chunks(all[0], 5);
  const bodies = bodiesOf(
    chunks.map(({ bytes }) => bytes),
    all[0],
  ).filter(({ dictionary }) => dictionary !== undefined);
  const areKnown = bodies.every(({ body, raw }) => contentBytes(body) === raw.length);
  if (bodies.length === 0 || !areKnown) throw new Error("no seeds by a dictionary");
  let inputs = 0;
  return {
    name: "chunk frames",
    share: 2,
    seeds: bodies.map(({ body }) => body),
    take(input) {
      const zstd = all[inputs++ % all.length];
      // Of another length than the header says it is refused at its first bytes, and no more is tried.
      const rawBytes = contentBytes(input);
      unpackedInside(forgedChunk(bodies[0].chunk, { rawBytes }, input), zstd);
    },
  };
}

/** How many bytes a zstd frame of one segment, of some KiB, says that it unpacks to. */
function contentBytes(frame: Uint8Array): number {
  const [kind = 0] = frame.subarray(4);
  const at = 5 + [0, 1, 2, 4][kind & 3];
  const [low = 0, high = 0] = frame.subarray(at);
  return kind >> 6 === 1 ? low + high * 256 + 256 : low;
}

function unpackedInside(bytes: Uint8Array, zstd: Zstd): void {
  const unpacked = new ChunkUnpacker(new Channels(), zstd).unpack(bytes);
  if (!(unpacked instanceof ChunkFault)) inside(unpacked.frames);
}

function chunkStreamTarget(chunks: readonly Uint8Array[]): FuzzTarget {
  return {
    name: "chunk stream",
    share: 4,
    seeds: chunks.slice(0, 20),
    take(input) {
      const splitter = new ChunkSplitter(() => {});
      splitter.push(input.subarray(0, input.length >> 1));
      splitter.push(input.subarray(input.length >> 1));
      splitter.finish();
    },
  };
}

/** What an exchange's recovery and snapshot servers answer, and what a server is asked. */
function recoveryTarget(): FuzzTarget {
  const protocols = FEEDS.flatMap(({ recovery }) => (recovery === undefined ? [] : [recovery]));
  return {
    name: "recovery",
    share: 4,
    seeds: protocols.flatMap((protocol) => [
      protocol.request(1, "0000000001", 1, 10),
      ...FEEDS.flatMap((feed) => datagramSeeds(feed).slice(0, 2)),
    ]),
    take(input) {
      const half = input.length >> 1;
      for (const { reply, snapshots } of protocols) {
        const answer = reply(1, "0000000001", 1, 10);
        if (answer.push(input.subarray(0, half), () => {}) === "more") {
          answer.push(input.subarray(half), () => {});
        }
        const image = snapshots?.reply(1);
        if (image?.push(input.subarray(0, half)) === "more") image.push(input.subarray(half));
      }
      const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
      readRequest(view, 0, input.length);
      readReply(view, 0, input.length);
      readSnapshotHeader(view, 0, input.length);
      readMoldRequest(input);
    },
  };
}
