/**
 * Chunks kept in memory for a while, so that the usual way reads no disk, and so that a disk that
 * takes nothing costs no chunk at once. Those that the spool has go first; of those that it does not
 * have, the oldest go when their bytes pass the limit, and are counted where they are missed.
 */
import type { PackedChunk } from "../frames/chunk.ts";

const CHUNKS_LIMIT = 256;
const BYTES_LIMIT = 32 << 20;
/** Of chunks that are nowhere else. */
const UNKEPT_BYTES_LIMIT = 64 << 20;

export class FreshChunks {
  private readonly kept = new Map<number, PackedChunk>();
  private readonly unkept = new Map<number, PackedChunk>();
  private keptBytes = 0;
  private unkeptBytes = 0;

  /** Bytes of chunks that are nowhere else. */
  get bytesUnkept(): number {
    return this.unkeptBytes;
  }

  /** @param isKept the spool has it */
  add(chunk: PackedChunk, isKept: boolean): void {
    if (isKept) {
      this.keep(chunk);
      return;
    }
    this.unkept.set(chunk.header.number, chunk);
    this.unkeptBytes += chunk.bytes.length;
    for (const old of this.unkept.keys()) {
      if (this.unkeptBytes <= UNKEPT_BYTES_LIMIT) break;
      this.drop(old);
    }
  }

  get(number: number): PackedChunk | undefined {
    return this.kept.get(number) ?? this.unkept.get(number);
  }

  /** It is with the destination: what is nowhere else may go like any other. */
  sent(number: number): void {
    const chunk = this.drop(number);
    if (chunk !== undefined) this.keep(chunk);
  }

  private keep(chunk: PackedChunk): void {
    this.kept.set(chunk.header.number, chunk);
    this.keptBytes += chunk.bytes.length;
    for (const [old, { bytes }] of this.kept) {
      if (this.kept.size <= CHUNKS_LIMIT && this.keptBytes <= BYTES_LIMIT) break;
      this.keptBytes -= bytes.length;
      this.kept.delete(old);
    }
  }

  private drop(number: number): PackedChunk | undefined {
    const chunk = this.unkept.get(number);
    if (chunk === undefined) return undefined;
    this.unkeptBytes -= chunk.bytes.length;
    this.unkept.delete(number);
    return chunk;
  }
}
