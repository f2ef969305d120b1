import { expect, test } from "bun:test";
import fc from "fast-check";
import { smallMarket } from "../tests/small-market.ts";
import { builtinZstd, nativeZstd, openZstd } from "./zstd.ts";
import { StoredZstd, storedBytes } from "./zstd-stored.ts";

test("what is stored as it is, every zstd unpacks to the same bytes", () => {
  const stored = new StoredZstd(openZstd());
  const readers = [nativeZstd(), builtinZstd(), stored].filter((zstd) => zstd !== undefined);
  const edges = fc.constantFrom(0, 1, (128 << 10) - 1, 128 << 10, (128 << 10) + 1, 300_000);
  fc.assert(
    fc.property(fc.oneof(edges, fc.nat(5000)), fc.integer(), (length, seed) => {
      const raw = Uint8Array.from({ length }, (_, i) => Math.imul(i, seed | 1) >> 11);
      const packed = stored.compress(raw).slice();
      expect(packed.length).toBe(storedBytes(length));
      for (const zstd of readers) expect(zstd.decompress(packed, length)).toEqual(raw);
    }),
    { numRuns: 60 },
  );
});

test("what is stored names no dictionary, though its reader knows one of the feed", () => {
  const reader = openZstd();
  expect(reader.dictionaries.forFeed("nse-fo")).toBeDefined();
  const chunks = smallMarket({ frames: 40 }).chunks(new StoredZstd(reader), 20);
  expect(chunks.map(({ header }) => header.dictionary)).toEqual(["", ""]);
});
