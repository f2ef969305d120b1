/**
 * Who packs the chunks that the core closes. At once, on the same thread, in the simulator and for
 * files; elsewhere, where receiving must not wait for it (`packing-edge.ts`).
 */
import type { ChunkPacker, ChunkTitle, PackedChunk } from "../frames/chunk.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";

export interface ChunkPacking {
  /** Takes a closed chunk, whose frames are valid during the call only. */
  pack(title: ChunkTitle, frames: FrameBatch): void;
}

/**
 * Takes packed chunks in the order of their numbers.
 * @param isLent its bytes are valid during the call only
 */
export type TakePacked = (chunk: PackedChunk, isLent?: boolean) => void;

export class InlinePacking implements ChunkPacking {
  private readonly packer: ChunkPacker;
  private readonly done: TakePacked;

  constructor(packer: ChunkPacker, done: TakePacked) {
    this.packer = packer;
    this.done = done;
  }

  pack(title: ChunkTitle, frames: FrameBatch): void {
    this.done(this.packer.pack(title, frames));
  }
}

/** A segment file of the spool in which stored chunks are to be compressed. */
export interface RepackJob {
  readonly path: string;
  /** The new file. */
  readonly into: string;
}

export interface RepackResult extends RepackJob {
  /** Of the new file; 0: there is none, since nothing became smaller, or the old one is damaged. */
  readonly bytes: number;
  /** Number of the last chunk that was read. */
  readonly last: number;
  readonly repacked: number;
  /** Of each chunk of the new file: its number, and how many bytes it has. */
  readonly places: readonly number[];
  /** What chunks that became smaller need now; to be kept before the new file takes its place. */
  readonly dictionaries: readonly string[];
}
