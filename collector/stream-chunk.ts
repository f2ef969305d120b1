/** The chunk that a stream is filling: frames copied out of the batches they came in. */
import { FrameBatch } from "../frames/frame-batch.ts";
import { LineRuns } from "./line-runs.ts";

/** With columns and header beside it, a chunk of this much payload stays under 1 MiB for any bytes. */
export const CHUNK_PAYLOAD_LIMIT = 768 << 10;
export const CHUNK_FRAMES = 8192;
/** Runs of numbers in one header; a stream with more holes than this in one chunk counts them. */
const RUNS_LIMIT = 1024;
const FIRST_BYTES = 16 << 10;

/** Copies without making a view of the source: a datagram must cost no object. */
const copyBytes = Buffer.prototype.copy as (
  this: Uint8Array,
  target: Uint8Array,
  targetStart: number,
  from: number,
  to: number,
) => number;

export class StreamChunk {
  readonly stream: number;
  readonly runs = new LineRuns(RUNS_LIMIT);
  /** When its first frame or copy came. */
  openedNs = 0;
  copies = 0;
  /** Number of the stream's chunk before this one. */
  previous = 0;
  session = "";
  /** Of the frame that was added last, also of a former chunk: its channel and capture time. */
  channel = 0;
  sec = 0;
  nsec = 0;
  firstSequence = 0;
  lastSequence = 0;
  private batch = new FrameBatch(64);
  private bytes = new Uint8Array(FIRST_BYTES);
  private used = 0;

  constructor(stream: number) {
    this.stream = stream;
    this.batch.reset(this.bytes);
  }

  get isEmpty(): boolean {
    return this.batch.count === 0 && this.copies === 0;
  }

  get frames(): FrameBatch {
    return this.batch;
  }

  /** False if the frame has to begin the next chunk. */
  hasRoom(length: number): boolean {
    return this.batch.count < CHUNK_FRAMES && this.used + length <= CHUNK_PAYLOAD_LIMIT;
  }

  addFrame(from: FrameBatch, at: number): void {
    const length = from.length[at];
    if (this.batch.count === this.batch.capacity) this.growFrames();
    if (this.used + length > this.bytes.length) this.growBytes(this.used + length);
    const start = from.offset[at];
    copyBytes.call(from.bytes, this.bytes, this.used, start, start + length);
    this.channel = from.channel[at];
    this.sec = from.sec[at];
    this.nsec = from.nsec[at];
    this.batch.add(this.used, length, this.sec, this.nsec, this.channel);
    this.used += length;
  }

  addNumbers(channel: number, first: number, last: number): void {
    if (this.firstSequence === 0 || first < this.firstSequence) this.firstSequence = first;
    if (last > this.lastSequence) this.lastSequence = last;
    this.runs.add(channel, first, last);
  }

  /** Begins the next chunk of the stream. */
  reset(): void {
    this.batch.reset(this.bytes);
    this.used = 0;
    this.copies = 0;
    this.firstSequence = 0;
    this.lastSequence = 0;
  }

  private growBytes(needed: number): void {
    const grown = new Uint8Array(Math.max(needed, this.bytes.length * 2));
    grown.set(this.bytes);
    this.bytes = grown;
    const { count } = this.batch;
    this.batch.reset(grown);
    this.batch.count = count;
  }

  private growFrames(): void {
    const old = this.batch;
    this.batch = new FrameBatch(old.capacity * 4);
    this.batch.reset(this.bytes);
    this.batch.offset.set(old.offset);
    this.batch.length.set(old.length);
    this.batch.sec.set(old.sec);
    this.batch.nsec.set(old.nsec);
    this.batch.channel.set(old.channel);
    this.batch.count = old.count;
  }
}
