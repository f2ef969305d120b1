/**
 * What every consumer that rebuilds books offline does with what is read: frames and files into the one
 * pipeline, repairs that came as chunks into its sequencer. Who extends it opens the pipeline and takes
 * what comes out.
 */
import { BookPipeline, type PipelineOptions } from "../book/pipeline.ts";
import type { ChunkHeader } from "../frames/chunk-header.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import type { Opened } from "./offline.ts";
import { OfflineRepairs } from "./offline-repairs.ts";

export abstract class OfflineBooks {
  private books: BookPipeline | undefined;
  private repairs: OfflineRepairs | undefined;

  /** The pipeline; there from `open` on. */
  get pipeline(): BookPipeline {
    if (!this.books) throw new Error("nothing has been opened");
    return this.books;
  }

  frames(batch: FrameBatch): void {
    this.books?.push(batch);
    this.repairs?.advance();
  }

  heard(header: ChunkHeader): void {
    this.repairs?.heard(header);
  }

  requested(header: ChunkHeader, frames: FrameBatch): void {
    this.repairs?.take(header, frames);
  }

  fileBytes(bytes: Uint8Array, from: number, to: number): number {
    return this.pipeline.pushFileMessages(bytes, from, to);
  }

  finish(): void {
    this.books?.finish();
    this.flush();
  }

  /** Hands on the rows made so far. */
  abstract flush(): void;

  protected openBooks({ feed, channels }: Opened, options: PipelineOptions): void {
    this.books = new BookPipeline(feed, channels, options);
    this.repairs = new OfflineRepairs(feed, this.books.sequencer);
  }
}
