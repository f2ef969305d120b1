/**
 * Edge: bytes a message of chunks in columns, chunk headers and capture times included, beside
 * `raw` chunks and beside zstd over the same pcap; and what packing and unpacking take of a core.
 * Every chunk is unpacked and held against its frames before a figure is told.
 */
import { CollectorCore } from "../collector/core.ts";
import { feedById } from "../feed/registry.ts";
import { Channels } from "../frames/channels.ts";
import {
  type ChunkCodec,
  ChunkFault,
  ChunkPacker,
  ChunkUnpacker,
  type PackedChunk,
} from "../frames/chunk.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { openZstd } from "../frames/zstd.ts";
import type { Traffic } from "./size-traffic.ts";

export interface SizeResult {
  readonly name: string;
  readonly note: string;
  readonly frames: number;
  readonly messages: number;
  readonly payloadBytes: number;
  readonly pcapBytes: number;
  readonly chunks: number;
  /** Bytes a message. */
  readonly columns: number;
  readonly raw: number;
  readonly zstd3: number;
  readonly zstd19: number;
  /** Payload bytes in megabytes for each second of CPU, compression and checksum included. */
  readonly packMBs: number;
  readonly unpackMBs: number;
  /** The same in bytes of the pcap: what was captured, headers and all. */
  readonly packPcapMBs: number;
  readonly unpackPcapMBs: number;
}

const MIB = 1e6;
const MICRO = 1e6;

/** Speeds are taken until so much CPU went into them: the engine takes its time to warm up. */
const LEAST_CPU_SECONDS = 2;

/** @param rounds how often the speeds are taken, 1: once and cold; the best is told */
export function measureSize(traffic: Traffic, rounds: number): SizeResult {
  const { chunks, messages } = collected(traffic, "columns");
  const batches = checked(traffic, chunks);
  const raw = collected(traffic, "raw").chunks;
  const payloadBytes = sum(traffic.frames.length.subarray(0, traffic.frames.count));
  const packing = bestCpuSeconds(rounds, () => packAll(traffic, chunks, batches));
  const unpacking = bestCpuSeconds(rounds, () => unpackAll(chunks));
  const pcapBytes = traffic.pcap.length;
  const each = (bytes: number) => bytes / messages;
  return {
    name: traffic.name,
    note: traffic.note,
    frames: traffic.frames.count,
    messages,
    payloadBytes,
    pcapBytes,
    chunks: chunks.length,
    columns: each(sum(chunks.map((chunk) => chunk.bytes.length))),
    raw: each(sum(raw.map((chunk) => chunk.bytes.length))),
    zstd3: each(zstdBytes(traffic.pcap, 3)),
    zstd19: each(zstdBytes(traffic.pcap, 19)),
    packMBs: payloadBytes / MIB / packing,
    unpackMBs: payloadBytes / MIB / unpacking,
    packPcapMBs: pcapBytes / MIB / packing,
    unpackPcapMBs: pcapBytes / MIB / unpacking,
  };
}

/** One line for people. */
export function sizeLine(result: SizeResult): string {
  const { name, messages, chunks, columns, raw, zstd3, zstd19 } = result;
  const bytes = (value: number) => value.toFixed(2);
  return (
    `${name}: ${messages} messages in ${chunks} chunks: columns ${bytes(columns)} bytes a message, ` +
    `raw ${bytes(raw)}, zstd -3 ${bytes(zstd3)}, zstd -19 ${bytes(zstd19)} ` +
    `(${(zstd19 / columns).toFixed(1)} times smaller); of payload (of pcap) a CPU second: ` +
    `packs ${result.packMBs.toFixed(0)} (${result.packPcapMBs.toFixed(0)}) MB, ` +
    `unpacks ${result.unpackMBs.toFixed(0)} (${result.unpackPcapMBs.toFixed(0)}) MB`
  );
}

/**
 * The chunks that a collector makes of the traffic, closed by age as it closes them.
 * @param chunkAgeNs absent: of busy channels. Sparse captures of one instrument stand for such: their
 *   chunks close when full
 */
export function collected(
  traffic: Traffic,
  codec: ChunkCodec,
  chunkAgeNs = traffic.feed.startsWith("nse") ? 50e6 : 1e18,
): { chunks: PackedChunk[]; messages: number } {
  const chunks: PackedChunk[] = [];
  const { frames, channels } = traffic;
  const core = new CollectorCore(
    channels,
    () => feedById(traffic.feed),
    openZstd(),
    (chunk) => chunks.push(chunk),
    {
      collector: "colo-1",
      boot: 1_748_404_000_000,
      clock: "kernel",
      keep: "first",
      chunkAgeNs,
      copiesWindow: 1 << 16,
      codec,
    },
  );
  const slice = new FrameBatch(64);
  for (let at = 0; at < frames.count; at += 64) {
    slice.reset(frames.bytes);
    const end = Math.min(at + 64, frames.count);
    for (let i = at; i < end; i++) {
      slice.add(
        frames.offset[i],
        frames.length[i],
        frames.sec[i],
        frames.nsec[i],
        frames.channel[i],
      );
    }
    core.push(slice, (frames.sec[at] - frames.sec[0]) * 1e9 + frames.nsec[at]);
  }
  core.finish();
  return { chunks, messages: core.counters.messages };
}

/** Unpacks all chunks; gives copies of their batches, which hold every frame exactly as it was. */
function checked(traffic: Traffic, chunks: readonly PackedChunk[]): FrameBatch[] {
  const { frames, channels } = traffic;
  const found = new Channels();
  const unpacker = new ChunkUnpacker(found, openZstd());
  /** Frames of each stream in their order, to be met again in the stream's chunks. */
  const waiting = new Map<number, number[]>();
  for (let i = 0; i < frames.count; i++) {
    const list = waiting.get(frames.channel[i]);
    if (list === undefined) waiting.set(frames.channel[i], [i]);
    else list.push(i);
  }
  for (const list of waiting.values()) list.reverse();
  const batches = chunks.map((chunk) => {
    const result = unpacker.unpack(chunk.bytes);
    if (result instanceof ChunkFault) throw new Error(result.message);
    const copy = copyOf(result.frames);
    for (let i = 0; i < copy.count; i++) {
      copy.channel[i] = channels.add(found.list[copy.channel[i]]);
      const at = waiting.get(copy.channel[i])?.pop() ?? -1;
      if (at < 0 || !sameFrame(frames, at, copy, i)) throw new Error("a frame came back changed");
    }
    return copy;
  });
  if ([...waiting.values()].some((list) => list.length > 0)) throw new Error("frames are missing");
  return batches;
}

function sameFrame(a: FrameBatch, i: number, b: FrameBatch, j: number): boolean {
  if (a.sec[i] !== b.sec[j] || a.nsec[i] !== b.nsec[j] || a.length[i] !== b.length[j]) return false;
  const left = a.bytes.subarray(a.offset[i], a.offset[i] + a.length[i]);
  return Buffer.compare(left, b.bytes.subarray(b.offset[j], b.offset[j] + b.length[j])) === 0;
}

function copyOf(batch: FrameBatch): FrameBatch {
  const copy = new FrameBatch(Math.max(1, batch.count));
  copy.reset(batch.bytes.slice());
  for (let i = 0; i < batch.count; i++) {
    copy.add(batch.offset[i], batch.length[i], batch.sec[i], batch.nsec[i], batch.channel[i]);
  }
  return copy;
}

function packAll(
  traffic: Traffic,
  chunks: readonly PackedChunk[],
  batches: readonly FrameBatch[],
): void {
  const packer = new ChunkPacker(traffic.channels, openZstd(), "columns");
  for (const [i, { header }] of chunks.entries()) packer.pack({ ...header, runs: [] }, batches[i]);
}

function unpackAll(chunks: readonly PackedChunk[]): void {
  const unpacker = new ChunkUnpacker(new Channels(), openZstd());
  for (const { bytes } of chunks) unpacker.unpack(bytes);
}

function bestCpuSeconds(rounds: number, work: () => void): number {
  let best = Number.POSITIVE_INFINITY;
  let spent = 0;
  for (let round = 0; round < rounds || (rounds > 1 && spent < LEAST_CPU_SECONDS); round++) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    const seconds = (user + system) / MICRO;
    best = Math.min(best, seconds);
    spent += seconds;
  }
  return best;
}

function zstdBytes(bytes: Uint8Array, level: number): number {
  return Bun.zstdCompressSync(bytes as Uint8Array<ArrayBuffer>, { level }).length;
}

function sum(values: Iterable<number>): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
