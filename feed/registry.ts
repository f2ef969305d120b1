/** The feeds that edgebook knows, by the id that `--feed` takes. */
import type { Feed } from "./feed.ts";
import { iexDeep, iexTops } from "./iex/feed.ts";
import { nasdaqItch50 } from "./nasdaq/feed.ts";
import { nseCd, nseCm, nseCo, nseCoFourPlaces, nseFo } from "./nse/feed.ts";
import { sequenced } from "./sequenced/feed.ts";

/** Every feed, in the order of `edgebook feeds`. */
export const FEEDS: readonly Feed[] = [
  nseCm,
  nseFo,
  nseCd,
  nseCo,
  nasdaqItch50,
  iexDeep,
  iexTops,
  sequenced,
];

/** The ids, for `--help` and for errors that name what there is. */
export const FEED_IDS: readonly string[] = FEEDS.map((feed) => feed.id);

const byId = new Map(FEEDS.map((feed) => [feed.id, feed]));

/**
 * The feed of that id; undefined if there is none.
 * @param spec protocol version (`--spec`), where layouts differ: NSE's commodity prices had four
 *   places until 6.5; no other feed minds
 */
export function feedById(id: string, spec?: string): Feed | undefined {
  if (id === "nse-co" && spec !== undefined && versionBefore(spec, 6, 6)) return nseCoFourPlaces;
  return byId.get(id);
}

/** "6.5" and "v6.5" are before 6.6, "6.10" is not. */
function versionBefore(spec: string, major: number, minor: number): boolean {
  const parts = /^v?(\d+)(?:\.(\d+))?/.exec(spec);
  if (parts === null) return false;
  const specMajor = Number(parts[1]);
  return specMajor < major || (specMajor === major && Number(parts[2] ?? 0) < minor);
}
