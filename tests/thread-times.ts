/** Edge: processor time of a process's threads, where there is a /proc. */
import { existsSync, readdirSync, readFileSync } from "node:fs";

const TICKS_PER_SECOND = 100;

/** Seconds of each thread so far, by its id; empty where there is no /proc. */
export function threadSeconds(pid: number | "self" = "self"): Map<string, number> {
  const tasks = `/proc/${pid}/task`;
  const found = new Map<string, number>();
  for (const thread of existsSync(tasks) ? readdirSync(tasks) : []) {
    try {
      const fields = readFileSync(`${tasks}/${thread}/stat`, "utf8").split(") ")[1].split(" ");
      found.set(thread, (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND);
    } catch {
      // It has ended since it was listed.
    }
  }
  return found;
}

/** All threads of a process together. */
export function processSeconds(pid: number | "self" = "self"): number {
  return [...threadSeconds(pid).values()].reduce((sum, seconds) => sum + seconds, 0);
}
