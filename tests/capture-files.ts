/** Packets and capture files put together by hand, and a reader that notes all it is given. */
import { CaptureCounters } from "../frames/capture-counters.ts";
import type { CaptureReader } from "../frames/capture-reader.ts";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { LinkParser } from "../frames/link.ts";
import { addressBytes } from "../frames/link-address.ts";
import { PcapReader } from "../frames/pcap.ts";
import { PcapngReader } from "../frames/pcapng.ts";
import { sniffKind } from "../frames/sniff.ts";

export function bytesOf(...parts: (number | number[] | Uint8Array)[]): Uint8Array {
  return Uint8Array.from(parts.flatMap((part) => (typeof part === "number" ? part : [...part])));
}

export const word16 = (value: number) => [(value >> 8) & 255, value & 255];

export function udp(port: number, payload: Uint8Array, length = payload.length + 8): Uint8Array {
  return bytesOf(word16(1), word16(port), word16(length), 0, 0, payload);
}

interface Ipv4Options {
  readonly protocol?: number;
  readonly options?: Uint8Array;
  readonly fragment?: number;
  readonly total?: number;
}

export function ipv4(group: string, body: Uint8Array, set: Ipv4Options = {}): Uint8Array {
  const options = set.options ?? new Uint8Array(0);
  const total = set.total ?? 20 + options.length + body.length;
  return bytesOf(
    [0x45 + options.length / 4, 0],
    [...word16(total), 0, 0, ...word16(set.fragment ?? 0)],
    [1, set.protocol ?? 17, 0, 0],
    [127, 0, 0, 1],
    addressBytes(group) ?? [],
    options,
    body,
  );
}

export function ipv6(group: string, body: Uint8Array, next = 17): Uint8Array {
  const source = new Array<number>(16).fill(0);
  const head = [0x60, 0, 0, 0, ...word16(body.length), next, 1];
  return bytesOf(head, source, addressBytes(group) ?? [], body);
}

/** An Ethernet packet; `tags` are the tag types in front of the type, outermost first. */
export function ethernet(type: number, body: Uint8Array, tags: number[] = []): Uint8Array {
  const stack = tags.flatMap((tag) => [...word16(tag), 0, 7]);
  return bytesOf(new Array<number>(12).fill(2), stack, word16(type), body);
}

export interface TimedPacket {
  readonly sec: number;
  /** In units of the file. */
  readonly fraction: number;
  readonly bytes: Uint8Array;
}

export interface PcapOptions {
  readonly littleEndian?: boolean;
  readonly magic?: number;
  readonly linkType?: number;
}

export function pcapFile(packets: readonly TimedPacket[], set: PcapOptions = {}): Uint8Array {
  const little = set.littleEndian ?? true;
  const magic = set.magic ?? 0xa1b2c3d4;
  const words = (...values: number[]) => wordBytes(values, little);
  const extra = magic === 0xa1b2cd34 ? [0, 0] : [];
  const parts = packets.map(({ sec, fraction, bytes }) =>
    bytesOf(words(sec, fraction, bytes.length, bytes.length, ...extra), bytes),
  );
  const version = little ? 0x0004_0002 : 0x0002_0004;
  return bytesOf(words(magic, version, 0, 0, 65_535, set.linkType ?? 1), ...parts);
}

export function wordBytes(values: readonly number[], littleEndian: boolean): Uint8Array {
  const view = new DataView(new ArrayBuffer(values.length * 4));
  for (let i = 0; i < values.length; i++) view.setUint32(i * 4, values[i], littleEndian);
  return new Uint8Array(view.buffer);
}

/** One pcapng block: its body is padded to whole words. */
export function block(type: number, body: Uint8Array, littleEndian = true): Uint8Array {
  const padded = (body.length + 3) & ~3;
  const length = wordBytes([12 + padded], littleEndian);
  const padding = new Uint8Array(padded - body.length);
  return bytesOf(wordBytes([type], littleEndian), length, body, padding, length);
}

export function sectionBlock(littleEndian = true): Uint8Array {
  const version = littleEndian ? 1 : 0x10000;
  const body = wordBytes([0x1a2b3c4d, version, 0xffffffff, 0xffffffff], littleEndian);
  return block(0x0a0d0d0a, body, littleEndian);
}

/** An interface; `options` are whole options in the section's byte order. */
export function interfaceBlock(
  linkType: number,
  options: Uint8Array = new Uint8Array(0),
  littleEndian = true,
): Uint8Array {
  const link = littleEndian ? linkType : linkType * 0x10000;
  return block(1, bytesOf(wordBytes([link, 0], littleEndian), options), littleEndian);
}

/** An enhanced packet; `stamp` is in the interface's unit. */
export function enhancedBlock(
  stamp: bigint,
  packet: Uint8Array,
  index = 0,
  littleEndian = true,
): Uint8Array {
  const words = [index, Number(stamp >> 32n), Number(stamp & 0xffffffffn)];
  const head = wordBytes([...words, packet.length, packet.length], littleEndian);
  return block(6, bytesOf(head, packet), littleEndian);
}

export interface ReadFrame {
  readonly sec: number;
  readonly nsec: number;
  /** Group and port. */
  readonly channel: string;
  /** Payload in hex. */
  readonly payload: string;
}

export interface ReadCapture {
  readonly frames: ReadFrame[];
  readonly counters: CaptureCounters;
  readonly channels: Channels;
}

/** Reads a capture in memory, given in blocks of these sizes, over and over. */
export function readCapture(file: Uint8Array, blockSizes: readonly number[] = []): ReadCapture {
  const channels = new Channels();
  const counters = new CaptureCounters();
  const link = new LinkParser(channels);
  const pcapng = sniffKind(file) === "pcapng";
  const reader = pcapng ? new PcapngReader(link, counters) : new PcapReader(link, counters);
  const frames: ReadFrame[] = [];
  const batch = new FrameBatch(7);
  let at = 0;
  for (let i = 0; at < file.length; i++) {
    const size = blockSizes.length === 0 ? file.length : blockSizes[i % blockSizes.length];
    drain(reader, file.slice(at, at + size), batch, channels, frames);
    at += size;
  }
  reader.end();
  return { frames, counters, channels };
}

function drain(
  reader: CaptureReader,
  piece: Uint8Array,
  batch: FrameBatch,
  channels: Channels,
  frames: ReadFrame[],
): void {
  reader.push(piece);
  while (reader.next(batch)) {
    for (let i = 0; i < batch.count; i++) {
      const { group, port } = channels.list[batch.channel[i]];
      const start = batch.offset[i];
      const payload = batch.bytes.subarray(start, start + batch.length[i]).toHex();
      frames.push({ sec: batch.sec[i], nsec: batch.nsec[i], channel: `${group}:${port}`, payload });
    }
  }
  // The reader's own block is used again by a file; nothing may look at it any more.
  piece.fill(0xee);
}
