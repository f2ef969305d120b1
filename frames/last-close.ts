/**
 * Edge: a file loses its name at once, but what it holds is given back only by whoever closes it last:
 * many milliseconds for a large one, more while the disk is busy with it. Here another thread is the
 * last, so that one that receives does not wait.
 */
import { close, openSync } from "node:fs";

/** @param change takes the file's name from it, or gives it to another file; may throw */
export function closedAside(path: string, change: () => void): void {
  let file: number | undefined;
  try {
    file = openSync(path, "r");
  } catch {
    // Not there, or not to be read: then the change itself does all of it.
  }
  try {
    change();
  } finally {
    if (file !== undefined) close(file, () => {});
  }
}
