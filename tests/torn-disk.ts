/**
 * A collector's spool and forwarding on a disk that tears: lives that end by a kill in the middle of
 * a write, by a power cut, or in peace, and a reader behind them, who knows of dictionaries only what the
 * disk has. All from one seed. Serves the small test and the full proof.
 */
import { ForwardCore, type Outgoing } from "../collector/forward-core.ts";
import { FaultyDisk } from "../faults/disk.ts";
import { Random } from "../faults/random.ts";
import { Channels } from "../frames/channels.ts";
import { ChunkFault, ChunkPacker, ChunkUnpacker, type PackedChunk } from "../frames/chunk.ts";
import { ChunkSplitter } from "../frames/chunk-stream.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { SpoolCore } from "../frames/spool-core.ts";
import type { SpoolSync } from "../frames/spool-options.ts";
import type { Zstd } from "../frames/zstd-port.ts";
import { freshZstd, ownDictionary } from "./own-dictionary.ts";
import { smallMarket } from "./small-market.ts";

const SYNCS: readonly SpoolSync[] = ["none", "interval", "always"];
const LIVES_LIMIT = 4;
const STEPS_LIMIT = 60;
const STEP_MS = 40;
const DESTINATION = "reader";

export interface TornRun {
  readonly kills: number;
  readonly powerCuts: number;
  /** Chunks that the spool said it kept, and those of them that a power cut took. */
  readonly kept: number;
  readonly forgotten: number;
  /** Chunks that came to the reader more than once, and that it left out. */
  readonly repeated: number;
  readonly bytesTorn: number;
  /** Chunks kept that need a dictionary. */
  readonly byDictionary: number;
  /** What is wrong; empty: nothing. */
  readonly complaints: readonly string[];
}

const channels = new Channels();
channels.add({ group: "239.1.1.1", port: 1, feed: "nse-fo", stream: 1, line: 0 });
/** What the writing process knows. */
const writer = freshZstd();
writer.dictionaries.choose({ isOff: false, preferred: [ownDictionary(1)] });
const packers = {
  raw: new ChunkPacker(channels, writer, "raw"),
  columns: new ChunkPacker(channels, writer),
};
const MESSAGES = smallMarket({ frames: 400 })
  .expected()
  .map(([payload]) => Uint8Array.fromHex(payload));
/** So few messages are packed by a dictionary. */
const MESSAGES_A_CHUNK = 20;

/** What does not get smaller, and may be large. */
function noise(random: Random, number: number): FrameBatch {
  const bytes = new Uint8Array(random.chance(0.1) ? 20_000 : 1 + random.below(900));
  for (let at = 0; at < bytes.length; at++) bytes[at] = random.below(256);
  const frames = new FrameBatch(1);
  frames.reset(bytes);
  frames.add(0, bytes.length, number, 0, 0);
  return frames;
}

function messages(random: Random, number: number): FrameBatch {
  const from = random.below(MESSAGES.length - MESSAGES_A_CHUNK);
  const taken = MESSAGES.slice(from, from + MESSAGES_A_CHUNK);
  const frames = new FrameBatch(taken.length);
  frames.reset(Buffer.concat(taken));
  let offset = 0;
  for (const { length } of taken) {
    frames.add(offset, length, number, 0, 0);
    offset += length;
  }
  return frames;
}

function chunk(random: Random, boot: number, number: number): PackedChunk {
  const isNoise = random.chance(0.7);
  const frames = isNoise ? noise(random, number) : messages(random, number);
  const packer = isNoise ? packers.raw : packers.columns;
  const title = { kind: "live", collector: "colo-1", boot, number, oldest: 1 } as const;
  const place = { previous: number - 1, feed: "nse-fo", stream: 1, session: "" };
  const numbers = { firstSequence: 0, lastSequence: 0, runs: [], copies: 0, runsDropped: 0 };
  return packer.pack({ ...title, ...place, ...numbers, clock: "kernel" }, frames);
}

const keyOf = ({ header }: PackedChunk) => `${header.boot}/${header.number}`;

class TornWorld {
  kills = 0;
  powerCuts = 0;
  kept = 0;
  forgotten = 0;
  repeated = 0;
  bytesTorn = 0;
  byDictionary = 0;
  readonly complaints: string[] = [];
  private readonly random: Random;
  private readonly disk: FaultyDisk;
  private readonly sync: SpoolSync;
  private readonly written = new Map<string, PackedChunk>();
  /** Chunks that the spool said it kept. */
  private readonly owed = new Set<string>();
  private readonly read = new Set<string>();
  private spool: SpoolCore;
  private nowMs = 1000;

  constructor(seed: number, Disk: typeof FaultyDisk) {
    this.random = new Random(seed);
    const errorRate = this.random.chance(0.3) ? 0.05 : 0;
    this.disk = new Disk({ errorRate }, seed);
    this.sync = SYNCS[this.random.below(SYNCS.length)];
    this.spool = this.open(writer);
  }

  run(): TornRun {
    const lives = 1 + this.random.below(LIVES_LIMIT);
    for (let boot = 1; boot <= lives; boot++) {
      this.live(boot, STEPS_LIMIT);
      this.die();
      const reader = freshZstd();
      this.judgeDisk(this.open(reader), reader);
      this.spool = this.open(writer);
    }
    this.live(lives + 1, 0);
    for (const key of this.owed) {
      if (!this.read.has(key)) this.complaints.push(`${key} was kept, and never came`);
    }
    return this;
  }

  private open({ dictionaries }: Zstd): SpoolCore {
    this.disk.restart();
    const options = { segmentBytes: 6000, bytesLimit: 2 ** 30, sync: this.sync, syncMs: 100 };
    return new SpoolCore(this.disk, options, dictionaries);
  }

  /** @param steps chunks written at most; with none, all that is left is sent */
  private live(boot: number, steps: number): void {
    const { random, spool } = this;
    const forward = new ForwardCore(DESTINATION, boot, spool, false, this.nowMs * 1e6);
    const underWay: Outgoing[] = [];
    if (random.chance(0.8) && steps > 0) this.disk.bytesToKill = random.below(40_000);
    for (let number = 1; number <= steps && !this.disk.isKilled; number++) {
      this.nowMs += STEP_MS;
      this.disk.nowMs = this.nowMs;
      const next = chunk(random, boot, number);
      this.written.set(keyOf(next), next);
      const isKept = spool.appendAt(next, this.nowMs);
      if (this.disk.isKilled) return;
      if (isKept) {
        this.kept++;
        this.owed.add(keyOf(next));
        if (next.header.dictionary !== "") this.byDictionary++;
      }
      forward.offer(next);
      if (random.chance(0.6)) this.send(forward, underWay, 1 + random.below(4));
      if (random.chance(0.5)) spool.tend(this.nowMs);
    }
    if (steps === 0) {
      while (this.send(forward, underWay, 64) > 0 || underWay.length > 0);
    }
  }

  /** @returns how many were handed over */
  private send(forward: ForwardCore, underWay: Outgoing[], count: number): number {
    const acknowledged = underWay.splice(0, this.random.below(underWay.length + 2));
    for (const { sent } of acknowledged) forward.taken(sent, this.nowMs * 1e6);
    for (let at = 0; at < count; at++) {
      const next = forward.next(this.nowMs * 1e6);
      if (next === undefined) return at;
      underWay.push(next);
      this.take(next.chunk);
    }
    return count;
  }

  /** The reader: knows chunks by boot and number. */
  private take(came: PackedChunk): void {
    const key = keyOf(came);
    const written = this.written.get(key);
    if (written === undefined || !Bun.deepEquals(written.bytes, came.bytes)) {
      this.complaints.push(`${key} came with other bytes than were written`);
    }
    if (this.read.has(key)) this.repeated++;
    this.read.add(key);
  }

  private die(): void {
    if (!this.disk.isKilled && this.random.chance(0.2)) {
      this.spool.close();
      return;
    }
    if (this.random.chance(0.4)) {
      this.powerCuts++;
      this.disk.cutPower();
      return;
    }
    this.kills++;
    this.disk.kill();
  }

  /** What is on the disk after the spool was opened again, by somebody who knows nothing else. */
  private judgeDisk(spool: SpoolCore, reader: Zstd): void {
    this.bytesTorn += spool.bytesTorn;
    for (const key of this.owed) {
      const [boot, number] = key.split("/").map(Number);
      const bytes = spool.read(boot, number);
      const isSame = bytes !== undefined && Bun.deepEquals(bytes, this.written.get(key)?.bytes);
      if (bytes !== undefined && !isSame) this.complaints.push(`${key} is not what was written`);
      if (isSame || this.read.has(key)) continue;
      this.owed.delete(key);
      this.forgotten++;
      if (this.powerCuts === 0) this.complaints.push(`${key} was kept, and a kill took it`);
      if (this.sync === "always") this.complaints.push(`${key} was synced, and is gone`);
    }
    this.judgeDictionaries(spool, reader);
    this.judgeFiles();
  }

  /** Whatever chunk is there, also one that was never said to be kept, has what it needs. */
  private judgeDictionaries(spool: SpoolCore, reader: Zstd): void {
    // Nobody synced them.
    if (this.powerCuts > 0 && this.sync === "none") return;
    const unpacker = new ChunkUnpacker(new Channels(), reader);
    for (const boot of spool.boots) {
      for (let number = spool.oldest(boot); number <= spool.newest(boot); number++) {
        const bytes = spool.read(boot, number);
        const found = bytes === undefined ? undefined : unpacker.unpack(bytes);
        if (!(found instanceof ChunkFault)) continue;
        this.complaints.push(`${boot}/${number} is there and cannot be read: ${found.message}`);
      }
    }
  }

  private judgeFiles(): void {
    if (this.powerCuts > 0) return;
    for (const { name, bytes } of this.disk.list().filter((one) => one.name.endsWith(".ebch"))) {
      const block = new Uint8Array(bytes);
      this.disk.read(name, block, 0);
      const splitter = new ChunkSplitter(() => {});
      splitter.push(block);
      splitter.finish();
      if (splitter.damages > 0) this.complaints.push(`${name} holds what is no chunk`);
    }
  }
}

/** @param Disk a broken one shows that the run sees it */
export function tornRun(seed: number, Disk = FaultyDisk): TornRun {
  return new TornWorld(seed, Disk).run();
}
