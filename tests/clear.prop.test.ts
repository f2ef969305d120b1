/**
 * The operator's clear in worlds where anything may go wrong: whatever is held, spliced, lost or killed
 * just then, no book lies about what came behind it.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { openZstd } from "../frames/zstd.ts";
import { caseArbitrary } from "../sim/check-cases.ts";
import { caseText } from "../sim/world/case.ts";
import { Judge } from "../sim/world/judge.ts";
import { World } from "../sim/world/world.ts";

const SEED = Number(process.env.EDGEBOOK_SEED ?? 20_261_123);
const RUNS = Number(process.env.EDGEBOOK_RUNS ?? 25);
const TIMEOUT_MS = 120_000;

test(
  `a clear at any moment leaves no book wrong (seed ${SEED})`,
  () => {
    const zstd = openZstd();
    let places = 0;
    const percent = fc.integer({ min: 10, max: 95 });
    const moments = fc.array(percent, { minLength: 1, maxLength: 3 });
    const property = fc.property(caseArbitrary, moments, (given, chosen) => {
      const world = new World(given, zstd);
      const judge = new Judge();
      const dueNs = chosen.map((part) => (part * world.untilNs) / 100).sort((a, b) => a - b);
      world.run({
        tick(now, nowNs) {
          while (dueNs[0] !== undefined && dueNs[0] <= nowNs) {
            dueNs.shift();
            now.centre.live?.clear(given.segment, 1);
          }
          judge.tick(now, nowNs);
        },
      });
      judge.end(world);
      const ledger = world.centre.feed?.pipeline.sequencer.ledger;
      places += ledger?.clears.list().length ?? 0;
      expect({ problems: judge.problems, text: caseText(given) }).toEqual({
        problems: [],
        text: caseText(given),
      });
    });
    fc.assert(property, { seed: SEED, numRuns: RUNS, endOnFailure: true });
    expect(places).toBeGreaterThan(RUNS / 4);
  },
  TIMEOUT_MS,
);
