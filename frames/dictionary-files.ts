/**
 * Edge: dictionaries as files, `NAME.zdict`, beside the chunks that need them: in a spool's folder, and at
 * the top of an archive, two folders above a stream's chunks.
 */
import { readFileSync, statSync } from "node:fs";
import { open, rename, rm } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import {
  DICTIONARY_BYTES_LIMIT,
  type Dictionaries,
  type Dictionary,
  feedOfDictionary,
} from "./dictionary.ts";
import { DICTIONARY_ENDING } from "./spool-dictionaries.ts";

/** `PATH/{feed}/{stream}/` lies so many folders below where an archive has its dictionaries. */
const FOLDERS_ABOVE = 2;

/** Learns a dictionary that is not known from the chunks' folder, or those above it, if it is there. */
export function learnBeside(dictionaries: Dictionaries, name: string, folder: string): void {
  if (feedOfDictionary(name) === undefined || dictionaries.get(name) !== undefined) return;
  let place = resolve(folder);
  for (let above = 0; above <= FOLDERS_ABOVE; above++) {
    const bytes = readSmall(join(place, `${name}${DICTIONARY_ENDING}`));
    if (bytes !== undefined && typeof dictionaries.learn(name, bytes) !== "string") return;
    place = dirname(place);
  }
}

/**
 * Puts a dictionary beside chunks that will need it; there is a whole one, or none. A slow disk keeps
 * nobody waiting.
 * @throws the system's error
 */
export async function keepDictionary(folder: string, dictionary: Dictionary): Promise<void> {
  const path = join(folder, `${dictionary.name}${DICTIONARY_ENDING}`);
  if (isThere(path, dictionary)) return;
  // Somebody else may write the same one.
  const aside = `${path}.${crypto.randomUUID()}.new`;
  try {
    await writeSynced(aside, dictionary.bytes);
    await rename(aside, path);
  } catch (error) {
    // A full disk would get another one with each try.
    await rm(aside, { force: true });
    throw error;
  }
  const above = await open(folder, "r");
  // Some file systems do not sync folders.
  await above.sync().catch(() => {});
  await above.close();
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, "w");
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The dictionary's bytes, unless the file is larger than any; undefined: there is no such file. */
function readSmall(path: string): Uint8Array | undefined {
  try {
    return statSync(path).size <= DICTIONARY_BYTES_LIMIT ? readFileSync(path) : undefined;
  } catch {
    return undefined;
  }
}

function isThere(path: string, { bytes }: Dictionary): boolean {
  const found = readSmall(path);
  return found !== undefined && Buffer.compare(found, bytes) === 0;
}
