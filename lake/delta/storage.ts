/**
 * Where a Delta table lies: what its log asks of storage. One thing matters: `putIfAbsent` succeeds for
 * exactly one of all who try the same path, whatever fails meanwhile, and what it put is whole.
 */
export interface Storage {
  /** For messages: a folder, or `s3://bucket/prefix`. */
  readonly name: string;
  /** True if this call made the file; false if somebody's was there. No two put the same bytes. */
  putIfAbsent(path: string, bytes: Uint8Array): Promise<boolean>;
  /** Makes or replaces a file; readers see the old one or the new one, never half of it. */
  put(path: string, bytes: Uint8Array): Promise<void>;
  /** `undefined`: it is not there. */
  get(path: string): Promise<Uint8Array | undefined>;
  /** Everything below a folder, `""` for all, by path. */
  list(folder: string): Promise<StoredFile[]>;
  delete(path: string): Promise<void>;
  /** The name by which programs on this machine open a file; undefined: it has to be fetched first. */
  localPath(path: string): string | undefined;
  /** Writes a stored file to one of this machine. */
  fetchTo(path: string, file: string): Promise<void>;
}

export interface StoredFile {
  readonly path: string;
  /** bytes */
  readonly size: number;
  /** ms since 1970 UTC, by the storage's clock; NaN where it does not say. */
  readonly modifiedMs: number;
}
