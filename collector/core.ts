/**
 * The collector's core: frames in, chunks out. Framing tells each frame's stream and numbers; with
 * `--keep first` a frame goes on if it brings at least one message that did not go before, with
 * `--keep both` every frame does. Heartbeats, and what the framing does not understand, always go
 * on: nothing is judged here that the centre could judge better.
 *
 * A chunk is closed by size, by count, or by age. Memory: for each stream one open chunk (under
 * 1 MiB) and its copies' memory; streams are bounded, what comes beyond them shares one chunk.
 */
import type { Feed, Framing } from "../feed/feed.ts";
import { Fault, PacketBatch, PacketKind } from "../feed/packet-batch.ts";
import type { Channel, Channels } from "../frames/channels.ts";
import {
  type ChunkCodec,
  ChunkPacker,
  type ChunkTitle,
  type ClockSource,
  type PackedChunk,
} from "../frames/chunk.ts";
import type { ChunkFormer, ChunkRepairs, ChunkSnapshot } from "../frames/chunk-header.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import type { Zstd } from "../frames/zstd-port.ts";
import { hashOf } from "../streams/hash.ts";
import { FirstCopies } from "./first-copies.ts";
import { type ChunkPacking, InlinePacking, type TakePacked } from "./packing.ts";
import { StreamChunk } from "./stream-chunk.ts";

export interface CollectorOptions {
  /** Its name in topics and chunks. */
  readonly collector: string;
  /** When this life of it began, ms since 1970 UTC. */
  readonly boot: number;
  readonly clock: ClockSource;
  readonly keep: "first" | "both";
  /** A chunk is closed when its first frame is this old. */
  readonly chunkAgeNs: number;
  /** Numbers of a stream whose first copies are remembered; a power of two. */
  readonly copiesWindow: number;
  /** How chunks are laid out; absent: in columns, where the feed has a layout table. */
  readonly codec?: ChunkCodec;
  /** What it does about what is missing, for the centre to know; absent: nothing. */
  readonly repairs?: ChunkRepairs;
  /** Who packs closed chunks; absent: the core itself, at once. */
  readonly packing?: (done: TakePacked) => ChunkPacking;
}

export const COLLECTOR_DEFAULTS = {
  keep: "first",
  chunkAgeNs: 50e6,
  copiesWindow: 1 << 16,
} as const satisfies Partial<CollectorOptions>;

/** Hostile or misread stream ids must not make a chunk each. */
const STREAMS_LIMIT = 256;

/** What tells one chunk of a stream from the others. */
type OwnTitle = Pick<
  ChunkTitle,
  | "kind"
  | "firstSequence"
  | "lastSequence"
  | "copies"
  | "runs"
  | "runsDropped"
  | "snapshot"
  | "command"
>;

/** Chunks that were asked for bring no line's runs and leave out nothing. */
const NOTHING_BESIDES = {
  firstSequence: 0,
  lastSequence: 0,
  copies: 0,
  runs: [],
  runsDropped: 0,
} as const;

/** The operator's commands that were done: one that comes again is not done again. */
const COMMANDS_LIMIT = 64;

/** One feed of the collector and its streams. */
interface Lane {
  readonly feed: Feed;
  readonly framing: Framing;
  readonly streams: Map<number, LaneStream>;
  /** The stream asked for last: most frames are of the same one as the frame before. */
  last: LaneStream | undefined;
}

interface LaneStream {
  readonly chunk: StreamChunk;
  readonly copies: FirstCopies | null;
}

export class CollectorCounters {
  frames = 0;
  bytes = 0;
  /** Messages seen, each copy counted. */
  messages = 0;
  framesForwarded = 0;
  /** Frames left out because all their messages had gone before. */
  copies = 0;
  heartbeats = 0;
  /** Frames that the framing could not read to their end; forwarded all the same. */
  faulty = 0;
  /** Frames of a channel that has no feed; counted and left out. */
  unclaimed = 0;
  chunks = 0;
  /** Messages obtained by request, and parts of snapshots, that went on. */
  recovered = 0;
  snapshotParts = 0;
  chunkBytes = 0;
  rawBytes = 0;
}

export class CollectorCore {
  readonly counters = new CollectorCounters();
  /** Whose clock gives the capture times, and how far it may be off; the edge tells. */
  clock: ClockSource;
  clockDoubtNs: number | undefined;
  /** The oldest chunk of this boot that can still be sent again; the edge keeps it up to date. */
  oldestKept = 1;
  /** What the spool has of the life before this one; the edge tells. */
  former: ChunkFormer | undefined;
  private readonly options: CollectorOptions;
  private readonly channels: Channels;
  private readonly feedOf: (channel: Channel) => Feed | undefined;
  private readonly packing: ChunkPacking;
  private readonly onChunk: TakePacked;
  private readonly packets = new PacketBatch(64, 256);
  private readonly lanes = new Map<string, Lane>();
  /** By channel index; `null`: nobody's. */
  private readonly laneOf: (Lane | null)[] = [];
  private readonly commands: string[] = [];
  private number = 0;

  /**
   * @param feedOf the feed that a channel carries, `undefined` if nobody wants it
   * @param onChunk takes each closed chunk, in the order of their numbers
   */
  constructor(
    channels: Channels,
    feedOf: (channel: Channel) => Feed | undefined,
    zstd: Zstd,
    onChunk: TakePacked,
    options: CollectorOptions,
  ) {
    this.channels = channels;
    this.feedOf = feedOf;
    this.onChunk = onChunk;
    this.clock = options.clock;
    const done: TakePacked = (chunk, isLent) => this.handOn(chunk, isLent);
    const packer = new ChunkPacker(channels, zstd, options.codec);
    this.packing = options.packing?.(done) ?? new InlinePacking(packer, done);
    this.options = options;
  }

  /** Chunks closed so far. */
  get chunkNumber(): number {
    return this.number;
  }

  /** @param nowNs only ages chunks: any clock that does not step back far */
  push(frames: FrameBatch, nowNs: number): void {
    const { counters } = this;
    for (let at = 0; at < frames.count; at++) {
      counters.frames++;
      counters.bytes += frames.length[at];
      const lane = this.lane(frames.channel[at]);
      if (lane === null) counters.unclaimed++;
      else this.take(lane, frames, at, nowNs);
    }
    this.advance(nowNs);
  }

  /** Closes the chunks that are old enough. */
  advance(nowNs: number): void {
    for (const lane of this.lanes.values()) {
      for (const { chunk } of lane.streams.values()) {
        if (chunk.isEmpty) continue;
        if (nowNs - chunk.openedNs >= this.options.chunkAgeNs) this.closeChunk(lane, chunk);
      }
    }
  }

  /** Messages `first` to `last`, obtained by request, as frames: a chunk of their own, at once. */
  recovered(feed: string, stream: number, frames: FrameBatch, first: number, last: number): void {
    const lane = this.lanes.get(feed);
    if (lane === undefined) return;
    const { chunk } = this.stream(lane, stream);
    // The gap that they fill has to be there first.
    if (!chunk.isEmpty) this.closeChunk(lane, chunk);
    this.counters.recovered += frames.count;
    const numbers = { firstSequence: first, lastSequence: last };
    this.emit(lane, chunk, { ...NOTHING_BESIDES, ...numbers, kind: "recovered" }, frames);
  }

  /** A part of a snapshot: each frame is one record; a chunk of its own, at once. */
  snapshotPart(
    feed: string,
    stream: number,
    lastSequence: number,
    snapshot: ChunkSnapshot,
    records: FrameBatch,
  ): void {
    const lane = this.lanes.get(feed);
    if (lane === undefined) return;
    const { chunk } = this.stream(lane, stream);
    if (!chunk.isEmpty) this.closeChunk(lane, chunk);
    this.counters.snapshotParts++;
    const part = { ...NOTHING_BESIDES, kind: "snapshot", lastSequence, snapshot } as const;
    this.emit(lane, chunk, part, records);
  }

  /**
   * The operator's clear: a chunk of its own behind all that has come of the stream, so that whoever
   * reads the chunks clears at the same place.
   * @returns false if nothing of the stream has come: then there is no place for it
   */
  clear(feed: string, stream: number, command: string): boolean {
    const lane = this.lanes.get(feed);
    const chunk = lane?.streams.get(stream)?.chunk;
    if (lane === undefined || chunk === undefined) return false;
    if (this.commands.includes(command)) return true;
    if (this.commands.push(command) > COMMANDS_LIMIT) this.commands.shift();
    if (!chunk.isEmpty) this.closeChunk(lane, chunk);
    const when = new FrameBatch(1);
    when.reset(new Uint8Array(0));
    when.add(0, 0, chunk.sec, chunk.nsec, chunk.channel);
    this.emit(lane, chunk, { ...NOTHING_BESIDES, kind: "clear", command }, when);
    return true;
  }

  /** Closes every chunk. */
  finish(): void {
    this.advance(Number.POSITIVE_INFINITY);
  }

  private lane(channelIndex: number): Lane | null {
    const known = this.laneOf[channelIndex];
    if (known !== undefined) return known;
    const feed = this.feedOf(this.channels.list[channelIndex]);
    let lane: Lane | null = null;
    if (feed !== undefined) {
      lane = this.lanes.get(feed.id) ?? {
        feed,
        framing: feed.framing(),
        streams: new Map(),
        last: undefined,
      };
      this.lanes.set(feed.id, lane);
    }
    this.laneOf[channelIndex] = lane;
    return lane;
  }

  private take(lane: Lane, frames: FrameBatch, at: number, nowNs: number): void {
    const { packets, counters } = this;
    const channelIndex = frames.channel[at];
    const channel = this.channels.list[channelIndex];
    packets.clear();
    const fault = lane.framing.read(
      frames.view,
      frames.offset[at],
      frames.length[at],
      at,
      channel,
      packets,
    );
    if (fault !== Fault.None) counters.faulty++;
    const own = this.stream(lane, packets.count > 0 ? packets.stream[0] : channel.stream);
    if (!own.chunk.hasRoom(frames.length[at])) this.closeChunk(lane, own.chunk);
    let first = fault !== Fault.None || packets.count === 0;
    for (let packet = 0; packet < packets.count; packet++) {
      const stream = this.stream(lane, packets.stream[packet]);
      if (stream.chunk.isEmpty) stream.chunk.openedNs = nowNs;
      if (this.takePacket(lane, stream, frames, packet, channelIndex)) first = true;
    }
    if (own.chunk.isEmpty) own.chunk.openedNs = nowNs;
    if (first || this.options.keep === "both") {
      own.chunk.addFrame(frames, at);
      counters.framesForwarded++;
    } else {
      own.chunk.copies++;
      counters.copies++;
    }
  }

  /** True if the packet brings something that did not go before. */
  private takePacket(
    lane: Lane,
    stream: LaneStream,
    frames: FrameBatch,
    packet: number,
    channel: number,
  ): boolean {
    const { packets, counters } = this;
    const session = packets.session[packet];
    stream.chunk.session = lane.framing.sessions[session] ?? "";
    const numbers = packets.numbers[packet];
    if (packets.kind[packet] !== PacketKind.Messages || numbers === 0) {
      counters.heartbeats++;
      return true;
    }
    const sequence = packets.sequence[packet];
    stream.chunk.addNumbers(channel, sequence, sequence + numbers - 1);
    counters.messages += packets.firstMessage[packet + 1] - packets.firstMessage[packet];
    if (stream.copies === null) return true;
    const seed = Math.imul(session + 1, 0x27d4eb2f);
    let first = false;
    const end = packets.firstMessage[packet + 1];
    for (let message = packets.firstMessage[packet], n = 0; message < end; message++, n++) {
      const offset = packets.messageOffset[message];
      const hash = hashOf(frames.view, offset, packets.messageLength[message]);
      if (stream.copies.isFirst(sequence + n, hash ^ seed)) first = true;
    }
    return first;
  }

  private stream(lane: Lane, id: number): LaneStream {
    const { last } = lane;
    if (last !== undefined && last.chunk.stream === id) return last;
    const known = lane.streams.get(id);
    if (known !== undefined) {
      lane.last = known;
      return known;
    }
    // Beyond the limit, all that is new shares stream 0, and nothing is left out as a copy.
    const full = lane.streams.size >= STREAMS_LIMIT;
    if (full && id !== 0) return this.stream(lane, 0);
    const remembers = this.options.keep === "first" && !full;
    const copies = remembers ? new FirstCopies(this.options.copiesWindow) : null;
    const stream: LaneStream = { chunk: new StreamChunk(id), copies };
    lane.streams.set(id, stream);
    return stream;
  }

  private closeChunk(lane: Lane, chunk: StreamChunk): void {
    const { firstSequence, lastSequence, copies, runs, frames } = chunk;
    const own = { kind: "live", firstSequence, lastSequence, copies, ...runs.take() } as const;
    this.emit(lane, chunk, own, frames);
    chunk.reset();
  }

  /** Gives the stream's next chunk its number, and to whoever packs it. */
  private emit(lane: Lane, chunk: StreamChunk, own: OwnTitle, frames: FrameBatch): void {
    const { options, counters } = this;
    const { collector, boot, repairs } = options;
    const { clock, clockDoubtNs } = this;
    const number = ++this.number;
    this.packing.pack(
      {
        collector,
        boot,
        number,
        previous: chunk.previous,
        oldest: this.oldestKept,
        feed: lane.feed.id,
        stream: chunk.stream,
        session: chunk.session,
        clock,
        ...(clockDoubtNs === undefined ? {} : { clockDoubtNs }),
        ...(repairs === undefined ? {} : { repairs }),
        ...(this.former === undefined ? {} : { former: this.former }),
        ...own,
      },
      frames,
    );
    chunk.previous = number;
    counters.chunks++;
  }

  private handOn(packed: PackedChunk, isLent = false): void {
    this.counters.chunkBytes += packed.bytes.length;
    this.counters.rawBytes += packed.header.rawBytes;
    this.onChunk(packed, isLent);
  }
}
