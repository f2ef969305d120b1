/** The commands, by name. Only what is built is listed. */
import type { CommandEntry } from "./command.ts";

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  decode: {
    summary: "the messages of a capture as rows, each copy on each line, heartbeats too",
    load: () => import("./commands/decode.ts"),
  },
  rebuild: {
    summary: "the books of a capture, offline, as fast as it goes",
    load: () => import("./commands/rebuild.ts"),
  },
  compare: {
    summary: "two row files of the same schema: the first difference, and counts",
    load: () => import("./commands/compare.ts"),
  },
  feeds: {
    summary: "the feeds that edgebook reads, and the layout of their messages",
    load: () => import("./commands/feeds.ts"),
  },
};
