/**
 * Which feed a capture is of: what `--feed` or the channel table says, else what the bytes can only
 * be. Bytes tell feeds apart whose datagrams check themselves (IEX-TP, MoldUDP64 with ITCH); NSE's
 * segments look alike, so that somebody has to say.
 */
import { layoutAt } from "../feed/codec.ts";
import type { Feed } from "../feed/feed.ts";
import { Fault, PacketBatch } from "../feed/packet-batch.ts";
import { FEED_IDS, FEEDS, feedById } from "../feed/registry.ts";
import type { Channels } from "../frames/channels.ts";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { CliError } from "./errors.ts";
import { nearest } from "./nearest.ts";

/** Datagrams that a guess looks at. */
const LOOK_AT = 64;

export function unknownFeed(id: string): CliError {
  const close = nearest(id, FEED_IDS);
  return new CliError(
    "unknown_feed",
    `There is no feed '${id}'.`,
    `${close ? `Did you mean ${close}? ` : ""}The feeds are ${FEED_IDS.join(", ")}.`,
  );
}

/** The feed that the user named, in `--feed` or as the only one of the channel table. */
export function namedFeed(
  id: string | undefined,
  channels: Channels,
  spec: string | undefined,
): Feed | undefined {
  const inTable = new Set(channels.list.map((channel) => channel.feed).filter((name) => name));
  const name = id ?? (inTable.size === 1 ? [...inTable][0] : undefined);
  if (name === undefined) return undefined;
  const feed = feedById(name, spec);
  if (!feed) throw unknownFeed(name);
  return feed;
}

/** @param datagrams whether there were any to look at */
export function feedNeeded(datagrams = true): CliError {
  return new CliError(
    "feed_needed",
    datagrams
      ? "Nothing says which exchange's feed this is, and the bytes do not tell."
      : "There is no UDP datagram in it, so nothing tells which exchange's feed this is.",
    `Name it with --feed: ${FEED_IDS.join(", ")}.`,
  );
}

/** The only feed whose framing reads the first datagrams without a fault. */
export function guessFeed(frames: FrameBatch): Feed | undefined {
  const able = FEEDS.filter((feed) => feed.books !== "none" && readsAll(feed, frames));
  return able.length === 1 ? able[0] : undefined;
}

/** The only feed whose own file format begins like this. */
export function guessFileFeed(head: Uint8Array): Feed | undefined {
  const able = FEEDS.filter((feed) => feed.file?.sniff(head));
  return able.length === 1 ? able[0] : undefined;
}

function readsAll(feed: Feed, frames: FrameBatch): boolean {
  const framing = feed.framing();
  const packets = new PacketBatch(LOOK_AT, 1024);
  for (let frame = 0; frame < Math.min(frames.count, LOOK_AT); frame++) {
    const offset = frames.offset[frame];
    const length = frames.length[frame];
    const fault = framing.read(frames.view, offset, length, frame, { stream: 0 }, packets);
    if (fault !== Fault.None) return false;
  }
  for (let at = 0; at < packets.messageCount; at++) {
    const offset = packets.messageOffset[at];
    const length = packets.messageLength[at];
    const layout = layoutAt(feed.table, frames.view, offset, length);
    if (!layout || length < layout.length) return false;
  }
  return packets.count > 0;
}
