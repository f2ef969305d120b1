/**
 * The dictionaries beside a spool's segments, `NAME.zdict` each: written before the first chunk that
 * needs one, and never taken away, so that every chunk of the spool can be read by whoever has the folder.
 * What a power cut left of one is found when it is needed next, and written again.
 */
import { DICTIONARY_BYTES_LIMIT, type Dictionaries, feedOfDictionary } from "./dictionary.ts";
import type { SpoolFiles } from "./spool-files.ts";

export const DICTIONARY_ENDING = ".zdict";

export class SpoolDictionaries {
  private readonly files: SpoolFiles;
  private readonly dictionaries: Dictionaries;
  private readonly kept = new Set<string>();

  constructor(files: SpoolFiles, dictionaries: Dictionaries) {
    this.files = files;
    this.dictionaries = dictionaries;
  }

  /** What chunks of the feed are packed by. */
  nameFor(feed: string): string | undefined {
    return this.dictionaries.forFeed(feed)?.name;
  }

  /**
   * To be called before a chunk that needs it is written.
   * @param isSynced it is there after a power cut, too
   * @returns false if nobody has it: the chunk was packed elsewhere
   * @throws the disk's error
   */
  keep(name: string, isSynced: boolean): boolean {
    if (this.kept.has(name)) return true;
    this.learn(name);
    const dictionary = this.dictionaries.get(name);
    if (dictionary === undefined) return false;
    const file = `${name}${DICTIONARY_ENDING}`;
    if (!isSame(this.read(file), dictionary.bytes)) this.files.replace(file, dictionary.bytes);
    // Also one that was there: whoever wrote it may have ended before it was on the disk.
    if (isSynced) this.files.sync(file);
    this.kept.add(name);
    return true;
  }

  /** Whoever gets a chunk of an earlier life needs what that life wrote. */
  learn(name: string): void {
    if (feedOfDictionary(name) === undefined || this.dictionaries.get(name) !== undefined) return;
    const bytes = this.read(`${name}${DICTIONARY_ENDING}`);
    // One that is torn, or was put there by somebody: whoever needs it will say that it is missing.
    if (bytes !== undefined) this.dictionaries.learn(name, bytes);
  }

  private read(file: string): Uint8Array | undefined {
    const block = new Uint8Array(DICTIONARY_BYTES_LIMIT + 1);
    try {
      const length = this.files.read(file, block, 0);
      this.files.close(file);
      return block.subarray(0, length);
    } catch {
      return undefined;
    }
  }
}

function isSame(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a?.length === b.length && a.every((byte, at) => byte === b[at]);
}
