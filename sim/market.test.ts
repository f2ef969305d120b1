import { describe, expect, test } from "bun:test";
import { Market, type MarketOptions } from "./market.ts";
import { parseSchedule } from "./schedule.ts";
import { parseFaults } from "./serve-faults.ts";
import { MarketCapture } from "./serve-pcap.ts";

const SEC = 1e9;

function run(options: Partial<MarketOptions>, untilNs = 2 * SEC, stepNs = untilNs) {
  const frames: string[] = [];
  const market = new Market(options, {
    frame: (channel, ns, bytes, offset, length) => {
      frames.push(`${channel} ${ns} ${bytes.subarray(offset, offset + length).toHex()}`);
    },
  });
  for (let now = stepNs; now <= untilNs; now += stepNs) market.step(now);
  market.finish();
  return { market, frames };
}

describe("a market", () => {
  test("is the same for the same seed, faults and all, and another for another", () => {
    const faults = parseFaults("loss=2%,B.jitter=3ms,dup=1%,conflict=1%");
    const of = (seed: number) => run({ faults, seed, exchange: { seed } }).frames;
    expect(of(5)).toEqual(of(5));
    expect(of(5)).not.toEqual(of(6));
  });

  test("loses on a line what its rates say, and nothing on the other", () => {
    const { market, frames } = run({ faults: parseFaults("A.loss=10%") });
    const on = (line: number) => frames.filter((text) => Number(text.split(" ")[0]) % 2 === line);
    expect(on(1).length).toBeGreaterThan(on(0).length);
    // What B is behind by has not come yet.
    const missing = market.faults.log.count("drop") - (on(1).length - on(0).length);
    expect(missing).toBeGreaterThanOrEqual(0);
    expect(missing).toBeLessThan(10);
  });

  test("does what the schedule says to the exchange, its lines and its servers", () => {
    const schedule = parseSchedule("at 1s restart\nat 0.5s outage AB 100ms\nat 3s end", "s");
    const { market } = run({ schedule }, 4 * SEC);
    expect(market.exchange.streams.map(({ restarts }) => restarts)).toEqual([1, 1]);
    expect(market.scheduled.log.count("outage")).toBeGreaterThan(20);
    expect(market.exchange.options.endNs).toBe(3 * SEC);
  });

  test("a capture of it has every frame, and its bytes do not depend on the steps", () => {
    const options = { faults: parseFaults("loss=1%") };
    const parts: Uint8Array[] = [];
    const capture = new MarketCapture(options, (bytes) => parts.push(bytes.slice()));
    while (!capture.step(1 * SEC));
    const { frames } = run(options, 1 * SEC);
    expect(capture.frames).toBe(frames.length);
    const file = Buffer.concat(parts);
    expect(file.readUInt32LE(0)).toBe(0xa1b23c4d);
    expect(file.length).toBeGreaterThan(capture.frames * (16 + 42 + 13));
  });
});

describe("a list of faults", () => {
  test("is read by name, line and place", () => {
    expect(parseFaults("loss=1%,B.delay=20ms, recovery.notYet=.5,snapshot.old=50%")).toEqual({
      all: { lossRate: 0.01 },
      lines: [{}, { delayNs: 20e6 }],
      recovery: { notYetRate: 0.5 },
      snapshots: { oldRate: 0.5 },
    });
    expect(parseFaults("").all).toEqual({});
  });

  test("says which of them cannot be, and what can", () => {
    expect(() => parseFaults("loss")).toThrow("'loss' cannot be read");
    expect(() => parseFaults("loss=200%")).toThrow("is no rate");
    expect(() => parseFaults("C.loss=1%")).toThrow("names 'C'");
    expect(() => parseFaults("lost=1%")).toThrow("is not known");
    expect(() => parseFaults("recovery.old=1%")).toThrow("is not known");
  });
});
