/** The collector's spool in memory: kept by size alone, as on disk. */
import type { PackedChunk } from "../../frames/chunk.ts";

export class MemorySpool {
  /** Chunks that made room for newer ones. */
  dropped = 0;
  private readonly chunks: PackedChunk[] = [];
  private readonly byNumber = new Map<string, PackedChunk>();
  private readonly limit: number;
  private bytes = 0;

  constructor(bytesLimit: number) {
    this.limit = bytesLimit;
  }

  append(chunk: PackedChunk): void {
    this.chunks.push(chunk);
    this.byNumber.set(keyOf(chunk.header.boot, chunk.header.number), chunk);
    this.bytes += chunk.bytes.length;
    while (this.bytes > this.limit && this.chunks.length > 1) {
      const oldest = this.chunks.shift()!;
      this.bytes -= oldest.bytes.length;
      this.byNumber.delete(keyOf(oldest.header.boot, oldest.header.number));
      this.dropped++;
    }
  }

  read(boot: number, number: number): PackedChunk | undefined {
    return this.byNumber.get(keyOf(boot, number));
  }

  /** Numbers of a boot that are there; 0: none. */
  oldest(boot: number): number {
    return this.chunks.find(({ header }) => header.boot === boot)?.header.number ?? 0;
  }

  newest(boot: number): number {
    return this.chunks.findLast(({ header }) => header.boot === boot)?.header.number ?? 0;
  }
}

const keyOf = (boot: number, number: number) => `${boot}/${number}`;
