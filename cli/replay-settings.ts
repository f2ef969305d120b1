/** Edge: from the flags of `replay` to what the replayer wants to know. */
import type { Channels } from "../frames/channels.ts";
import { parseFilter, Selection } from "../replayer/filter.ts";
import { Impairment } from "../replayer/impairment.ts";
import { type Pace, parsePace } from "../replayer/pace.ts";
import { CliError } from "./errors.ts";
import { namedFeed } from "./feed-choice.ts";
import type { FlagValues } from "./flag-values.ts";
import { parseMoment } from "./moment.ts";
import { dayInNewYork, midnightInNewYork, parseDay } from "./trading-day.ts";

const DAY_SEC = 86_400;

export const SPEED_HINT = "Write 1x, 10x, 0.5x, 50000pps or max.";

export function paceOf(flags: FlagValues): Pace {
  const text = flags.text("speed") ?? "1x";
  const pace = parsePace(text);
  if (pace !== undefined) return pace;
  throw new CliError("bad_flag", `'--speed' is '${text}', which is no speed.`, SPEED_HINT);
}

/** The first frame at its time of day today: from now, in ns; negative if that has passed. */
export function wallDueNs(pace: Pace): (sec: number, nsec: number) => number {
  if (pace.kind !== "captured" || pace.factor !== 1) {
    throw new CliError("bad_flag", "--align wall goes at 1x only.", "Leave out --speed.");
  }
  return (sec, nsec) => {
    const nowMs = Date.now();
    const days = Math.floor(nowMs / 1000 / DAY_SEC) - Math.floor(sec / DAY_SEC);
    return (sec + days * DAY_SEC) * 1e9 + nsec - nowMs * 1e6;
  };
}

/** Faults on purpose; undefined where none were asked for. */
export function impairmentOf(flags: FlagValues): Impairment | undefined {
  const faults = {
    lossRate: rateOf(flags, "loss"),
    duplicateRate: rateOf(flags, "dup"),
    reorderRate: rateOf(flags, "reorder"),
  };
  if (Object.values(faults).every((rate) => rate === 0)) return undefined;
  return new Impairment(faults, flags.integer("seed") ?? 1);
}

function rateOf(flags: FlagValues, name: string): number {
  const text = flags.text(name) ?? "0";
  const parts = /^(\d+(?:\.\d+)?)(%?)$/.exec(text);
  const rate = Number(parts?.[1]) / (parts?.[2] === "%" ? 100 : 1);
  if (parts !== null && rate <= 1) return rate;
  const hint = "Write a share: 0.01 or 1%.";
  throw new CliError("bad_flag", `'--${name}' is '${text}', which is no share.`, hint);
}

/**
 * Which frames are sent; undefined: all.
 * @param seekable somebody may ask for another place while it runs
 */
export function selectionOf(
  flags: FlagValues,
  channels: Channels,
  seekable: boolean,
): Selection | undefined {
  const [from, until, filter] = ["from", "until", "filter"].map((name) => flags.text(name));
  const spanned = from !== undefined || until !== undefined;
  if (!spanned && filter === undefined && !seekable) return undefined;
  const terms = parseFilter(filter ?? "");
  if (terms === undefined) {
    throw new CliError(
      "bad_flag",
      `'--filter' is '${filter}', which has a term that is none.`,
      "Write group=G, port=N, line=A, stream=N, size>=N, with a comma between them.",
    );
  }
  const feed = namedFeed(flags.text("feed"), channels, flags.text("spec"));
  const needsFeed = terms.some(({ name }) => name === "stream");
  const asksRecv = flags.text("clock") === "recv" || (!spanned && feed === undefined);
  if (feed === undefined && (needsFeed || (spanned && !asksRecv))) {
    throw new CliError(
      "feed_needed",
      "Only the feed tells a frame's stream and its exchange time.",
      "Name it with --feed, or say --clock recv to mean the capture's times.",
    );
  }
  const date = flags.text("date");
  return new Selection(channels, {
    terms,
    from: from === undefined ? undefined : parseMoment("from", from),
    until: until === undefined ? undefined : parseMoment("until", until),
    clock: asksRecv ? "recv" : "exchange",
    feed,
    midnightOf: (sec) => midnightInNewYork(date === undefined ? dayInNewYork(sec) : parseDay(date)),
  });
}

/** What the times of a seek index depend on. */
export function clockNameOf(flags: FlagValues, selection: Selection | undefined): string {
  if (selection?.clock !== "exchange") return "recv";
  const words = ["feed", "spec", "date"].map((name) => flags.text(name) ?? "");
  return ["exchange", ...words, flags.text("channels") ?? ""].join(" ");
}
