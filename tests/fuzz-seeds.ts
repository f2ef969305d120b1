/** Whole inputs that the fuzz targets mutate, made by hand: they need no captures. */
import type { Feed } from "../feed/feed.ts";
import { NASDAQ_TABLE } from "../feed/nasdaq/table.ts";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { PcapWriter } from "../frames/pcap-writer.ts";
import { Exchange } from "../sim/exchange/exchange.ts";
import { Lines } from "../sim/exchange/lines.ts";

/** Datagrams as a line brings them. */
export function datagramSeeds(feed: Feed): Uint8Array[] {
  if (feed.id.startsWith("nse-")) return nseSeeds();
  if (feed.id === "nasdaq-itch50") return [moldSeed(2), moldSeed(0), ...typed(feed).map(moldOf)];
  if (feed.id.startsWith("iex-")) return typed(feed).map((message) => iexOf(feed.id, message));
  return [Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 9, 9), Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 2, 7)];
}

/** What a simulated exchange sends in a moment. */
function nseSeeds(): Uint8Array[] {
  const exchange = new Exchange({ seed: 5, streams: 2, instruments: 10, ordersPerStream: 50 });
  const seeds: Uint8Array[] = [];
  new Lines(exchange).step(60e6, {
    datagram(_line, _stream, _sendNs, bytes, offset, length) {
      if (seeds.length < 60) seeds.push(bytes.slice(offset, offset + length));
    },
  });
  return seeds;
}

/** A message of each type, zeros but for its type. */
function typed(feed: Feed): Uint8Array[] {
  return feed.table.messages.map(({ length, type }) => {
    const bytes = new Uint8Array(length);
    bytes[0] = type.charCodeAt(0);
    return bytes;
  });
}

function moldSeed(messages: number): Uint8Array {
  const all = NASDAQ_TABLE.messages.slice(0, messages).flatMap(({ length, type }) => {
    return [0, length, type.charCodeAt(0), ...new Array<number>(length - 1).fill(0)];
  });
  return Uint8Array.from([...moldHead(messages), ...all]);
}

const moldOf = (message: Uint8Array): Uint8Array =>
  Uint8Array.from([...moldHead(1), 0, message.length, ...message]);

const moldHead = (messages: number): number[] => [
  ...Buffer.from("0000000001"),
  ...[0, 0, 0, 0, 0, 0, 0, 1],
  ...[0, messages],
];

function iexOf(id: string, message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(40 + 2 + message.length);
  const view = new DataView(bytes.buffer);
  bytes[0] = 1;
  view.setUint16(2, id === "iex-deep" ? 0x8004 : 0x8003, true);
  view.setUint32(4, 1, true);
  view.setUint32(8, 7, true);
  view.setUint16(12, 2 + message.length, true);
  view.setUint16(14, 1, true);
  view.setUint32(24, 1, true);
  view.setUint16(40, message.length, true);
  bytes.set(message, 42);
  return bytes;
}

/** A little capture of two lines. */
export function pcapSeed(): Uint8Array {
  const channels = new Channels();
  for (const line of [0, 1]) {
    channels.add({ group: `239.0.0.${line + 1}`, port: 9, feed: "", stream: 0, line });
  }
  const frames = new FrameBatch(8);
  frames.reset(Uint8Array.from({ length: 120 }, (_, at) => at));
  for (let i = 0; i < 8; i++) frames.add(i * 15, 15, 1_700_000_000 + i, i * 1000, i & 1);
  const writer = new PcapWriter(channels);
  return Buffer.concat([writer.fileHeader(), writer.packets(frames)]);
}

/** A section, two interfaces (one with a time zone and a resolution), packets of three kinds. */
export function pcapngSeed(): Uint8Array {
  const packet = packetOf(pcapSeed());
  return Buffer.concat([
    block(0x0a0d0d0a, [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, ...new Array<number>(8).fill(0xff)]),
    block(1, [1, 0, 0, 0, 0, 0, 4, 0]),
    block(1, [1, 0, 0, 0, 0, 0, 4, 0, 9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]),
    block(6, [
      0,
      0,
      0,
      0,
      0,
      0,
      5,
      0,
      0,
      0,
      0,
      0,
      ...word(packet.length),
      ...word(packet.length),
      ...packet,
    ]),
    block(3, [...word(packet.length), ...packet]),
    block(5, [0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0]),
  ]);
}

/** Packets of a few link types. */
export function linkSeeds(): Uint8Array[] {
  const ethernet = packetOf(pcapSeed());
  const ip = ethernet.subarray(14);
  const tagged = [...ethernet.subarray(0, 12), 0x81, 0, 0, 5, ...ethernet.subarray(12)];
  const cooked = [...new Array<number>(14).fill(0), 8, 0, ...ip];
  const six = [
    0x60,
    0,
    0,
    0,
    0,
    16,
    17,
    64,
    ...new Array<number>(32).fill(1),
    0,
    1,
    0,
    9,
    0,
    16,
    0,
    0,
  ];
  return [ethernet, ip, [2, 0, 0, 0, ...ip], tagged, cooked, [...six, 1, 2, 3, 4, 5, 6, 7, 8]].map(
    (bytes) => Uint8Array.from(bytes),
  );
}

/** The first packet of a capture. */
function packetOf(capture: Uint8Array): Uint8Array {
  const length = new DataView(capture.buffer, capture.byteOffset).getUint32(24 + 8, true);
  return capture.subarray(40, 40 + length);
}

function block(type: number, body: readonly number[]): Buffer {
  const padded = [...body, ...new Array<number>((4 - (body.length % 4)) % 4).fill(0)];
  const length = word(12 + padded.length);
  return Buffer.from([...word(type), ...length, ...padded, ...length]);
}

const word = (value: number): number[] => [0, 8, 16, 24].map((shift) => (value >>> shift) & 0xff);
