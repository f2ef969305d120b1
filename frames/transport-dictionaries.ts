/**
 * A chunk waits until its dictionary is here, or was asked for in vain. From then on it is only asked for
 * now and then while chunks go on: they must not stop for dictionaries that do not exist, whoever names them.
 */
import { ChunkFault, readChunkHeader } from "./chunk.ts";
import { type Dictionaries, feedOfDictionary } from "./dictionary.ts";

const AGAIN_MS = 2000;
/** So many are waited for in vain within a minute: whoever makes up names stops chunks for a part of it. */
const VAIN_WAITS = 8;
const VAIN_WAITS_MS = 60_000;
/** Names that were asked for in vain; the newest are remembered. */
const VAIN_LIMIT = 64;

export class DictionaryFetch {
  private readonly dictionaries: Dictionaries;
  private readonly ask: (name: string) => Promise<void>;
  /** By name: when it was asked for last. */
  private readonly vainMs = new Map<string, number>();
  /** When somebody began to wait in vain, within the last minute. */
  private vainWaitsMs: number[] = [];
  /** Something is asked for that no chunk waits for. */
  private isAsking = false;

  /** @param ask resolves when the dictionary was learned, or is nowhere; waits for a moment at most */
  constructor(dictionaries: Dictionaries, ask: (name: string) => Promise<void>) {
    this.dictionaries = dictionaries;
    this.ask = ask;
  }

  /**
   * Resolves when the chunk can go on; undefined: at once.
   * @param nowMs any clock that does not step back
   */
  fetchFor(chunk: Uint8Array, nowMs: number): Promise<void> | undefined {
    const read = readChunkHeader(chunk);
    if (read instanceof ChunkFault) return undefined;
    const { dictionary: name } = read.header;
    if (feedOfDictionary(name) === undefined || this.dictionaries.get(name) !== undefined) {
      return undefined;
    }
    const askedMs = this.vainMs.get(name);
    if (askedMs === undefined) return this.wait(name, nowMs);
    if (!this.isAsking && nowMs - askedMs >= AGAIN_MS) this.askAside(name, nowMs);
    return undefined;
  }

  private askAside(name: string, nowMs: number): void {
    this.vainMs.set(name, nowMs);
    this.isAsking = true;
    const done = () => {
      this.isAsking = false;
    };
    this.ask(name).then(done, done);
  }

  private wait(name: string, nowMs: number): Promise<void> | undefined {
    this.vainWaitsMs = this.vainWaitsMs.filter((ms) => nowMs - ms < VAIN_WAITS_MS);
    return this.vainWaitsMs.length < VAIN_WAITS ? this.bring(name, nowMs) : undefined;
  }

  private async bring(name: string, nowMs: number): Promise<void> {
    await this.ask(name);
    if (this.dictionaries.get(name) !== undefined) return;
    this.vainMs.set(name, nowMs);
    this.vainWaitsMs.push(nowMs);
    for (const oldest of this.vainMs.keys()) {
      if (this.vainMs.size <= VAIN_LIMIT) break;
      this.vainMs.delete(oldest);
    }
  }
}
