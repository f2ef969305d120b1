/** Edge: a thread steps back behind all others of this host; no right is needed for that. */
import { dlopen, FFIType } from "bun:ffi";

const { i32 } = FFIType;
const PRIO_PROCESS = 0;
/** Of the calling thread: Linux gives each thread a priority of its own. */
const SELF = 0;
const LOWEST = 19;

/** False where the system does not let itself be asked. */
export function lowerPriority(): boolean {
  if (process.platform !== "linux") return false;
  try {
    const { symbols } = dlopen("libc.so.6", {
      setpriority: { args: [i32, i32, i32], returns: i32 },
    });
    return symbols.setpriority(PRIO_PROCESS, SELF, LOWEST) === 0;
  } catch {
    return false;
  }
}
