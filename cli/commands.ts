/** The commands, by name. Only what is built is listed. */
import type { CommandEntry } from "./command.ts";

export const COMMANDS: Readonly<Record<string, CommandEntry>> = {
  demo: {
    summary: "the whole product on this machine: exchange, collector, broker, books, page",
    load: () => import("./commands/demo.ts"),
  },
  book: {
    summary: "every book, live, from collectors' chunks: page, HTTP, WebSocket",
    load: () => import("./commands/book.ts"),
  },
  decode: {
    summary: "the messages of a capture as rows, each copy on each line, heartbeats too",
    load: () => import("./commands/decode.ts"),
  },
  rebuild: {
    summary: "the books of a capture, offline, as fast as it goes",
    load: () => import("./commands/rebuild.ts"),
  },
  books: {
    summary: "any book of any past moment, from captures or chunks",
    load: () => import("./commands/books.ts"),
  },
  collect: {
    summary: "an exchange's multicast, or captures, into chunks and on to the centre",
    load: () => import("./commands/collect.ts"),
  },
  replay: {
    summary: "captures and chunks back on the wire, at any speed",
    load: () => import("./commands/replay.ts"),
  },
  chunks: {
    summary: "what chunk and spool files hold, whether it is sound, and back to pcap",
    load: () => import("./commands/chunks.ts"),
  },
  compare: {
    summary: "two row files of the same schema: the first difference, and counts",
    load: () => import("./commands/compare.ts"),
  },
  certify: {
    summary: "certificates of what came, and what did not; or one held against another",
    load: () => import("./commands/certify.ts"),
  },
  sim: {
    summary: "a simulated exchange that misbehaves on the wire, and the books it must give",
    load: () => import("./commands/sim.ts"),
  },
  ingest: {
    summary: "events into the tables of a lake",
    needsCheckout: "DuckDB's library",
    load: () => import("./commands/ingest.ts"),
  },
  query: {
    summary: "SQL over the tables of a lake, as-of joins included",
    needsCheckout: "DuckDB's library",
    load: () => import("./commands/query.ts"),
  },
  stat: {
    summary: "what a running collector or book service is doing, in a terminal",
    load: () => import("./commands/stat.ts"),
  },
  bench: {
    summary: "figures of this machine, each beside a yardstick in the same run",
    needsCheckout: "the benchmarks' sources and the simulator",
    load: () => import("./commands/bench.ts"),
  },
  feeds: {
    summary: "the feeds that edgebook reads, and the layout of their messages",
    load: () => import("./commands/feeds.ts"),
  },
  completion: {
    summary: "the script that makes bash, zsh or fish complete these words",
    load: () => import("./commands/completion.ts"),
  },
};
