/**
 * Edge: the trained dictionaries that come with edgebook, made by `scripts/train-dictionaries.ts` from
 * simulated markets. Each is read when its feed is first packed or unpacked; in the one-file binary
 * they are inside it.
 */
import { readFileSync } from "node:fs";
import nasdaqItch50 from "./dictionaries/nasdaq-itch50.zdict" with { type: "file" };
import nseCd from "./dictionaries/nse-cd.zdict" with { type: "file" };
import nseCm from "./dictionaries/nse-cm.zdict" with { type: "file" };
import nseCo from "./dictionaries/nse-co.zdict" with { type: "file" };
import nseFo from "./dictionaries/nse-fo.zdict" with { type: "file" };

const FILES: Readonly<Record<string, string>> = {
  "nasdaq-itch50": nasdaqItch50,
  "nse-cd": nseCd,
  "nse-cm": nseCm,
  "nse-co": nseCo,
  "nse-fo": nseFo,
};

/** Feeds that have one. */
export const SHIPPED_FEEDS: readonly string[] = Object.keys(FILES);

/** Its bytes; undefined: none was trained for the feed. */
export function shippedDictionary(feed: string): Uint8Array | undefined {
  return Object.hasOwn(FILES, feed) ? readFileSync(FILES[feed]) : undefined;
}
