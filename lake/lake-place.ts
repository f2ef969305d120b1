/** Edge: where a lake is, a folder or `s3://BUCKET/PREFIX`, and its tables, a folder each. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { ObjectStorage, parseS3Address } from "../frames/object-storage.ts";
import type { Storage } from "./delta/storage.ts";
import { DirStorage } from "./delta/storage-dir.ts";
import { S3Storage } from "./delta/storage-s3.ts";

/** @param lake a folder or an address; a folder is made where it is not there */
export function tableStorage(lake: string, table: string): Storage {
  const address = parseS3Address(lake);
  if (address === undefined) return new DirStorage(join(lake, table));
  const { bucket, prefix } = address;
  return new S3Storage({ bucket, prefix: prefix === "" ? table : `${prefix}/${table}` });
}

/** Names of the folders that have a log of Delta's in them. */
export async function tablesIn(lake: string): Promise<string[]> {
  const address = parseS3Address(lake);
  if (address === undefined) return foldersIn(lake).filter((name) => hasLog(join(lake, name)));
  const storage = new ObjectStorage(address);
  const found: string[] = [];
  for (const name of await storage.folders()) {
    if ((await storage.within(name).folders()).includes("_delta_log")) found.push(name);
  }
  return found;
}

function foldersIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function hasLog(folder: string): boolean {
  const log = statSync(join(folder, "_delta_log"), { throwIfNoEntry: false });
  return log?.isDirectory() === true;
}
