import { expect, test } from "bun:test";
import type { GraphRules } from "./graph.ts";
import { captureGraph, writeLists } from "./graph-capture.ts";
import { restoreGraph } from "./graph-restore.ts";

const RULES: GraphRules = { classes: [], keeps: {}, besides: {}, shared: new Map() };
const LONG = 3000;

function stored(root: object) {
  const graph = captureGraph(root, RULES);
  for (const _ of writeLists(graph));
  return { nodes: structuredClone(graph.nodes), buffers: [] };
}

test("long lists are those of the capture, whatever their room held before", () => {
  const rooms: unknown[][] = [];
  const lists = [LONG, LONG * 2, 10, LONG + 1].map((length) => {
    return Array.from({ length }, (_, at) => (at % 7 === 3 ? undefined : `${length} ${at}`));
  });
  for (const order of [lists, [...lists].reverse(), lists.slice(1)]) {
    const graph = captureGraph({ order }, RULES, rooms);
    const wanted = structuredClone(order);
    const [first] = order;
    const [before] = first;
    first[0] = "later";
    first.push("behind");
    for (const _ of writeLists(graph));
    first[0] = before;
    first.pop();
    const root: { order: unknown[] } = { order: [] };
    restoreGraph({ nodes: structuredClone(graph.nodes), buffers: [] }, root, RULES);
    expect(root.order).toEqual(wanted);
  }
});

test("a long list with an object in its middle is an error, a short one is not", () => {
  const mixed = (length: number) => {
    return Array.from({ length }, (_, at) => (at === 5 ? { at } : at));
  };
  expect(() => stored({ list: mixed(LONG) })).toThrow("root.list");
  const root: { list: unknown[] } = { list: [] };
  restoreGraph(stored({ list: mixed(20) }), root, RULES);
  expect(root.list).toEqual(mixed(20));
});
