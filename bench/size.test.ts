/** The small size of `npm run prove -- size`: byte for byte, and at most half of what zstd -19 takes. */
import { expect, test } from "bun:test";
import { measureSize, sizeLine } from "./size.ts";
import { dictionaryLine, measureDictionary } from "./size-dictionary.ts";
import { captureTraffic, nseTraffic, simulatedTraffic, type Traffic } from "./size-traffic.ts";

function check(traffic: Traffic | undefined): void {
  if (traffic === undefined) {
    console.log("not run: no captures");
    return;
  }
  const result = measureSize(traffic, 1);
  console.log(sizeLine(result));
  expect(result.columns).toBeLessThan(result.zstd19 / 2);
  expect(result.columns).toBeLessThan(result.raw);
}

test("NSE's streams come back byte for byte from chunks of half of zstd -19", () => {
  check(nseTraffic(25_000));
}, 240_000);

test("small chunks of a market that no dictionary was trained on lose a third and more", () => {
  for (const segment of ["nse-fo", "nasdaq-itch50"] as const) {
    const traffic = simulatedTraffic({ segment, seed: 7, streams: 6 }, 8000);
    const result = measureDictionary(traffic, 0.3e6);
    console.log(`${traffic.name}:\n${dictionaryLine(result)}`);
    expect(result.messages).toBeLessThan(60);
    expect(result.withDictionaryBytes).toBeLessThan(0.88 * result.bodyBytes);
    expect(result.bytes).toBeLessThan(0.67 * result.bytesBefore);
  }
}, 120_000);

test("a MoldUDP64 day comes back byte for byte from chunks of half of zstd -19", async () => {
  const file = "books/amzn_l5.mold64.pcap.gz";
  check(await captureTraffic("AMZN, MoldUDP64", "nasdaq-itch50", file, 10_000));
}, 240_000);

test("IEX's messages come back byte for byte from chunks of half of zstd -19", async () => {
  const file = "captures/iex-deep/iex-deep-2023-10-02.pcap.gz";
  check(await captureTraffic("IEX DEEP", "iex-deep", file, 30_000));
}, 240_000);
