/**
 * A chunk waits until its dictionary is here, or was asked for in vain: then nobody waits for that one for
 * a while. Chunks must not stop for dictionaries that do not exist, whoever names them.
 */
import { ChunkFault, readChunkHeader } from "./chunk.ts";
import { type Dictionaries, feedOfDictionary } from "./dictionary.ts";

const QUIET_MS = 60_000;
/** Within that time so many are asked for in vain, at most. */
const QUIET_LIMIT = 32;

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

  /** Resolves when the chunk can go on; undefined: at once. */
  fetchFor(chunk: Uint8Array): Promise<void> | undefined {
    const read = readChunkHeader(chunk);
    if (read instanceof ChunkFault) return undefined;
    const { dictionary: name } = read.header;
    if (feedOfDictionary(name) === undefined || this.dictionaries.get(name) !== undefined) {
      return undefined;
    }
    return this.isQuiet(name) ? undefined : this.fetch(name);
  }

  private async fetch(name: string): Promise<void> {
    await this.ask(name);
    if (this.dictionaries.get(name) !== undefined) return;
    this.quietUntilMs.set(name, performance.now() + QUIET_MS);
  }

  private isQuiet(name: string): boolean {
    const nowMs = performance.now();
    for (const [each, untilMs] of this.quietUntilMs) {
      if (untilMs > nowMs) break;
      this.quietUntilMs.delete(each);
    }
    return this.quietUntilMs.has(name) || this.quietUntilMs.size >= QUIET_LIMIT;
  }
}
