/**
 * Edge: checkpoints on object storage. One service writes to a prefix at a time, or the one member of a
 * group that has the stream: two that write to one would take turns in being the newest.
 */
import { ObjectStorage, type S3Address } from "../../frames/object-storage.ts";
import type { StateStore } from "./state-store.ts";

export class S3Store implements StateStore {
  readonly place: string;
  private readonly storage: ObjectStorage;

  constructor(where: S3Address | ObjectStorage) {
    this.storage = where instanceof ObjectStorage ? where : new ObjectStorage(where);
    this.place = this.storage.place;
  }

  /** A store of its own below this one. */
  within(name: string): S3Store {
    return new S3Store(this.storage.within(name));
  }

  async list(): Promise<string[]> {
    const objects = await this.storage.list("");
    return objects.map(({ path }) => path).filter((name) => !name.includes("/"));
  }

  async get(name: string): Promise<Uint8Array> {
    const bytes = await this.storage.get(name);
    if (bytes === undefined) throw new Error(`GET ${this.place}/${name}: it is not there`);
    return bytes;
  }

  put(name: string, bytes: Uint8Array): Promise<void> {
    return this.storage.put(name, bytes);
  }

  remove(name: string): Promise<void> {
    return this.storage.remove(name);
  }
}
