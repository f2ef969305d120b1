/**
 * Edge: packs closed chunks on a thread of its own. Receiving only copies a closed chunk into a ring
 * in shared memory; what comes back is handed on in the order of the numbers.
 *
 * Where that thread is not in time (no core for it, more than it can pack, or it died) chunks are
 * stored: laid out raw and not compressed, which costs a copy and a checksum. So what waits is
 * bounded by `WAITING_BYTES_LIMIT` or `PATIENCE_NS`, whichever comes first, and nothing is ever lost
 * with the thread: each record is kept until its chunk is there.
 */
import { ByteRing } from "../actors/byte-ring.ts";
import { WorkerEdge } from "../actors/worker-edge.ts";
import type { Channels } from "../frames/channels.ts";
import {
  type ChunkCodec,
  ChunkFault,
  ChunkPacker,
  type ChunkTitle,
  type PackedChunk,
  readChunkHeader,
} from "../frames/chunk.ts";
import { CHUNK_BYTES_LIMIT } from "../frames/chunk-header.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import type { Zstd } from "../frames/zstd-port.ts";
import { StoredZstd } from "../frames/zstd-stored.ts";
import type { ChunkPacking, RepackJob, RepackResult, TakePacked } from "./packing.ts";
import {
  ABANDONED,
  OFFERED,
  type PackingSetup,
  RESULT_HEAD_BYTES,
  RecordReader,
  SEGMENT_RESULT,
  SHARED_WORDS,
  writeJob,
  writeRecord,
} from "./packing-record.ts";
import type { SegmentPacker } from "./spool-repack.ts";

const RECORDS_BYTES = 16 << 20;
const RESULTS_BYTES = 16 << 20;
/** A chunk is stored rather than that those behind it wait longer for it. */
const PATIENCE_NS = 250e6;
const WAITING_BYTES_LIMIT = 32 << 20;
/** After that, the other thread gets nothing for so long. */
const REST_NS = 1e9;
const TICK_NS = 100e6;
const SPARE_RECORDS = 4;

/** A chunk that has not gone on: packed, or with the other thread, by its record. */
interface Waiting {
  readonly number: number;
  readonly sinceNs: number;
  record: Uint8Array<ArrayBuffer> | undefined;
  packed: PackedChunk | undefined;
}

export class ThreadPacking implements ChunkPacking, SegmentPacker {
  /** Chunks that were stored as they are, to be compressed later. */
  stored = 0;
  /** Set while receiving is behind: chunks are stored at once. */
  isHurried = false;
  private readonly channels: Channels;
  private readonly zstd: Zstd;
  private readonly codec: ChunkCodec | undefined;
  private readonly done: TakePacked;
  private readonly storing: ChunkPacker;
  private readonly reader = new RecordReader();
  private readonly worker: WorkerEdge;
  private readonly results = new ByteRing(ByteRing.allocate(RESULTS_BYTES));
  private readonly words = new Int32Array(new SharedArrayBuffer(SHARED_WORDS * 4));
  private readonly waiting: Waiting[] = [];
  private lent = new Uint8Array(0);
  private waitingBytes = 0;
  /** Memory of records whose chunks are there. */
  private readonly spare: Uint8Array<ArrayBuffer>[] = [];
  private segmentDone: ((result: RepackResult | undefined) => void) | undefined;
  private nowNs: number;
  private tickNs = 0;
  private restUntilNs = 0;
  /** Channels that the other thread knows. */
  private known = 0;

  /** @param codec as of `ChunkPacker`, for the other thread */
  constructor(
    channels: Channels,
    zstd: Zstd,
    codec: ChunkCodec | undefined,
    done: TakePacked,
    nowNs: number,
  ) {
    this.channels = channels;
    this.zstd = zstd;
    this.codec = codec;
    this.done = done;
    this.nowNs = nowNs;
    this.storing = new ChunkPacker(channels, new StoredZstd(zstd), "raw");
    this.worker = new WorkerEdge(
      {
        name: "packing",
        module: new URL("./packing-worker.ts", import.meta.url),
        ringBytes: RECORDS_BYTES,
        policy: "block",
        setup: () => this.setup(),
      },
      // What it died of may be in the ring; all of it is here once more.
      { beforeRestart: (_life, ring) => ring.clear(), onFailed: () => this.recover() },
    );
  }

  pack(title: ChunkTitle, frames: FrameBatch): void {
    const { number } = title;
    const isIdle = !this.isHurried && this.nowNs >= this.restUntilNs;
    if (isIdle && this.channels.list.length === this.known) {
      const record = writeRecord(title, frames, this.spare.pop());
      if (this.send(record)) {
        this.waiting.push({ number, sinceNs: this.nowNs, record, packed: undefined });
        this.waitingBytes += record.length;
        return;
      }
      this.spare.push(record);
    }
    this.stored++;
    if (this.waiting.length === 0) {
      this.done(this.storing.packLent(title, frames), true);
      return;
    }
    const packed = this.storing.pack(title, frames);
    this.waiting.push({ number, sinceNs: this.nowNs, record: undefined, packed });
    this.waitingBytes += packed.bytes.length;
  }

  /** Takes what came back; to be called often. @param nowNs any clock that does not step back */
  turn(nowNs: number): void {
    this.nowNs = nowNs;
    if (nowNs >= this.tickNs) {
      this.tickNs = nowNs + TICK_NS;
      // Only now, when somebody receives, so that a start that fails leaves no thread behind.
      this.worker.start(nowNs);
      this.worker.tick(nowNs);
    }
    for (let result = this.results.peek(); result !== undefined; result = this.results.peek()) {
      this.takeResult(result);
      this.results.release();
    }
    const oldest = this.waiting[0];
    if (oldest === undefined) return;
    const isLate = nowNs - oldest.sinceNs > PATIENCE_NS || this.waitingBytes > WAITING_BYTES_LIMIT;
    if (isLate) this.takeOver();
  }

  compress(job: RepackJob, done: (result: RepackResult | undefined) => void): boolean {
    const isBusy = this.waiting.length > 0 || this.isHurried || this.nowNs < this.restUntilNs;
    if (isBusy || this.segmentDone !== undefined || this.worker.phase !== "running") return false;
    if (!this.send(writeJob(job))) return false;
    this.segmentDone = done;
    return true;
  }

  /** Chunks that have not gone on. */
  get depth(): number {
    return this.waiting.length;
  }

  /** Ends the other thread; what it had is packed here, with time for it. */
  finish(): void {
    this.turn(this.nowNs);
    this.worker.stop("now", this.nowNs, 0);
    this.worker.tick(this.nowNs + 1);
    this.takeOver(new ChunkPacker(this.channels, this.zstd, this.codec));
  }

  private setup(): PackingSetup {
    this.known = this.channels.list.length;
    return {
      channels: [...this.channels.list],
      codec: this.codec,
      dictionaries: this.zstd.dictionaries.choice,
      results: this.results.shared,
      words: this.words.buffer as SharedArrayBuffer,
      taken: (Atomics.load(this.words, OFFERED) - this.worker.mailbox.depth) | 0,
    };
  }

  private send(record: Uint8Array): boolean {
    if (this.worker.send(record) !== "taken") return false;
    Atomics.add(this.words, OFFERED, 1);
    return true;
  }

  private recover(): void {
    this.takeOver();
    this.endSegment(undefined);
  }

  private endSegment(result: RepackResult | undefined): void {
    const done = this.segmentDone;
    this.segmentDone = undefined;
    done?.(result);
  }

  private takeResult(result: Uint8Array): void {
    const number = new DataView(result.buffer, result.byteOffset).getFloat64(0, true);
    if (number === SEGMENT_RESULT) {
      const text = new TextDecoder().decode(result.slice(RESULT_HEAD_BYTES));
      this.endSegment(JSON.parse(text) as RepackResult);
      return;
    }
    const place = this.waiting.findIndex((one) => one.number === number);
    // Nobody waits for it any more.
    if (place < 0 || this.waiting[place].packed !== undefined) return;
    // The oldest goes on at once, so that its bytes need not be kept.
    const bytes = place === 0 ? this.lend(result) : result.slice(RESULT_HEAD_BYTES);
    const found = readChunkHeader(bytes);
    if (found instanceof ChunkFault) return;
    const packed = { header: found.header, bytes };
    this.fill(this.waiting[place], packed);
    if (place > 0) return;
    this.waiting.shift();
    this.waitingBytes -= bytes.length;
    this.done(packed, true);
    this.handOn();
  }

  /** The chunk of a result, in memory that the next one takes. */
  private lend(result: Uint8Array): Uint8Array {
    const length = result.length - RESULT_HEAD_BYTES;
    if (this.lent.length < length) this.lent = new Uint8Array(CHUNK_BYTES_LIMIT);
    this.lent.set(result.subarray(RESULT_HEAD_BYTES));
    return this.lent.subarray(0, length);
  }

  private fill(waiting: Waiting, packed: PackedChunk): void {
    this.waitingBytes += packed.bytes.length - (waiting.record?.length ?? 0);
    if (waiting.record !== undefined && this.spare.length < SPARE_RECORDS) {
      this.spare.push(waiting.record);
    }
    waiting.record = undefined;
    waiting.packed = packed;
  }

  /** Nobody waits for the other thread: what it has not packed is packed here. */
  private takeOver(packer = this.storing): void {
    this.restUntilNs = this.nowNs + REST_NS;
    for (const waiting of this.waiting) {
      if (waiting.record === undefined) continue;
      Atomics.store(this.words, ABANDONED, waiting.number | 0);
      const { title, frames } = this.reader.read(waiting.record);
      if (packer === this.storing) this.stored++;
      this.fill(waiting, packer.pack(title, frames));
    }
    this.handOn();
  }

  private handOn(): void {
    let count = 0;
    for (; this.waiting[count]?.packed !== undefined; count++) {
      const packed = this.waiting[count].packed as PackedChunk;
      this.waitingBytes -= packed.bytes.length;
      this.done(packed);
    }
    if (count > 0) this.waiting.splice(0, count);
  }
}
