/**
 * Tells collectors how far the books are, when they have moved; nothing queues for a lost broker. A
 * collector sends only so many chunks beyond what it was told, so what comes fast is told soon: by time
 * alone the books of many busy streams would fall behind for ever.
 */
import type { Position } from "../frames/transport.ts";

export interface PositionSource {
  readonly name: string;
  readonly connected?: boolean;
  publishPosition?(position: Position): Promise<void>;
}

/** A fraction of what a collector may have under way. */
const CHUNKS = 16;

export class PositionTeller {
  private readonly positions: () => readonly Position[];
  private readonly sources: readonly PositionSource[];
  /** By source and collector. */
  private readonly told = new Map<string, string>();
  private untold = 0;

  /** @param sources may still be filled */
  constructor(positions: () => readonly Position[], sources: readonly PositionSource[]) {
    this.positions = positions;
    this.sources = sources;
  }

  /** A chunk has come. */
  took(): void {
    if (++this.untold >= CHUNKS) this.publish();
  }

  publish(): void {
    this.untold = 0;
    for (const position of this.positions()) {
      for (const source of this.sources) {
        const key = `${source.name} ${position.collector}`;
        const place = `${position.boot}/${position.chunk}`;
        if (!source.connected || this.told.get(key) === place) continue;
        this.told.set(key, place);
        source.publishPosition?.(position).catch(() => this.told.delete(key));
      }
    }
  }
}
