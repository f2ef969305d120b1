/**
 * Where a Delta table lies: what its log asks of storage. One thing matters: `putIfAbsent` succeeds for
 * exactly one of all who try the same path, whatever fails meanwhile, and what it put is whole.
 */
export interface Storage {
  /** For messages: a folder, or `s3://bucket/prefix`. */
  readonly name: string;
  /** True if this call made the file; false if somebody's was there. */
  putIfAbsent(path: string, bytes: Uint8Array): Promise<boolean>;
  /** Makes or replaces a file; readers see the old one or the new one, never half of it. */
  put(path: string, bytes: Uint8Array): Promise<void>;
  /** `undefined`: it is not there. */
  get(path: string): Promise<Uint8Array | undefined>;
  /** Paths below a folder, sorted. */
  list(folder: string): Promise<string[]>;
  delete(path: string): Promise<void>;
  /** What a program that reads files by name is told: an absolute path, or an address. */
  location(path: string): string;
}
