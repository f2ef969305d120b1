import { expect, test } from "bun:test";
import { openFastZstd, openZstd } from "./zstd.ts";
import { HurriedZstd } from "./zstd-hurried.ts";

test("what is packed in a hurry unpacks as everything else does", () => {
  const zstd = new HurriedZstd(openZstd(), openFastZstd());
  const raw = Uint8Array.from({ length: 100_000 }, (_, i) => (i * i) >> 7);
  for (const isHurried of [false, true, false, true]) {
    zstd.isHurried = isHurried;
    const packed = zstd.compress(raw).slice();
    expect(openZstd().decompress(packed, raw.length)).toEqual(raw);
    expect(zstd.decompress(packed, raw.length)).toEqual(raw);
  }
  expect(zstd.hurried).toBe(2);
});
