import { describe, expect, test } from "bun:test";
import type { ChunkHeader, ChunkRepairs } from "../frames/chunk-header.ts";
import type { RepairRequest } from "../frames/transport.ts";
import { ToyBench } from "../streams/toy.ts";
import { REPAIR_DEFAULTS, Repairs } from "./repairs.ts";

const CAN_ASK: ChunkRepairs = { ticksNs: 60e9, snapshotNs: 90e9 };
/** Of the service's clock, between two looks. */
const TURN_NS = 100e6;

/** The bit of a header that is looked at. */
function header(collector: string, repairs: ChunkRepairs | undefined): ChunkHeader {
  const said = { collector, stream: 1, ...(repairs === undefined ? {} : { repairs }) };
  return said as ChunkHeader;
}

/** A stream whose gap is a second old, and who was asked what. */
function withGap() {
  const bench = new ToyBench({ windowNs: 100e6, lateStartDoubtful: true });
  const asked: (RepairRequest & { readonly collector: string })[] = [];
  const repairs = new Repairs("toy", bench.sequencer, (collector, request) => {
    asked.push({ collector, ...request });
  });
  return { bench, repairs, asked };
}

describe("a stream that several collectors carry", () => {
  /** Chunks of two collectors in turn, for so long. */
  function alternate(turns: number, offers: readonly (ChunkRepairs | undefined)[]) {
    const { bench, repairs, asked } = withGap();
    repairs.heard(header("one", offers[0]), 0);
    repairs.heard(header("two", offers[1]), 0);
    bench.push({ at: 0, sequence: 1 }, { at: 200, sequence: 2 }, { at: 210, sequence: 5 });
    bench.push({ at: 1210, sequence: 6 });
    for (let turn = 1; turn <= turns; turn++) {
      repairs.heard(header("one", offers[0]), turn * TURN_NS);
      repairs.heard(header("two", offers[1]), turn * TURN_NS);
      repairs.advance(turn * TURN_NS);
    }
    return asked;
  }

  test("is asked for at the pace of one, each in its turn", () => {
    const asked = alternate(40, [CAN_ASK, CAN_ASK]);
    const ranges = asked.filter(({ ask }) => ask === "range");
    expect(ranges).toHaveLength((40 * TURN_NS) / REPAIR_DEFAULTS.rangesAgainNs);
    expect(ranges.map(({ collector }) => collector)).toEqual(["one", "two", "one", "two"]);
    expect(ranges[0]).toMatchObject({ from: 3, to: 4 });
  });

  test("is asked only of those who can ask", () => {
    const asked = alternate(40, [undefined, CAN_ASK]);
    expect(new Set(asked.map(({ collector }) => collector))).toEqual(new Set(["two"]));
    const apart = alternate(40, [
      { ticksNs: 0, snapshotNs: 90e9 },
      { ticksNs: 60e9, snapshotNs: 0 },
    ]);
    for (const { ask, collector } of apart) expect(collector).toBe(ask === "range" ? "two" : "one");
    expect(apart.length).toBeGreaterThan(0);
  });

  test("is not asked of a collector that is silent while the other speaks", () => {
    const { bench, repairs, asked } = withGap();
    repairs.heard(header("dead", CAN_ASK), 0);
    bench.push({ at: 0, sequence: 1 }, { at: 200, sequence: 3 }, { at: 1210, sequence: 4 });
    for (let atNs = 20e9; atNs < 30e9; atNs += TURN_NS) {
      repairs.heard(header("alive", CAN_ASK), atNs);
      repairs.advance(atNs);
    }
    expect(new Set(asked.map(({ collector }) => collector))).toEqual(new Set(["alive"]));
  });

  test("a collector that came back without recovery is asked no more", () => {
    const { bench, repairs, asked } = withGap();
    repairs.heard(header("one", CAN_ASK), 0);
    repairs.heard(header("one", undefined), 1);
    bench.push({ at: 0, sequence: 1 }, { at: 200, sequence: 3 }, { at: 1210, sequence: 4 });
    repairs.advance(2e9);
    expect(asked).toEqual([]);
  });

  test("stands still for a snapshot once in `healAgainNs`, not at each chunk", () => {
    const { bench, repairs, asked } = withGap();
    const soon: ChunkRepairs = { ticksNs: 0, snapshotNs: 1e9 };
    repairs.heard(header("one", soon), 0);
    repairs.heard(header("two", soon), 0);
    bench.push({ at: 0, sequence: 1 }, { at: 200, sequence: 3 });
    let stood = 0;
    for (let at = 300; at < 20_000; at += 100) {
      const { streams } = bench.sequencer;
      const before = streams[0]?.splicing;
      repairs.heard(header("one", soon), at * 1e6);
      repairs.heard(header("two", soon), at * 1e6);
      bench.push({ at, sequence: 4 + at / 100 });
      repairs.advance(at * 1e6);
      if (before === false && streams[0]?.splicing) stood++;
    }
    expect(stood).toBe(1);
    expect(asked.length).toBeLessThan(10);
  });
});
