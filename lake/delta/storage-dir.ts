/**
 * Edge: a Delta table in a folder. A file is written whole under another name first, synced, and then
 * linked to its own: `link` fails if the name is taken, which is what `putIfAbsent` needs.
 */
import { randomBytes } from "node:crypto";
import {
  closeSync,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname, isAbsolute, join, normalize } from "node:path";
import type { Storage, StoredFile } from "./storage.ts";

export class DirStorage implements Storage {
  readonly name: string;

  constructor(folder: string) {
    this.name = folder;
    mkdirSync(folder, { recursive: true });
  }

  async putIfAbsent(path: string, bytes: Uint8Array): Promise<boolean> {
    const to = this.location(path);
    const from = this.written(to, bytes);
    try {
      linkSync(from, to);
      syncFolder(dirname(to));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      return false;
    } finally {
      rmSync(from, { force: true });
    }
  }

  async put(path: string, bytes: Uint8Array): Promise<void> {
    const to = this.location(path);
    renameSync(this.written(to, bytes), to);
    syncFolder(dirname(to));
  }

  async get(path: string): Promise<Uint8Array | undefined> {
    try {
      return readFileSync(this.location(path));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw error;
    }
  }

  async list(folder: string): Promise<StoredFile[]> {
    const root = this.location(folder);
    if (!existsSync(root)) return [];
    const found: StoredFile[] = [];
    for (const entry of readdirSync(root, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue;
      const file = join(entry.parentPath, entry.name);
      const stat = statSync(file, { throwIfNoEntry: false });
      // Somebody may have deleted it meanwhile.
      if (stat === undefined) continue;
      const path = file.slice(normalize(this.name).length + 1);
      found.push({ path, size: stat.size, modifiedMs: stat.mtimeMs });
    }
    return found.sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  async delete(path: string): Promise<void> {
    rmSync(this.location(path), { force: true });
  }

  localPath(path: string): string {
    return this.location(path);
  }

  async fetchTo(path: string, file: string): Promise<void> {
    copyFileSync(this.location(path), file);
  }

  /** @throws Error for a path that leads out of the folder */
  location(path: string): string {
    const inside = normalize(path);
    if (isAbsolute(inside) || inside.startsWith("..")) throw new Error(`'${path}' leads elsewhere`);
    return join(this.name, inside);
  }

  private written(to: string, bytes: Uint8Array): string {
    mkdirSync(dirname(to), { recursive: true });
    const from = join(dirname(to), `.tmp-${randomBytes(8).toString("hex")}`);
    const file = openSync(from, "wx");
    try {
      for (let at = 0; at < bytes.length; ) at += writeSync(file, bytes, at);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    return from;
  }
}

/** A name is as durable as the folder that it stands in. */
function syncFolder(folder: string): void {
  const file = openSync(folder, "r");
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
