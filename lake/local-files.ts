/**
 * Edge: files of a table where DuckDB can open them. Of a folder these are the files themselves; from
 * object storage they are fetched into the user's cache folder. A table's files never change and no
 * name is used twice, so what was fetched once is good for ever.
 *
 * The cache has a bound: what was used least lately goes out for what is fetched, but nothing that
 * was used within a quarter of an hour, since another process may be reading it. Two processes that
 * begin at one moment may pass the bound by what both fetch.
 */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
} from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import type { Storage } from "./delta/storage.ts";

export const CACHE_MIB = 8192;
const IN_USE_MS = 15 * 60_000;
/** What a fetch left that was killed. */
const PART = ".part";

export interface Wanted {
  readonly path: string;
  /** bytes */
  readonly size: number;
}

export class CacheTooSmall extends Error {
  readonly code = "cache_too_small";
  readonly hint = "Ask for less with --date and --stream, or allow more with --cache MIB.";
}

export class LocalFiles {
  /** Everything that is ever fetched lies below it. */
  readonly folder: string;
  private readonly limit: number;

  constructor(limitMib = CACHE_MIB, folder = join(cacheFolder(), "lake")) {
    this.folder = folder;
    this.limit = limitMib * 2 ** 20;
  }

  /**
   * Paths on this machine, in the order of what is wanted.
   * @throws CacheTooSmall they are more than may be kept
   */
  async pathsOf(storage: Storage, wanted: readonly Wanted[]): Promise<string[]> {
    const missing: (Wanted & { readonly file: string })[] = [];
    const now = new Date();
    const paths = wanted.map(({ path, size }) => {
      const local = storage.localPath(path);
      if (local !== undefined) return local;
      const file = join(this.folder, keyOf(storage.name), path);
      if (existsSync(file)) utimesSync(file, now, now);
      else missing.push({ path, size, file });
      return file;
    });
    this.makeRoom(missing.reduce((sum, { size }) => sum + size, 0));
    for (const { path, file } of missing) {
      mkdirSync(dirname(file), { recursive: true });
      const part = `${file}.${process.pid}${PART}`;
      await storage.fetchTo(path, part);
      renameSync(part, file);
    }
    return paths;
  }

  private makeRoom(bytes: number): void {
    if (bytes === 0) return;
    const kept = filesBelow(this.folder);
    let total = kept.reduce((sum, { size }) => sum + size, bytes);
    const idleSince = Date.now() - IN_USE_MS;
    for (const { file, size, usedMs } of kept.sort((a, b) => a.usedMs - b.usedMs)) {
      if (total <= this.limit || usedMs > idleSince) break;
      rmSync(file, { force: true });
      total -= size;
    }
    if (total <= this.limit) return;
    const mib = (count: number) => Math.ceil(count / 2 ** 20);
    throw new CacheTooSmall(
      `${mib(bytes)} MiB are to be fetched beside ${mib(total - bytes)} that are in use: ` +
        `more than the ${mib(this.limit)} MiB of the cache`,
    );
  }
}

interface Kept {
  readonly file: string;
  readonly size: number;
  readonly usedMs: number;
}

function filesBelow(folder: string): Kept[] {
  if (!existsSync(folder)) return [];
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.flatMap((entry) => {
    const file = join(entry.parentPath, entry.name);
    const stat = entry.isFile() ? statSync(file, { throwIfNoEntry: false }) : undefined;
    return stat === undefined ? [] : [{ file, size: stat.size, usedMs: stat.mtimeMs }];
  });
}

/** Storages of one name in two places would be told apart by nothing else. */
function keyOf(name: string): string {
  const { AWS_ENDPOINT, S3_ENDPOINT } = process.env;
  return Bun.hash(`${S3_ENDPOINT ?? AWS_ENDPOINT ?? ""} ${name}`).toString(36);
}

function cacheFolder(): string {
  return join(process.env.XDG_CACHE_HOME || join(homedir(), ".cache"), "edgebook");
}
