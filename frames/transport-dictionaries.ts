/**
 * A chunk waits until its dictionary is here, or was asked for in vain: then nobody waits for that one for
 * a while. Chunks must not stop for dictionaries that do not exist, whoever names them.
 */
import { ChunkFault, readChunkHeader } from "./chunk.ts";
import { type Dictionaries, feedOfDictionary } from "./dictionary.ts";

const QUIET_MS = 60_000;
/** Within that time so many are asked for in vain: whoever makes up names stops chunks for a part of it. */
const QUIET_LIMIT = 8;

export class DictionaryFetch {
  private readonly dictionaries: Dictionaries;
  private readonly ask: (name: string) => Promise<void>;
  /** By name: until when it is not asked for; what was asked for first stands first. */
  private readonly quietUntilMs = new Map<string, number>();

  /** @param ask resolves when the dictionary was learned, or is nowhere; waits for some seconds at most */
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
    return this.isQuiet(name, nowMs) ? undefined : this.bring(name, nowMs);
  }

  private async bring(name: string, nowMs: number): Promise<void> {
    await this.ask(name);
    if (this.dictionaries.get(name) !== undefined) return;
    this.quietUntilMs.set(name, nowMs + QUIET_MS);
  }

  private isQuiet(name: string, nowMs: number): boolean {
    for (const [each, untilMs] of this.quietUntilMs) {
      if (untilMs > nowMs) break;
      this.quietUntilMs.delete(each);
    }
    return this.quietUntilMs.has(name) || this.quietUntilMs.size >= QUIET_LIMIT;
  }
}
