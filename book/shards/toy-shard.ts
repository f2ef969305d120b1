/**
 * Edge: a shard's worker for tests, which breaks on command: at a chunk's number it throws, or hangs,
 * each time it sees it, or only the first time.
 */
import { existsSync, writeFileSync } from "node:fs";
import { serveShard } from "./shard-thread.ts";

export interface ToyFaults {
  /** Sequence at whose run it throws or hangs; 0: never. */
  readonly throwAt: number;
  readonly hangAt: number;
  /** A file that says that it happened: then it does not happen again. */
  readonly once: string;
}

serveShard<ToyFaults>(async ({ throwAt, hangAt, once }) => ({
  onRun: (stream, from, to) => {
    const { sequence } = stream.messages;
    const has = (wanted: number) => sequence[from] <= wanted && wanted <= sequence[to - 1];
    if (stream.id !== 1 || !(has(throwAt) || has(hangAt))) return;
    if (once !== "") {
      if (existsSync(once)) return;
      writeFileSync(once, "");
    }
    if (has(throwAt)) throw new Error("a bug in the books");
    for (;;);
  },
}));
