/**
 * Trains the dictionaries that come with edgebook: `frames/dictionaries/FEED.zdict`, one for each feed
 * that the simulator can make traffic of, and of nothing but that traffic.
 *
 *     bun scripts/train-dictionaries.ts            all
 *     bun scripts/train-dictionaries.ts nse-fo     one
 *
 * The same seeds and the same `zstd` tool give the same bytes. Small chunks are what is trained on:
 * `columns` bodies of a market whose chunks close sooner and sooner.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { collected } from "../bench/size.ts";
import { simulatedTraffic } from "../bench/size-traffic.ts";
import { trainDictionary, trainingSample } from "../cli/dictionary-training.ts";
import { SHIPPED_FEEDS } from "../frames/dictionary-shipped.ts";
import { openZstd } from "../frames/zstd.ts";
import type { Segment } from "../sim/exchange/instruments.ts";

/** `npm run prove -- size` tries them on another one. */
const SEEDS = [101, 102, 103];
const STREAMS = 6;
const DATAGRAMS = 40_000;
/** How soon chunks close, for about 8, 27, 76 and 287 messages each, and how many of each are taken. */
const AGES: readonly (readonly [ageNs: number, samples: number])[] = [
  [0.15e6, 800],
  [0.5e6, 700],
  [1.5e6, 400],
  [5e6, 150],
];

const folder = join(import.meta.dir, "../frames/dictionaries");
const zstd = openZstd();
zstd.dictionaries.choose({ isOff: true, preferred: [] });

for (const feed of process.argv.length > 2 ? process.argv.slice(2) : SHIPPED_FEEDS) {
  const samples = SEEDS.flatMap((seed) => bodiesOf(feed as Segment, seed));
  const trained = await trainDictionary(feed, samples, zstd);
  writeFileSync(join(folder, `${feed}.zdict`), trained.bytes);
  const kib = (samples.reduce((sum, { length }) => sum + length, 0) / 1024).toFixed(0);
  console.log(
    `${trained.name}: ${trained.bytes.length} bytes of ${samples.length} bodies, ${kib} KiB`,
  );
}

function bodiesOf(segment: Segment, seed: number): Uint8Array[] {
  const traffic = simulatedTraffic({ segment, seed, streams: STREAMS }, DATAGRAMS);
  return AGES.flatMap(([ageNs, most]) => {
    const { chunks } = collected(traffic, "columns", ageNs);
    const bodies = chunks
      .map(({ bytes }) => trainingSample(bytes, zstd))
      .filter((body) => body !== undefined);
    // Evenly from all of them: the market is not the same from its beginning to its end.
    const every = Math.max(1, Math.floor(bodies.length / most));
    return bodies.filter((_, at) => at % every === 0).slice(0, most);
  });
}
