/**
 * What a spool needs of a disk, so that the same spool runs on a real one (`spool-disk.ts`) and on
 * one that tears, fills and forgets by a seed (`faults/disk.ts`). Names are of files in one folder.
 *
 * Each call but `list` and `freeBytes` may throw an error with the `code` of the operating system:
 * `ENOSPC`, `EDQUOT` and `EFBIG` mean that there is no room.
 */
export interface SpoolFileEntry {
  readonly name: string;
  readonly bytes: number;
  /** When it was changed last, ms since 1970 UTC. */
  readonly changedMs: number;
}

export interface SpoolFiles {
  list(): readonly SpoolFileEntry[];
  /** Makes an empty file; one of that name must not be there. */
  create(name: string): void;
  /** Writes all bytes at `at`, or throws after having written some of them. */
  write(name: string, bytes: Uint8Array, at: number): void;
  /** Reads until `into` is full or the file ends. @returns bytes read */
  read(name: string, into: Uint8Array, at: number): number;
  truncate(name: string, bytes: number): void;
  remove(name: string): void;
  /** Puts a small file in the place of the one of that name: old or new is there, never half. */
  replace(name: string, bytes: Uint8Array): void;
  /** Returns when what was written survives a power cut. */
  sync(name: string): void;
  /** Begins a sync and does not wait for it. */
  syncSoon(name: string): void;
  /** Bytes that can still be written, as far as the disk knows. */
  freeBytes(): number;
  /** Nothing more will be written to it, or another file took its place. */
  close(name: string): void;
}

const NO_ROOM = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);

export function isNoRoom(thrown: unknown): boolean {
  return NO_ROOM.has(String((thrown as { code?: unknown } | null)?.code));
}
