/** The feeds that edgebook knows, by the id that `--feed` takes. */
import type { Feed } from "./feed.ts";

/** Every feed, in the order of `edgebook feeds`. */
export const FEEDS: readonly Feed[] = [];

/** The ids, for `--help` and for errors that name what there is. */
export const FEED_IDS: readonly string[] = FEEDS.map((feed) => feed.id);

const byId = new Map(FEEDS.map((feed) => [feed.id, feed]));

/** The feed of that id; undefined if there is none. */
export function feedById(id: string): Feed | undefined {
  return byId.get(id);
}
