/**
 * Edge: the books of a service in several workers, each with a group of streams. A chunk goes to the
 * shard of its stream, and a note of its number to the others: each shard keeps account of every
 * collector by itself, so that it can go on from its own checkpoint.
 *
 * A shard that throws or hangs is begun again while the others go on; a chunk that kills it three
 * times is set aside in `quarantine/`, listed as lost, and its gap is found as any other.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { decode } from "@msgpack/msgpack";
import { FEEDS } from "../../feed/registry.ts";
import { ChunkFault, type ChunkHeader, readChunkHeader } from "../../frames/chunk.ts";
import type { ControlRequest, Position, RepairRequest } from "../../frames/transport.ts";
import { openZstd } from "../../frames/zstd.ts";
import type { Tell } from "../../metrics/events.ts";
import type { BookApi } from "../book-api.ts";
import type { Centre, Client, ClientPort } from "../centre.ts";
import type { CheckpointCopy } from "../checkpoint/folder.ts";
import { ElsewhereNotes } from "./answers.ts";
import type { Posted } from "./outbox.ts";
import { chunkRecord, leftOutRecord, RecordKind, valueRecord } from "./record.ts";
import { type RowsPort, ShardEdge } from "./shard-edge.ts";
import { ShardedApi } from "./sharded-api.ts";
import { ShardedClient } from "./sharded-client.ts";
import { ToldDictionaries } from "./told-dictionaries.ts";
import type { ShardWord } from "./word.ts";

export interface ShardedOptions {
  readonly count: number;
  /** A module that calls `serveShard`. */
  readonly module: URL;
  /** What its `optionsOf` is given; must survive a structured clone. */
  readonly rest: unknown;
  /** Directory of checkpoints and quarantine. */
  readonly state: string;
  /** Where the checkpoints of a shard's folder go besides. */
  readonly copyOf?: ((folder: string) => CheckpointCopy) | undefined;
  /** Version and options: a checkpoint of others is not read. */
  readonly key: string;
  readonly tool: string;
  readonly saveNs: number;
  readonly canAsk: boolean;
  /** Takes rows of everything that happens to the books; absent: nobody wants any. */
  readonly rows?: RowsPort | undefined;
  readonly ask: (collector: string, request: ControlRequest | RepairRequest) => void;
  /** A shard has said how far it is. */
  readonly onMoved?: () => void;
  readonly onStatus: Tell;
  readonly hangNs?: number;
}

/** Quarantined chunks that are remembered, so that one that comes again is not tried again. */
const QUARANTINED_LIMIT = 1000;

export class ShardedCentre implements Centre {
  readonly api: BookApi;
  readonly shards: readonly ShardEdge[];
  private readonly options: ShardedOptions;
  private readonly notes: readonly ElsewhereNotes[];
  private readonly told: readonly ToldDictionaries[];
  private readonly clients = new Map<number, ShardedClient>();
  private readonly quarantined = new Set<string>();
  private lastClient = 0;

  constructor(options: ShardedOptions) {
    this.options = options;
    const { count, module, rest, state, key, tool, saveNs, canAsk, rows, hangNs } = options;
    const wantsRows = rows !== undefined;
    const session = Date.now();
    this.shards = Array.from({ length: count }, (_, at) => {
      const name = `shard ${at + 1} of ${count}`;
      const place = shardFolder(at, count);
      const folder = join(state, place);
      const copy = options.copyOf?.(place);
      const own = { folder, key: `${key} ${name}` };
      const setup = { ...own, tool, saveNs, session, canAsk, wantsRows, rest };
      const shard = new ShardEdge(
        {
          ...{
            name,
            module,
            setup,
            rows,
            copy,
            dictionaries: () => {
              // The life that begins is given these, and nothing of what earlier ones were told.
              this.told[at].clear();
              return openZstd().dictionaries.learned;
            },
          },
          ...(hangNs === undefined ? {} : { hangNs }),
        },
        {
          onWord: (word) => this.hear(word),
          onPoisoned: (chunk, tries, number) => this.setAside(name, chunk, tries, number),
          onCaughtUp: () => {
            for (const client of this.clients.values()) client.begun(at);
          },
          onStatus: options.onStatus,
        },
      );
      return shard;
    });
    this.notes = this.shards.map(() => new ElsewhereNotes());
    this.told = this.shards.map(() => new ToldDictionaries());
    this.api = new ShardedApi(this.shards, () => this.quarantined.size);
  }

  begin(): void {
    for (const shard of this.shards) shard.start(clockNs());
  }

  push(bytes: Uint8Array): Promise<void> | void {
    const read = readChunkHeader(bytes);
    // The first shard counts what cannot be read.
    if (read instanceof ChunkFault) return this.shards[0].add((n) => chunkRecord(bytes, n));
    const { header } = read;
    const owner = this.ownerOf(header);
    this.notes.forEach((notes, at) => {
      if (at !== owner) notes.add(header.collector, header.boot, header.oldest, header.number);
    });
    this.flushNotes(owner);
    if (header.dictionary !== "") this.tellDictionary(owner, header.dictionary);
    const shard = this.shards[owner];
    if (!this.quarantined.has(nameOf(header))) return shard.add((n) => chunkRecord(bytes, n));
    return shard.add((n) => leftOutRecord(RecordKind.Quarantined, only(header), n));
  }

  /** What does not come with edgebook is with the shard before the first chunk that needs it. */
  private tellDictionary(owner: number, name: string): void {
    const { dictionaries } = openZstd();
    // Also where it was told: what is used stays.
    const dictionary = dictionaries.get(name);
    if (dictionary === undefined || dictionaries.isShipped(name)) return;
    if (!this.told[owner].use(name)) return;
    this.shards[owner].add((number) => valueRecord(RecordKind.Dictionary, dictionary, number));
  }

  tick(): void {
    this.shards.forEach((shard, at) => {
      this.flushNotes(at);
      shard.tick(clockNs());
    });
  }

  async finish(): Promise<void> {
    this.shards.forEach((shard, at) => {
      this.flushNotes(at);
      shard.add((number) => valueRecord(RecordKind.Finish, null, number));
    });
    await Promise.all(this.shards.map((shard) => shard.finished));
  }

  /** Of each collector's newest boot, what every shard has taken. */
  positions(consumer: string): Position[] {
    const lowest = new Map<string, Position & { readonly shards: number }>();
    for (const { positions } of this.shards) {
      for (const { collector, boot, chunk } of positions) {
        const other = lowest.get(collector);
        const isNewer = other === undefined || boot > other.boot;
        if (!isNewer && boot < other.boot) continue;
        const least = isNewer ? chunk : Math.min(chunk, other.chunk);
        const shards = isNewer ? 1 : other.shards + 1;
        lowest.set(collector, { consumer, collector, boot, chunk: least, shards });
      }
    }
    const whole = [...lowest.values()].filter(({ shards }) => shards === this.shards.length);
    return whole.map(({ collector, boot, chunk }) => ({ consumer, collector, boot, chunk }));
  }

  connect(port: ClientPort): Client {
    const id = ++this.lastClient;
    const client = new ShardedClient(id, this.shards, port, () => this.clients.delete(id));
    this.clients.set(id, client);
    return client;
  }

  async close(): Promise<void> {
    const timer = setInterval(() => this.tick(), 100);
    await Promise.all(this.shards.map((shard) => shard.stop(clockNs())));
    clearInterval(timer);
  }

  private ownerOf({ feed, stream }: ChunkHeader): number {
    const first = Math.max(
      0,
      FEEDS.findIndex(({ id }) => id === feed),
    );
    return (first + stream) % this.shards.length;
  }

  private flushNotes(at: number): void {
    for (const note of this.notes[at].take()) {
      this.shards[at].add((number) => leftOutRecord(RecordKind.Elsewhere, note, number));
    }
  }

  private hear(word: ShardWord): void {
    if (word.say === "ask") this.options.ask(word.collector, word.request);
    if (word.say === "positions") this.options.onMoved?.();
    if (word.say === "news") this.options.onStatus(word.text, word.event, word.place);
    if (word.say !== "rows") return;
    for (const [client, ...posted] of decode(word.bytes) as [number, ...Posted][]) {
      this.clients.get(client)?.deliver(posted);
    }
  }

  /** @returns what stands for the chunk from now on */
  private setAside(shard: string, chunk: Uint8Array, tries: number, number: number): Uint8Array {
    const read = readChunkHeader(chunk);
    if (read instanceof ChunkFault) return valueRecord(RecordKind.Save, null, number);
    const { header } = read;
    const folder = join(this.options.state, "quarantine");
    const file = join(folder, `${nameOf(header).replace(/[^\w.-]+/g, "-")}.ebch`);
    let where = file;
    try {
      mkdirSync(folder, { recursive: true });
      writeFileSync(file, chunk);
    } catch (error) {
      where = `nowhere (${(error as Error).message})`;
    }
    this.quarantined.add(nameOf(header));
    if (this.quarantined.size > QUARANTINED_LIMIT) {
      for (const oldest of this.quarantined) {
        this.quarantined.delete(oldest);
        break;
      }
    }
    const what = `chunk ${header.number} of ${header.collector}`;
    const text = `${what} broke ${shard} ${tries} times: it is set aside in ${where}`;
    this.options.onStatus(text, "chunk_set_aside", { shard, chunk: header.number });
    return leftOutRecord(RecordKind.Quarantined, only(header), number);
  }
}

/** Of the shard's checkpoints, within the state. */
export const shardFolder = (at: number, count: number) => `shard-${at + 1}-of-${count}`;

const nameOf = ({ collector, boot, number }: ChunkHeader) => `${collector}-${boot}-${number}`;

function only({ collector, boot, oldest, number }: ChunkHeader) {
  return { collector, boot, oldest, from: number, to: number };
}

/** Nanoseconds since 1970 as a double. */
function clockNs(): number {
  return (performance.timeOrigin + performance.now()) * 1e6;
}
