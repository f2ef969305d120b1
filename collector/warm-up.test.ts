import { expect, test } from "bun:test";
import { openZstd } from "../frames/zstd.ts";
import { warmUp } from "./warm-up.ts";

test("made-up datagrams go all the way, so that real ones find the way compiled", () => {
  expect(warmUp(openZstd())).toBeGreaterThan(50_000);
});
