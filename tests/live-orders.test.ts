/** Many live orders on one stream: the small size of `npm run prove -- live-orders`. */
import { expect, test } from "bun:test";
import { runLiveOrders } from "./live-orders-run.ts";

test("100,000 live orders are held, saved in short stops, and put back the same", () => {
  const result = runLiveOrders({
    liveOrders: 100_000,
    instruments: 5_000,
    chunks: 20,
    messagesPerChunk: 2_000,
    copyStepBytes: 65_536,
  });
  const { standing, perMessageNs, stopsMs, stateBytes, fileBytes } = result;
  console.log(
    `${standing} orders; a message takes ${Math.round(perMessageNs[10])} ns (p50); stops of ` +
      `${stopsMs.map((ms) => ms.toFixed(1)).join(", ")} ms for ${stateBytes} bytes`,
  );
  expect(result.after).toBe(result.before);
  expect(standing).toBeGreaterThan(80_000);
  expect(result.instruments).toBeGreaterThan(4_000);
  // Orders are some 40 bytes each, besides what a stream always has.
  expect(stateBytes).toBeLessThan(60e6);
  expect(fileBytes).toBeLessThan(stateBytes / 1.5);
  // Whatever else the machine does: the best of five is near what a stop costs, one or two.
  expect(stopsMs[0]).toBeLessThan(100);
  expect(result.meanwhileNs.length).toBeGreaterThan(0);
}, 60_000);
