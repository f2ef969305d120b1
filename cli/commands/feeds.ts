/** Edge: `edgebook feeds`: the feeds, and what each field of their messages means. */
import { describeFeed, describeFeedJson } from "../../feed/describe.ts";
import { FEEDS, feedById } from "../../feed/registry.ts";
import type { Command } from "../command.ts";
import { CliError, Exit } from "../errors.ts";
import { unknownFeed } from "../feed-choice.ts";
import { printOut } from "../output.ts";

export const command: Command = {
  args: { placeholder: "[describe FEED]", atLeast: 0, atMost: 2 },
  flags: [
    {
      name: "format",
      kind: "text",
      values: ["text", "json"],
      fallback: "text",
      doc: "Text for people, JSON for programs.",
    },
  ],
  help:
    "Lists the feeds that edgebook reads. With 'describe FEED' it prints the feed's layout table: " +
    "every message, every field with its offset, type and meaning.",
  examples: [
    ["edgebook feeds", "one line for each feed"],
    ["edgebook feeds describe nasdaq-itch50", "all messages of NASDAQ ITCH 5.0"],
    ["edgebook feeds describe iex-deep --format json", "the same of IEX DEEP, for a program"],
  ],
  async run({ args, flags }) {
    const json = flags.text("format") === "json";
    if (args.length === 0) printOut(json ? listJson() : listText());
    else printOut(describe(args[0], args[1], json));
    return Exit.Done;
  },
};

function listText(): string {
  const width = Math.max(...FEEDS.map((feed) => feed.id.length));
  const lines = FEEDS.map((feed) => {
    const { title, versions } = feed.table;
    return `${feed.id.padEnd(width)}  ${title}${versions === "" ? "" : ` (${versions})`}`;
  });
  return `${lines.join("\n")}\n`;
}

function listJson(): string {
  const rows = FEEDS.map((feed) => ({
    feed: feed.id,
    title: feed.table.title,
    versions: feed.table.versions,
    books: feed.books,
  }));
  return `${JSON.stringify(rows, undefined, 2)}\n`;
}

function describe(verb: string, id: string | undefined, json: boolean): string {
  if (verb !== "describe" || id === undefined) {
    throw new CliError(
      "bad_argument",
      verb === "describe" ? "FEED is missing." : `'${verb}' is nothing that 'feeds' does.`,
      "Write: edgebook feeds describe FEED.",
    );
  }
  const feed = feedById(id);
  if (!feed) throw unknownFeed(id);
  return json ? `${JSON.stringify(describeFeedJson(feed), undefined, 2)}\n` : describeFeed(feed);
}
