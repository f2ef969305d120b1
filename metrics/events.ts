/**
 * What a service says in its log, once: each event with its code, its level, what it means. Normal
 * operation says little: trouble says once when it begins and once when it ends.
 */
export interface EventSpec {
  readonly level: "info" | "warn" | "error";
  readonly help: string;
}

export const EVENTS = {
  status: { level: "info", help: "What a person may want to know; nothing to act on." },
  gap_opened: {
    level: "warn",
    help: "Numbers of a stream are missing; its books stand before them.",
  },
  gap_closed: {
    level: "info",
    help: "None is missing any more: repaired, or given up as lost (`lost` says how many).",
  },
  epoch_began: { level: "info", help: "A stream's numbers began again." },
  line_silent: {
    level: "warn",
    help: "A line brings nothing while another line of its stream goes on.",
  },
  line_back: { level: "info", help: "It brings something again." },
  spool_full: {
    level: "error",
    help: "The spool takes no more, or let go what a sink lacks: chunks are being lost.",
  },
  spool_has_room: { level: "info", help: "It has lost nothing for a while." },
  broker_gone: { level: "warn", help: "A broker is not there; chunks wait in the spool." },
  broker_back: { level: "info", help: "It is there again." },
  shard_failed: { level: "error", help: "A shard of the book service begins again." },
  shard_back: { level: "info", help: "It has what it missed." },
  dictionary_missing: {
    level: "error",
    help: "Chunks need a dictionary that is not here: asked for again for 5 s, then lost, which is said too.",
  },
  chunk_set_aside: { level: "error", help: "A chunk broke its shard again and again." },
} as const satisfies Readonly<Record<string, EventSpec>>;

export type EventCode = keyof typeof EVENTS;

/** Where it happened: feed, stream, line, broker, shard, numbers. */
export type EventPlace = Readonly<Record<string, string | number>>;

/** Takes a sentence for people, and for programs what it is about; `status` unless told. */
export type Tell = (text: string, event?: EventCode, place?: EventPlace) => void;
