/**
 * Edge: where programs that were compiled and days that were made are kept from one run to the next:
 * under the system's folder for such, one name for each content. May be deleted at any time.
 */
import { mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

export function cacheFolder(): string {
  const base = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  const folder = process.env.EDGEBOOK_BENCH_CACHE ?? join(base, "edgebook-bench");
  mkdirSync(folder, { recursive: true });
  return folder;
}
