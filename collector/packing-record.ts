/**
 * A closed chunk as bytes, on its way to the thread that packs it. It never leaves this process.
 *
 *     u32       bytes of the title, frames, bytes of the payloads, kind: 0
 *     u32 × n   length of each frame, then seconds, nanoseconds, channel of each
 *     bytes     the payloads, one after another
 *     JSON      the title
 *
 * Of kind 1 it is a segment of the spool to be compressed when there is time: its JSON alone.
 *
 * Assumes little-endian, and that channels have the same index on both sides.
 */
import type { Channel } from "../frames/channels.ts";
import type { ChunkCodec, ChunkTitle } from "../frames/chunk.ts";
import type { DictionaryChoice } from "../frames/dictionary.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import type { RepackJob } from "./packing.ts";

const HEAD_BYTES = 16;
const COLUMNS = 4;
const JOB = 1;
/** A record begins at an address that words can lie at. */
const ALIGNMENT = 4;

/** What the thread that packs is begun with. */
export interface PackingSetup {
  readonly channels: readonly Channel[];
  readonly codec: ChunkCodec | undefined;
  /** What small chunks are packed by. */
  readonly dictionaries: DictionaryChoice;
  /** Where packed chunks go. */
  readonly results: SharedArrayBuffer;
  /** Words: `ABANDONED`, `OFFERED`. */
  readonly words: SharedArrayBuffer;
  /** Of the records offered, those that nobody has to take any more. */
  readonly taken: number;
}

/** Low bits of the newest number that nobody waits for any more. */
export const ABANDONED = 0;
/** Records put into the ring so far. */
export const OFFERED = 1;
export const SHARED_WORDS = 2;

/** What stands before a chunk in the ring of results: its number, as a double. */
export const RESULT_HEAD_BYTES = 8;

/** In the place of a number: what follows is a segment's result, as JSON. */
export const SEGMENT_RESULT = -1;

export interface ChunkRecord {
  readonly title: ChunkTitle;
  /** Valid until the next record is read. */
  readonly frames: FrameBatch;
}

/**
 * A record in memory of its own, so that the chunk's frames may go.
 * @param spare memory to be used if it is enough
 */
export function writeRecord(
  title: ChunkTitle,
  frames: FrameBatch,
  spare?: Uint8Array<ArrayBuffer>,
): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(JSON.stringify(title));
  const { count, offset, length } = frames;
  let payloadBytes = 0;
  for (let i = 0; i < count; i++) payloadBytes += length[i];
  const columnsBytes = count * COLUMNS * 4;
  const recordBytes = HEAD_BYTES + columnsBytes + payloadBytes + text.length;
  const room = (spare?.buffer.byteLength ?? 0) < recordBytes ? undefined : spare?.buffer;
  const record = new Uint8Array(
    room ?? new ArrayBuffer(recordBytes + (recordBytes >> 2)),
    0,
    recordBytes,
  );
  const words = new Uint32Array(record.buffer, 0, (HEAD_BYTES + columnsBytes) >> 2);
  words.set([text.length, count, payloadBytes, 0]);
  const columns = [length, frames.sec, frames.nsec, frames.channel];
  columns.forEach((column, at) => {
    words.set(column.subarray(0, count), HEAD_BYTES / 4 + at * count);
  });
  let at = HEAD_BYTES + columnsBytes;
  for (let i = 0; i < count; ) {
    // Frames of an open chunk stand one behind the other.
    const start = offset[i];
    let end = start;
    for (; i < count && offset[i] === end; i++) end += length[i];
    record.set(frames.bytes.subarray(start, end), at);
    at += end - start;
  }
  record.set(text, at);
  return record;
}

export function writeJob(job: RepackJob): Uint8Array {
  const text = new TextEncoder().encode(JSON.stringify(job));
  const record = new Uint8Array(HEAD_BYTES + text.length);
  new Uint32Array(record.buffer, 0, HEAD_BYTES / 4).set([text.length, 0, 0, JOB]);
  record.set(text, HEAD_BYTES);
  return record;
}

/** The job that a record is; undefined if it is a chunk's. */
export function readJob(record: Uint8Array): RepackJob | undefined {
  const head = new Uint32Array(record.buffer, record.byteOffset, HEAD_BYTES / 4);
  if (head[3] !== JOB) return undefined;
  const text = record.slice(HEAD_BYTES, HEAD_BYTES + head[0]);
  return JSON.parse(new TextDecoder().decode(text)) as RepackJob;
}

/** Reads records; keeps its batch from one to the next. */
export class RecordReader {
  private batch = new FrameBatch(4096);

  /** @param record may lie in shared memory */
  read(record: Uint8Array): ChunkRecord {
    if (record.byteOffset % ALIGNMENT !== 0) throw new RangeError("a record lies askew");
    const head = new Uint32Array(record.buffer, record.byteOffset, HEAD_BYTES / 4);
    const [textBytes, count, payloadBytes] = head;
    if (this.batch.capacity < count) this.batch = new FrameBatch(count * 2);
    const { batch } = this;
    const columnsAt = record.byteOffset + HEAD_BYTES;
    const column = (at: number) =>
      new Uint32Array(record.buffer, columnsAt + at * count * 4, count);
    const payloadsAt = HEAD_BYTES + count * COLUMNS * 4;
    batch.reset(record.subarray(payloadsAt, payloadsAt + payloadBytes));
    batch.length.set(column(0));
    batch.sec.set(column(1));
    batch.nsec.set(column(2));
    batch.channel.set(column(3));
    for (let i = 0, at = 0; i < count; at += batch.length[i], i++) batch.offset[i] = at;
    batch.count = count;
    // What decodes text takes no shared memory.
    const text = record.slice(payloadsAt + payloadBytes, payloadsAt + payloadBytes + textBytes);
    return { title: JSON.parse(new TextDecoder().decode(text)) as ChunkTitle, frames: batch };
  }
}
