/** The small size of `npm run prove -- asof`: every row is DuckDB's, and the digests stand. */
import { expect, test } from "bun:test";
import { acrossStreams, asOfLine, measureAsOf, oneStream } from "./asof.ts";

test("trades of one stream have the quotes that DuckDB finds", async () => {
  const result = await measureAsOf(oneStream(30_000), 2);
  console.log(asOfLine(result));
  expect(result.matched).toBeGreaterThan(1000);
  expect(result.waitingMost).toBe(0);
}, 60_000);

test("trades of four streams have the quotes of a fifth that lags", async () => {
  const result = await measureAsOf(acrossStreams(30_000), 2);
  console.log(asOfLine(result));
  expect(result.matched).toBeGreaterThan(10_000);
  expect(result.waitingMost).toBeGreaterThan(1000);
}, 60_000);
