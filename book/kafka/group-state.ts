/**
 * Edge: what the members of a group go on from, each where another one ended: a directory that all of
 * them see, or object storage with a directory of this process before it.
 *
 *   STATE/TOPIC/PARTITION/place.json      where to read on, once every stream below it is saved
 *   STATE/TOPIC/PARTITION/FEED-STREAM/    the stream's checkpoints
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import type { ObjectStorage } from "../../frames/object-storage.ts";
import type { CheckpointCopy } from "../checkpoint/folder.ts";
import { S3Store } from "../checkpoint/s3-store.ts";
import { CHECKPOINTS_KEPT, checkpointNumbers } from "../checkpoint/state-store.ts";

const PLACE = "place.json";
/** Members save every some seconds; a fetch between two saves finds all of it. */
const TRIES = 10;

export class GroupState {
  private readonly folder: string;
  private readonly storage: ObjectStorage | undefined;

  /** @param storage where all members keep it; absent: `folder` is what they share */
  constructor(folder: string, storage?: ObjectStorage) {
    this.folder = folder;
    this.storage = storage;
  }

  folderOf(topic: string, partition: number): string {
    return join(this.folder, topic, String(partition));
  }

  /** The streams of a partition that have checkpoints here, `FEED-STREAM`. */
  streamsOf(topic: string, partition: number): string[] {
    const folder = this.folderOf(topic, partition);
    if (!existsSync(folder)) return [];
    const entries = readdirSync(folder, { withFileTypes: true });
    return entries.filter((entry) => entry.isDirectory()).map(({ name }) => name);
  }

  /** Where a stream's checkpoints go besides; one that does not get there is none. */
  copyOf(topic: string, partition: number, stream: string): CheckpointCopy | undefined {
    if (this.storage === undefined) return undefined;
    const store = new S3Store(this.storage.within(`${topic}/${partition}/${stream}`));
    const failed = (error: Error) => {
      throw error;
    };
    return { store, failed };
  }

  /** Where the members read a partition on, as it was saved last; 0: nothing is saved. */
  placeOf(topic: string, partition: number): number {
    const file = join(this.folderOf(topic, partition), PLACE);
    return existsSync(file) ? offsetIn(readFileSync(file, "utf8")) : 0;
  }

  /** Only behind the checkpoints that it speaks of. */
  async savePlace(
    topic: string,
    partition: number,
    offset: number,
    takenNs: number,
  ): Promise<void> {
    const text = JSON.stringify({ offset, takenNs });
    writeWhole(join(this.folderOf(topic, partition), PLACE), text);
    await this.storage?.put(`${topic}/${partition}/${PLACE}`, new TextEncoder().encode(text));
  }

  /**
   * Fetches what another member saved of a partition, where that is newer.
   * @param offset what this member has of it; absent: nothing
   * @returns whether its books are to be opened again
   * @throws the storage cannot be read
   */
  async refresh(topic: string, partition: number, offset?: number): Promise<boolean> {
    const { storage } = this;
    if (storage === undefined) {
      return offset === undefined || this.placeOf(topic, partition) > offset;
    }
    const there = storage.within(`${topic}/${partition}`);
    const folder = this.folderOf(topic, partition);
    const fresh = `${folder}.new`;
    for (let tries = 0; tries < TRIES; tries++) {
      // First: it never speaks of more than the checkpoints that are there after it.
      const place = await there.get(PLACE);
      const text = place === undefined ? "{}" : new TextDecoder().decode(place);
      if (offset !== undefined && offsetIn(text) <= offset) return false;
      rmSync(fresh, { recursive: true, force: true });
      mkdirSync(fresh, { recursive: true });
      if (!(await fetchNewest(there, fresh))) continue;
      writeWhole(join(fresh, PLACE), text);
      rmSync(folder, { recursive: true, force: true });
      renameSync(fresh, folder);
      return true;
    }
    throw new Error(`${there.place} changes faster than it can be fetched`);
  }
}

/** @returns false if its writer replaced some of it meanwhile: without it a stream would begin with nothing */
async function fetchNewest(from: ObjectStorage, folder: string): Promise<boolean> {
  for (const path of newestOf((await from.list("")).map(({ path }) => path))) {
    const bytes = await from.get(path);
    if (bytes === undefined) return false;
    writeWhole(join(folder, path), bytes);
  }
  return true;
}

function offsetIn(text: string): number {
  const { offset } = JSON.parse(text) as { offset?: unknown };
  return typeof offset === "number" && Number.isSafeInteger(offset) ? offset : 0;
}

/** Of `FEED-STREAM/NUMBER.ebcp`, the newest of each stream. */
function newestOf(paths: readonly string[]): string[] {
  const byStream = new Map<string, string[]>();
  for (const path of paths) {
    const at = path.indexOf("/");
    if (at < 0) continue;
    const stream = path.slice(0, at);
    byStream.set(stream, [...(byStream.get(stream) ?? []), path.slice(at + 1)]);
  }
  return [...byStream].flatMap(([stream, names]) => {
    const kept = checkpointNumbers(names).slice(0, CHECKPOINTS_KEPT);
    return names
      .filter((name) => kept.includes(checkpointNumbers([name])[0]))
      .map((name) => `${stream}/${name}`);
  });
}

function writeWhole(file: string, content: string | Uint8Array): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(`${file}.part`, content);
  renameSync(`${file}.part`, file);
}
