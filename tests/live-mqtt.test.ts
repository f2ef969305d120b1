/**
 * Real captures on the whole way, live: multicast, collector, MQTT broker, book service. The full
 * sizes are `npm run prove -- live`, of the same code.
 */
import { describe, expect, test } from "bun:test";
import { mosquittoProgram } from "./live-mqtt-broker.ts";
import { liveCaptures } from "./live-mqtt-capture.ts";
import { type LiveOptions, liveRun } from "./live-mqtt-run.ts";
import { BUSY_PACE, complaintsOf, summaryOf } from "./live-mqtt-verdict.ts";

const captures = liveCaptures() ?? [];
const TIMEOUT_MS = 180_000;
/** Of the MoldUDP64 capture; the other one is small. */
const FRAMES = 20_000;
const PACED_SECONDS = 20;

const cases: [string, Omit<LiveOptions, "broker" | "capture">][] = [
  ["10x keeps the capture's pace", { speed: "10x", first: { seconds: PACED_SECONDS } }],
  ["at 50000pps nothing is lost", { speed: "50000pps", first: { frames: FRAMES } }],
  ["at max all is delivered or lost", { speed: "max", first: { frames: FRAMES } }],
];

for (const broker of ["aedes", "mosquitto"] as const) {
  const present = broker === "aedes" || mosquittoProgram() !== null;
  if (!present) console.log("not run: no mosquitto");

  describe.skipIf(!present)(`live through ${broker}`, () => {
    for (const capture of captures) {
      for (const [promise, how] of cases) {
        const options = { broker, capture, ...how };
        test(
          `${capture.name}: ${promise}, and the books are those of rebuild`,
          async () => {
            const run = await liveRun(options);
            console.log(summaryOf(run, options));
            expect(complaintsOf(run, options, BUSY_PACE)).toEqual([]);
          },
          TIMEOUT_MS,
        );
      }
    }

    test.skipIf(captures.length === 0)(
      "what a stopped collector loses stands in the ledger to the last number",
      async () => {
        const first = { frames: FRAMES };
        const options = { broker, capture: captures[0], first, speed: "max", stopped: true };
        const run = await liveRun(options);
        console.log(summaryOf(run, options));
        expect(complaintsOf(run, options, BUSY_PACE)).toEqual([]);
      },
      TIMEOUT_MS,
    );
  });
}

test.skipIf(captures.length === 0)(
  "a message too few, a wrong size, a frame off its time: each is complained of",
  async () => {
    const [capture] = captures;
    const options = { broker: "aedes", capture, first: { seconds: 300 }, speed: "300x" } as const;
    const run = await liveRun(options);
    expect(complaintsOf(run, options, BUSY_PACE)).toEqual([]);
    const { served, offPaceNs, collected } = run;
    const [token, book] = [...served.books].find(([, { bids }]) => bids.length > 0) ?? ["", null];
    expect(book).not.toBeNull();
    const [best, ...others] = book?.bids ?? [];
    const bids = [{ ...best, size: best.size + 1 }, ...others];
    const books = new Map(served.books).set(token, { bids, asks: book?.asks ?? [] });
    const broken = [
      { ...run, served: { ...served, messages: served.messages - 1 } },
      { ...run, served: { ...served, books } },
      { ...run, served: { ...served, liveOrders: served.liveOrders + 1 } },
      { ...run, collected: { ...collected, lost: 1 } },
      { ...run, offPaceNs: offPaceNs.map((ns) => ns + 1e9) },
    ];
    for (const each of broken) expect(complaintsOf(each, options)).not.toEqual([]);
  },
  TIMEOUT_MS,
);
