/**
 * Edge: memory in pages of 2 MiB, by asking the kernel (`madvise`) before the first touch. A book's
 * look-ups jump over tens of megabytes; with small pages most of them miss the address cache too.
 * Where the kernel has no such pages, or the platform no such call, it is plain memory.
 */
import { dlopen, ptr } from "bun:ffi";
import { type Memory, PLAIN_MEMORY } from "./memory.ts";

const HUGE_PAGE = 2 * 1024 * 1024;
const MADV_HUGEPAGE = 14;

export function hugePages(): Memory {
  if (process.platform !== "linux") return PLAIN_MEMORY;
  const libc = openLibc();
  if (libc === undefined) return PLAIN_MEMORY;
  return {
    allocate(bytes) {
      if (bytes < 2 * HUGE_PAGE) return new ArrayBuffer(bytes);
      const buffer = new ArrayBuffer(bytes);
      const address = ptr(buffer);
      const first = Math.ceil(address / HUGE_PAGE) * HUGE_PAGE;
      const end = Math.floor((address + bytes) / HUGE_PAGE) * HUGE_PAGE;
      libc.symbols.madvise(first, end - first, MADV_HUGEPAGE);
      return buffer;
    },
  };
}

function openLibc() {
  try {
    return dlopen("libc.so.6", {
      madvise: { args: ["u64", "u64", "i32"], returns: "i32" },
    });
  } catch {
    return undefined;
  }
}
