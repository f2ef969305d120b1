/** Which dictionaries a shard has in its present life, as far as its owner can know without asking. */
import { DICTIONARIES_LIMIT } from "../../frames/dictionary.ts";

/**
 * A shard keeps twice as many, those used last; but where chunks wait for one another it uses them in
 * another order than they were sent in.
 */
const TOLD_LIMIT = DICTIONARIES_LIMIT / 2;

export class ToldDictionaries {
  /** The one used last stands last. */
  private readonly names = new Set<string>();

  /** A chunk that needs it is about to be sent. True: the shard has to be told of it first. */
  use(name: string): boolean {
    const isTold = this.names.delete(name);
    this.names.add(name);
    for (const oldest of this.names) {
      if (this.names.size <= TOLD_LIMIT) break;
      this.names.delete(oldest);
    }
    return !isTold;
  }

  /** A life begins: it knows nothing of what earlier ones were told. */
  clear(): void {
    this.names.clear();
  }
}
