/**
 * Bytes a message of chunks in columns, headers and capture times included, beside zstd of the pcap.
 * NSE's 18 streams from the simulator, a day of AMZN over MoldUDP64, IEX DEEP; every frame is held
 * against what comes back. With the speed on one core. Then small chunks, closed sooner: what they were, and
 * what the dictionary that comes with edgebook saves in them. Arguments: NSE messages, rounds of timing.
 */
import { measureSize, sizeLine } from "../../bench/size.ts";
import {
  dictionaryLine,
  measureDictionary,
  measureTrained,
  trainedLine,
} from "../../bench/size-dictionary.ts";
import { captureTraffic, nseTraffic } from "../../bench/size-traffic.ts";

const [messages = 600_000, rounds = 5] = process.argv.slice(2).map(Number);
const LEAST_MBS = 100;
const SMALL_MESSAGES = 300_000;
const REAL_DATAGRAMS = 60_000;
const sources = [
  () => nseTraffic(messages),
  () => captureTraffic("AMZN, MoldUDP64", "nasdaq-itch50", "books/amzn_l5.mold64.pcap.gz", 1e9),
  () =>
    captureTraffic("IEX DEEP", "iex-deep", "captures/iex-deep/iex-deep-2023-10-02.pcap.gz", 1e9),
];
/** Ages at which chunks of few messages close; the usual one is 50 ms. */
const SMALL_AGES_NS = [0.05e6, 0.3e6, 1e6, 4e6, 16e6];
/** A dictionary has to take so much off the bodies of chunks of at most so many messages. */
const SMALL_CHUNK_MESSAGES = 40;
const LEAST_SAVED = 0.1;
let isReached = true;
for (const source of sources) {
  const traffic = await source();
  if (traffic === undefined) {
    console.log("not run: no captures");
    continue;
  }
  const result = measureSize(traffic, rounds);
  console.log(sizeLine(result));
  console.log(`  ${result.note}`);
  const isSmall = result.columns <= result.zstd19 / 2;
  const isFast = Math.min(result.packPcapMBs, result.unpackPcapMBs) >= LEAST_MBS;
  if (!isSmall) console.log("  NOT reached: half of zstd -19");
  if (!isFast) console.log(`  NOT reached: ${LEAST_MBS} MB of captured bytes a CPU second`);
  isReached &&= isSmall && isFast;
}
const small = await nseTraffic(Math.min(messages, SMALL_MESSAGES));
console.log(`${small.name}, chunks closed sooner:`);
for (const ageNs of SMALL_AGES_NS) {
  const result = measureDictionary(small, ageNs);
  console.log(dictionaryLine(result));
  const saved = 1 - result.withDictionaryBytes / result.bodyBytes;
  if (saved < 0) console.log("  NOT reached: no chunk larger by a dictionary");
  const isWorth = result.messages > SMALL_CHUNK_MESSAGES || saved >= LEAST_SAVED;
  if (!isWorth) console.log(`  NOT reached: ${100 * LEAST_SAVED} % off a small body`);
  isReached &&= saved >= 0 && isWorth;
}
const real = await captureTraffic(
  "AMZN, MoldUDP64",
  "nasdaq-itch50",
  "books/amzn_l5.mold64.pcap.gz",
  REAL_DATAGRAMS,
);
if (real !== undefined) {
  console.log(`${real.name}, cut into small chunks:`);
  const trained = await measureTrained(real, [5, 10, 20, 40, 80]);
  for (const result of trained ?? []) console.log(trainedLine(result));
  if (trained === undefined) console.log("  not run: no zstd tool");
  isReached &&= trained?.every(({ none, shipped }) => shipped <= none) ?? true;
}
process.exit(isReached ? 0 : 1);
