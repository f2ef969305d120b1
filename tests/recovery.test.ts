import { describe, expect, test } from "bun:test";
import { RecoveryWorld, type WorldOptions } from "./recovery-world.ts";

const SMALL = { streams: 2, instruments: 20, ordersPerStream: 150, messagesPerSecond: 3000 };

function world(options: Partial<WorldOptions>): RecoveryWorld {
  return new RecoveryWorld({
    exchange: { seed: 5, ...SMALL, ...options.exchange },
    tradingMs: 1500,
    quietMs: 1500,
    seed: 5,
    isLost: () => false,
    ...options,
  });
}

const between = (from: number, to: number) => (stream: number, sequence: number) =>
  stream === 1 && sequence >= from && sequence <= to;

describe("what both lines lose", () => {
  test("is asked for, comes as recovered chunks, and leaves every book valid", () => {
    const all = world({ isLost: between(300, 340) }).run();
    expect(all.problems).toEqual([]);
    expect(all.unrepaired()).toEqual([]);
    expect(all.violations()).toEqual([]);
    expect(all.chunkKinds.get("recovered")).toBeGreaterThan(0);
    expect(all.recovery.ticks?.counts).toMatchObject({ whole: 1, wrong: 0 });
    const ledger = all.live.feeds.get("nse-fo")!.pipeline.sequencer.ledger;
    expect(ledger.recoveredNumbers).toBe(41);
    expect(ledger.repaired.list().filter((row) => row.repairedBy === "recovery")).toMatchObject([
      { stream: 1, from: 300, to: 340 },
    ]);
  });

  test("is repaired by a snapshot where nobody answers requests", () => {
    const all = world({ isLost: between(300, 340), edge: { ticks: false } }).run();
    expect(all.problems).toEqual([]);
    expect(all.unrepaired()).toEqual([]);
    const { ledger } = all.live.feeds.get("nse-fo")!.pipeline.sequencer;
    expect(ledger.repaired.list().filter((row) => row.repairedBy === "snapshot")).toMatchObject([
      { stream: 1, from: 300, to: 340 },
    ]);
  });

  test("stays lost and flagged where nobody can be asked", () => {
    const nobody = { ticks: false, snapshots: false };
    const all = world({ isLost: between(300, 340), edge: nobody }).run();
    expect(all.problems).toEqual([]);
    expect(all.stream(1)).toMatchObject({ isDoubtful: true, lostNumbers: 41 });
    expect(all.stream(2)).toMatchObject({ isDoubtful: false, lostNumbers: 0 });
  });
});

describe("a centre that starts at noon", () => {
  test("has valid books soon, from a snapshot and what follows it", () => {
    const all = world({ centreFromMs: 700 }).run();
    expect(all.problems).toEqual([]);
    expect(all.unrepaired()).toEqual([]);
    const { repairs, repairChunks } = all.live.feeds.get("nse-fo")!;
    expect(repairChunks.splices.get("spliced")).toBeGreaterThanOrEqual(2);
    expect(repairs.validAfterNs / 1e6).toBeLessThan(600);
  });
});

describe("a chunk that nobody has any more", () => {
  test("is made good from the exchange, through the edge that never missed its messages", () => {
    const all = world({ isChunkLost: (number) => number > 40 && number < 44 }).run();
    expect(all.live.intake.lost).toBeGreaterThan(0);
    expect(all.problems).toEqual([]);
    expect(all.unrepaired()).toEqual([]);
    expect(all.live.feeds.get("nse-fo")!.repairs.rangesAsked).toBeGreaterThan(0);
  });
});
