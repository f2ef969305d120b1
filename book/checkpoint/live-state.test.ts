import { describe, expect, test } from "bun:test";
import { openZstd } from "../../frames/zstd.ts";
import { answers } from "../../tests/live-answers.ts";
import { type Market, runMarket } from "../../tests/live-market.ts";
import { Live } from "../live.ts";
import { restoreLive, type StoredLive, wholeState } from "./live-state.ts";

const NOW_NS = 1.78e18;

function newLive(): Live {
  return new Live({ zstd: openZstd(), ask() {}, asOf: { options: { quotesLimit: 4096 } } });
}

/** What a disk would give back: a copy of every byte and value. */
function stored(live: Live): StoredLive {
  const { outline, graph } = wholeState(live);
  return structuredClone({
    outline,
    graph: { nodes: graph.nodes, buffers: graph.buffers.map((bytes) => bytes.slice().buffer) },
  });
}

function losing(seed: number): Market {
  // Both lines lose some of the same datagrams, so that there are gaps, held messages and lost ones.
  const isLost = (line: number, stream: number, sendNs: number) => {
    const slot = Math.floor(sendNs / 1e6) * 31 + stream * 7 + seed;
    return slot % 97 === 3 || slot % 13 === line;
  };
  return runMarket({ seed, milliseconds: 500, isLost });
}

describe("the state of the live service", () => {
  for (const seed of [1, 2]) {
    test(`taken anywhere and put back, it goes on as if nothing had been (seed ${seed})`, () => {
      const market = losing(seed);
      const unbroken = newLive();
      for (const { bytes } of market.chunks) unbroken.push(bytes, NOW_NS);
      unbroken.finish(NOW_NS);
      const truth = answers(unbroken, market);
      const step = Math.max(1, Math.floor(market.chunks.length / 4));
      for (let cut = 0; cut <= market.chunks.length; cut += step) {
        const before = newLive();
        for (const { bytes } of market.chunks.slice(0, cut)) before.push(bytes, NOW_NS);
        const state = stored(before);
        const there = answers(before, market);
        const after = newLive();
        restoreLive(after, state);
        expect(answers(after, market)).toEqual(there);
        for (const { bytes } of market.chunks.slice(cut)) after.push(bytes, NOW_NS);
        after.finish(NOW_NS);
        expect(answers(after, market)).toEqual(truth);
      }
    }, 30_000);
  }

  test("put back and taken again, it is the same state", () => {
    const market = losing(4);
    const live = newLive();
    for (const { bytes } of market.chunks) live.push(bytes, NOW_NS);
    const state = stored(live);
    const again = newLive();
    restoreLive(again, state);
    expect(stored(again).graph.nodes.length).toBe(state.graph.nodes.length);
    expect(stored(again).outline).toEqual(state.outline);
  });

  test("of another version, it is refused and not half believed", () => {
    const live = newLive();
    for (const { bytes } of losing(5).chunks) live.push(bytes, NOW_NS);
    const { outline, graph } = stored(live);
    const nodes = graph.nodes.map((node) =>
      node[1] === "Sequencer" ? node.map((value) => (value === "wakeNs" ? "wokeNs" : value)) : node,
    );
    const state = { outline, graph: { nodes, buffers: graph.buffers } };
    expect(() => restoreLive(newLive(), state)).toThrow("Sequencer has a field wakeNs");
  });
});
