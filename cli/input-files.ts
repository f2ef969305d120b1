/** Edge: what FILE stands for: itself, or the chunk files of a directory. */
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { CHUNK_FILE_ENDING } from "../frames/transport-dir.ts";
import { CliError } from "./errors.ts";

/** By name. @throws CliError where a directory holds no chunk file */
export function filesBelow(path: string): string[] {
  const isDirectory = path !== "-" && statSync(path, { throwIfNoEntry: false })?.isDirectory();
  if (!isDirectory) return [path];
  const names = readdirSync(path, { recursive: true, encoding: "utf8" });
  const chunks = names.filter((name) => name.endsWith(CHUNK_FILE_ENDING)).sort();
  if (chunks.length > 0) return chunks.map((name) => join(path, name));
  throw new CliError(
    "file_not_found",
    `There are no chunk files (*${CHUNK_FILE_ENDING}) below '${path}'.`,
    "Name a directory that 'edgebook collect --to dir:PATH' has written, or a file.",
  );
}
