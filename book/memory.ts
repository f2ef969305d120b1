/**
 * Where the books' large arrays come from. The default is the runtime's own; an edge may give pages
 * of 2 MiB instead (`huge-pages.ts`), which saves most of the address look-ups that miss.
 */
export interface Memory {
  /** A zeroed buffer of `bytes` bytes. */
  allocate(bytes: number): ArrayBuffer;
}

export const PLAIN_MEMORY: Memory = { allocate: (bytes) => new ArrayBuffer(bytes) };

/** Zeroed words from `memory`. */
export function words(memory: Memory, count: number): Int32Array {
  return new Int32Array(memory.allocate(count * 4));
}
