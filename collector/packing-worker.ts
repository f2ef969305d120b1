/**
 * Edge: the thread that packs closed chunks, so that receiving does not. It takes records
 * (`packing-record.ts`) from one ring and gives chunks into another. While no record waits it
 * compresses segments of the spool, a chunk at a time. It runs at the lowest priority: where cores
 * are short, receiving has them, and the other side stores what waits too long.
 */
import { ByteRing } from "../actors/byte-ring.ts";
import { serveChunks, type WorkerSelf } from "../actors/worker-loop.ts";
import { Channels } from "../frames/channels.ts";
import { ChunkPacker } from "../frames/chunk.ts";
import { ChunkRepacker } from "../frames/chunk-repack.ts";
import { openZstd } from "../frames/zstd.ts";
import { lowerPriority } from "./low-priority.ts";
import {
  ABANDONED,
  OFFERED,
  type PackingSetup,
  RESULT_HEAD_BYTES,
  RecordReader,
  readJob,
  SEGMENT_RESULT,
} from "./packing-record.ts";
import { SegmentRepack } from "./segment-repack.ts";

const WAIT_MS = 50;

serveChunks<PackingSetup>((setup, self) => {
  lowerPriority();
  return new PackingThread(setup, self);
});

class PackingThread {
  private readonly self: WorkerSelf;
  private readonly packer: ChunkPacker;
  private readonly repacker: ChunkRepacker;
  private readonly reader = new RecordReader();
  private readonly results: ByteRing;
  private readonly words: Int32Array;
  private result = new Uint8Array(1 << 16);
  private segment: SegmentRepack | undefined;
  private taken: number;

  constructor(setup: PackingSetup, self: WorkerSelf) {
    this.self = self;
    const channels = new Channels();
    for (const channel of setup.channels) channels.add(channel);
    const zstd = openZstd();
    zstd.dictionaries.choose(setup.dictionaries);
    this.packer = new ChunkPacker(channels, zstd, setup.codec);
    this.repacker = new ChunkRepacker(zstd, setup.codec);
    this.results = new ByteRing(setup.results);
    this.words = new Int32Array(setup.words);
    this.taken = setup.taken;
  }

  take(record: Uint8Array): void {
    this.taken = (this.taken + 1) | 0;
    const job = readJob(record);
    if (job === undefined) this.pack(record);
    else this.segment = new SegmentRepack(job, this.repacker);
    if (!this.isWanted) this.goOn();
  }

  idle(): void {
    while (this.segment !== undefined && !this.isWanted) {
      this.goOn();
      this.self.beat();
    }
  }

  /** A record waits. */
  private get isWanted(): boolean {
    return Atomics.load(this.words, OFFERED) !== this.taken;
  }

  private pack(record: Uint8Array): void {
    const { title, frames } = this.reader.read(record);
    const isAbandoned = () => ((Atomics.load(this.words, ABANDONED) - title.number) | 0) >= 0;
    if (!isAbandoned())
      this.give(title.number, this.packer.packLent(title, frames).bytes, isAbandoned);
  }

  private goOn(): void {
    const result = this.segment?.step();
    if (result === undefined) return;
    this.segment = undefined;
    this.give(SEGMENT_RESULT, new TextEncoder().encode(JSON.stringify(result)), () => false);
  }

  private give(number: number, bytes: Uint8Array, isAbandoned: () => boolean): void {
    const length = RESULT_HEAD_BYTES + bytes.length;
    if (this.result.length < length) this.result = new Uint8Array(length * 2);
    const { result, results, self } = this;
    new DataView(result.buffer).setFloat64(0, number, true);
    result.set(bytes, RESULT_HEAD_BYTES);
    while (!results.offer(result.subarray(0, length))) {
      if (isAbandoned()) return;
      results.waitForRoom(length, WAIT_MS);
      self.beat();
    }
  }
}
