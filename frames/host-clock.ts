/** Edge: how far this host's clock may be off, as the kernel and whoever disciplines it believe. */
import { dlopen, FFIType, type Pointer } from "bun:ffi";
import { PinnedBytes } from "./multicast-mmsg.ts";

const { i32, ptr } = FFIType;
/** `struct timex` of 64-bit Linux. */
const TIMEX_BYTES = 208;
const MAX_ERROR_AT = 24;
const STATUS_AT = 40;
const STA_UNSYNC = 0x40;

let adjtimex: ((at: Pointer) => number) | null | undefined;

function opened(): ((at: Pointer) => number) | null {
  if (process.platform !== "linux") return null;
  try {
    return dlopen("libc.so.6", { adjtimex: { args: [ptr], returns: i32 } }).symbols.adjtimex;
  } catch {
    return null;
  }
}

/**
 * The most that the host's clock may be off, in ns; undefined if nobody disciplines it, or nobody
 * can be asked: then it may be off by anything.
 */
export function hostClockDoubtNs(): number | undefined {
  if (adjtimex === undefined) adjtimex = opened();
  if (adjtimex === null) return undefined;
  // With no modes set it only tells.
  const timex = new PinnedBytes(TIMEX_BYTES);
  if (adjtimex(timex.address as Pointer) < 0) return undefined;
  if ((timex.view.getInt32(STATUS_AT, true) & STA_UNSYNC) !== 0) return undefined;
  return Number(timex.view.getBigInt64(MAX_ERROR_AT, true)) * 1000;
}
