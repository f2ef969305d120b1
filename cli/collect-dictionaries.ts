/** Edge: what `--dictionary` of `collect` names: files of trained dictionaries, or none at all. */
import { readFileSync } from "node:fs";
import { basename } from "node:path";
import type { Dictionary, DictionaryChoice } from "../frames/dictionary.ts";
import { feedOfDictionary } from "../frames/dictionary.ts";
import { DICTIONARY_ENDING } from "../frames/spool-dictionaries.ts";
import { openZstd } from "../frames/zstd.ts";
import { CliError } from "./errors.ts";

/** In the place of a file. */
const NONE = "none";

/**
 * @param feed of a file whose name does not say it; undefined: nobody knows
 * @throws CliError that says what is wrong with a file
 */
export function dictionaryChoice(
  files: readonly string[],
  feed: string | undefined,
): DictionaryChoice {
  if (!files.includes(NONE)) return { isOff: false, preferred: oneOfEachFeed(files, feed) };
  if (files.length === 1) return { isOff: true, preferred: [] };
  const hint = "Say --dictionary none, or name files.";
  throw new CliError("bad_flag", "--dictionary is none, and names a file as well.", hint);
}

function oneOfEachFeed(files: readonly string[], feed: string | undefined): Dictionary[] {
  const byFeed = new Map<string, Dictionary>();
  for (const path of files) {
    const dictionary = dictionaryOfFile(path, feed);
    const other = byFeed.get(dictionary.feed);
    if (other !== undefined && other.name !== dictionary.name) {
      throw new CliError(
        "bad_flag",
        `--dictionary names two of ${dictionary.feed}: ${other.name} and ${dictionary.name}.`,
        "Chunks of a feed are packed by one: name one file for each feed.",
      );
    }
    byFeed.set(dictionary.feed, dictionary);
  }
  return [...byFeed.values()];
}

function dictionaryOfFile(path: string, feed: string | undefined): Dictionary {
  const file = basename(path);
  const name = file.endsWith(DICTIONARY_ENDING) ? file.slice(0, -DICTIONARY_ENDING.length) : "";
  const named = feedOfDictionary(name);
  const own = named ?? feed;
  if (own === undefined) {
    throw new CliError(
      "bad_flag",
      `--dictionary ${path}: nobody knows of which feed it is.`,
      `Say --feed, or call the file as 'edgebook chunks train' did: FEED-HASH${DICTIONARY_ENDING}.`,
    );
  }
  const made = openZstd().dictionaries.of(own, bytesOf(path));
  const why = typeof made === "string" ? made : wrongName(made, named && name);
  if (typeof made !== "string" && why === undefined) return made;
  const hint = "Make one from chunks of your own: 'edgebook chunks train DIR --out FILE'.";
  throw new CliError("bad_flag", `--dictionary ${path} cannot be used: ${why}.`, hint);
}

/** A name that was given to another content: the file was changed. */
function wrongName({ name }: Dictionary, said: string | undefined): string | undefined {
  return said === undefined || said === name ? undefined : `its content is that of ${name}`;
}

function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const message = `--dictionary ${path} cannot be read: ${(cause as Error).message}`;
    throw new CliError("bad_flag", message, "Check the path, or say --dictionary none.", cause);
  }
}
