/** Gaps are told once each, as the ledger has them in the end, and in the order of their numbers. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { GapRow } from "../../streams/ledger.ts";
import { ToyBench, type ToyPacket } from "../../streams/toy.ts";
import { GapsClosed } from "./gap-watch.ts";

const runs = Number(Bun.env.EDGEBOOK_RUNS ?? 300);

/** A packet of each line, dropped or late, and whether somebody looks behind it. */
const sent = fc.record({
  dropA: fc.nat(2).map((n) => n === 0),
  dropB: fc.nat(2).map((n) => n === 0),
  lateMs: fc.oneof({ weight: 2, arbitrary: fc.constant(1) }, fc.nat(120)),
  pauseMs: fc.nat(30),
  messages: fc.integer({ min: 1, max: 3 }),
  restarts: fc.nat(25).map((n) => n === 0),
  looks: fc.boolean(),
});
type Sent = typeof sent extends fc.Arbitrary<infer T> ? T : never;

function arrivals(plan: readonly Sent[]): (ToyPacket & { looks: boolean })[] {
  const packets: (ToyPacket & { looks: boolean })[] = [];
  let [at, sequence, session] = [0, 1, 1];
  for (const { dropA, dropB, lateMs, pauseMs, messages, restarts, looks } of plan) {
    at += pauseMs;
    if (restarts && session < 3) [sequence, session] = [1, session + 1];
    const packet = { sequence, session, messages, looks };
    if (!dropA) packets.push({ at, line: "A", ...packet });
    if (!dropB) packets.push({ at: at + lateMs, line: "B", ...packet });
    sequence += messages;
  }
  return packets.sort((a, b) => a.at - b.at);
}

const shown = ({ epoch, from, to, state, repairedBy }: GapRow) =>
  `${epoch}: ${from}..${to} ${state} ${repairedBy ?? ""}`;

test("every gap is told once, in order, whenever one looks", () => {
  let told = 0;
  fc.assert(
    fc.property(fc.array(sent, { minLength: 20, maxLength: 80 }), (plan) => {
      const bench = new ToyBench({ windowNs: 50e6 });
      const closed = new GapsClosed(bench.sequencer);
      const found: GapRow[] = [];
      // As they are told: a row that grew afterwards would be told too short.
      const look = () => {
        for (const { gaps } of closed.news()) found.push(...gaps.map((gap) => ({ ...gap })));
      };
      for (const packet of arrivals(plan)) {
        bench.push(packet);
        if (packet.looks) look();
      }
      bench.finish();
      look();
      const wanted = bench.sequencer.ledger
        .closedGaps()
        .sort((a, b) => a.epoch - b.epoch || a.from - b.from);
      expect(found.map(shown)).toEqual(wanted.map(shown));
      told += found.length;
    }),
    { numRuns: runs },
  );
  expect(told).toBeGreaterThan(runs);
});
