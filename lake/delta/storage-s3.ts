/** Edge: a Delta table on object storage: a commit is there for whoever the storage lets put it first. */
import { ObjectStorage, type S3Address } from "../../frames/object-storage.ts";
import type { Storage, StoredFile } from "./storage.ts";

export class S3Storage implements Storage {
  readonly name: string;
  private readonly objects: ObjectStorage;

  constructor(address: S3Address) {
    this.objects = new ObjectStorage(address);
    this.name = this.objects.place;
  }

  putIfAbsent(path: string, bytes: Uint8Array): Promise<boolean> {
    return this.objects.putIfAbsent(path, bytes);
  }

  put(path: string, bytes: Uint8Array): Promise<void> {
    return this.objects.put(path, bytes);
  }

  get(path: string): Promise<Uint8Array | undefined> {
    return this.objects.get(path);
  }

  list(folder: string): Promise<StoredFile[]> {
    return this.objects.list(folder);
  }

  delete(path: string): Promise<void> {
    return this.objects.remove(path);
  }

  localPath(): undefined {
    return undefined;
  }

  fetchTo(path: string, file: string): Promise<void> {
    return this.objects.fetchTo(path, file);
  }
}
