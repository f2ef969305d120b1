/**
 * Trained zstd dictionaries: what bodies of small chunks of a feed begin with, as it were, so that zstd
 * need not learn it in each of them anew. A dictionary is named by its content: its feed, a dash, and
 * the first 8 bytes of its SHA-256 in hex. Who has one of that name has the right one.
 *
 * Whatever comes from outside is held against its name, and refused with a reason. Worst case: as many
 * dictionaries as the limit says, of the largest size; what was not used for longest goes first.
 */

/** One dictionary; whoever prepares it for use keeps that by this object. */
export interface Dictionary {
  readonly name: string;
  readonly feed: string;
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/** No dictionary is larger: what helps small chunks is small. */
export const DICTIONARY_BYTES_LIMIT = 128 << 10;
/** Dictionaries that were learned, shipped ones not counted. */
export const DICTIONARIES_LIMIT = 32;
/** Of the content's SHA-256, in the name. */
export const DICTIONARY_HASH_BYTES = 8;
/** What zstd's dictionaries begin with. */
const MARK = Uint8Array.of(0x37, 0xa4, 0x30, 0xec);
const NAME = /^([a-z0-9][a-z0-9-]{0,39})-[0-9a-f]{16}$/;

/** What a registry asks of the world. */
export interface DictionaryPorts {
  /** SHA-256 in hex. */
  hash(bytes: Uint8Array): string;
  /** False if zstd cannot work with it. */
  loads(bytes: Uint8Array): boolean;
  /** The dictionary of a feed that comes with edgebook; undefined: there is none. */
  shipped(feed: string): Uint8Array | undefined;
}

/** What chunks are packed by. */
export interface DictionaryChoice {
  /** None, whatever there is. */
  readonly isOff: boolean;
  /** In the place of the shipped ones of their feeds. */
  readonly preferred: readonly Dictionary[];
}

/** The feed of a dictionary by its name; undefined if it is no such name. */
export function feedOfDictionary(name: string): string | undefined {
  return NAME.exec(name)?.[1];
}

/** The dictionaries that a thread knows. */
export class Dictionaries {
  private readonly ports: DictionaryPorts;
  /** The one used last stands last. */
  private readonly known = new Map<string, Dictionary>();
  /** Of the feeds that have one. */
  private readonly shipped = new Map<string, Dictionary | undefined>();
  private readonly preferred = new Map<string, Dictionary>();
  private isOff = false;

  constructor(ports: DictionaryPorts) {
    this.ports = ports;
  }

  /** The dictionary of that name; undefined: nobody has brought it yet. */
  get(name: string): Dictionary | undefined {
    const own = this.known.get(name);
    if (own !== undefined) {
      this.known.delete(name);
      this.known.set(name, own);
      return own;
    }
    const feed = feedOfDictionary(name);
    if (feed === undefined) return undefined;
    const preferred = this.preferred.get(feed);
    if (preferred?.name === name) return preferred;
    const shipped = this.shippedFor(feed);
    return shipped?.name === name ? shipped : undefined;
  }

  /** True if every edgebook of this version has it. */
  isShipped(name: string): boolean {
    const feed = feedOfDictionary(name);
    return feed !== undefined && this.shippedFor(feed)?.name === name;
  }

  /** Those that were brought from outside, for another thread. */
  get learned(): readonly Dictionary[] {
    return [...this.preferred.values(), ...this.known.values()];
  }

  get choice(): DictionaryChoice {
    return { isOff: this.isOff, preferred: [...this.preferred.values()] };
  }

  /**
   * Takes a dictionary from a file, a topic or another thread.
   * @returns why it is refused, if it is
   */
  learn(name: string, bytes: Uint8Array): Dictionary | string {
    const feed = feedOfDictionary(name);
    if (feed === undefined) return `'${name.slice(0, 80)}' is no name of a dictionary`;
    const there = this.get(name);
    if (there !== undefined) return there;
    // Only its name says that it is ours: whether zstd can read it is seen when a chunk needs it.
    const made = named(feed, bytes, this.ports);
    if (typeof made === "string") return made;
    if (made.name !== name) return `it is not what its name says: its content is ${made.name}`;
    this.known.set(name, made);
    for (const oldest of this.known.keys()) {
      if (this.known.size <= DICTIONARIES_LIMIT) break;
      this.known.delete(oldest);
    }
    return made;
  }

  /** These bytes as a dictionary of that feed that zstd can read, or why they are none. Nothing is kept. */
  of(feed: string, bytes: Uint8Array): Dictionary | string {
    const made = named(feed, bytes, this.ports);
    if (typeof made === "string") return made;
    return this.ports.loads(made.bytes) ? made : "zstd cannot read it";
  }

  /** What chunks of the feed are packed by. */
  forFeed(feed: string): Dictionary | undefined {
    if (this.isOff) return undefined;
    return this.preferred.get(feed) ?? this.shippedFor(feed);
  }

  /** From now on chunks are packed by these, by shipped ones where none is of the feed, or by none. */
  choose({ isOff, preferred }: DictionaryChoice): void {
    this.isOff = isOff;
    this.preferred.clear();
    for (const dictionary of preferred) this.preferred.set(dictionary.feed, dictionary);
  }

  private shippedFor(feed: string): Dictionary | undefined {
    if (this.shipped.has(feed)) return this.shipped.get(feed);
    const bytes = this.ports.shipped(feed);
    // Not remembered: any header may name feeds without end.
    if (bytes === undefined) return undefined;
    const made = this.of(feed, bytes);
    const shipped = typeof made === "string" ? undefined : made;
    this.shipped.set(feed, shipped);
    return shipped;
  }
}

/** Under the name that its content has; zstd is not asked. */
function named(
  feed: string,
  bytes: Uint8Array,
  { hash }: Pick<DictionaryPorts, "hash">,
): Dictionary | string {
  if (bytes.length > DICTIONARY_BYTES_LIMIT) {
    return `it has ${bytes.length} bytes, and ${DICTIONARY_BYTES_LIMIT} are the most`;
  }
  if (MARK.some((byte, at) => bytes[at] !== byte)) return "it is no trained zstd dictionary";
  const name = `${feed}-${hash(bytes).slice(0, 2 * DICTIONARY_HASH_BYTES)}`;
  if (feedOfDictionary(name) === undefined) return `'${feed.slice(0, 80)}' is no feed`;
  // A copy for sure: `slice` of a Buffer is none.
  return { name, feed, bytes: new Uint8Array(bytes) };
}
