import { describe, expect, test } from "bun:test";
import type { ClearRequest } from "../frames/transport.ts";
import { Clears } from "./clears.ts";

function desk() {
  const asked: (ClearRequest & { readonly collector: string })[] = [];
  const here: string[] = [];
  const clears = new Clears({
    ask: (collector, request) => asked.push({ collector, ...request }),
    clearHere: (feed, stream) => here.push(`${feed}/${stream}`),
  });
  return { clears, asked, here };
}

describe("the operator's clear", () => {
  test("goes to the collector, again until its chunk comes, and is then done", async () => {
    const { clears, asked, here } = desk();
    const cleared = clears.give("nse-fo", 3, "colo-1", 5e18);
    clears.advance(5e18 + 0.5e9);
    expect(asked).toHaveLength(1);
    clears.advance(5e18 + 1.5e9);
    expect(asked).toHaveLength(2);
    expect(asked[1]).toEqual(asked[0]!);
    expect(asked[0]).toMatchObject({
      collector: "colo-1",
      ask: "clear",
      feed: "nse-fo",
      stream: 3,
    });
    clears.came("colo-1", "somebody else's");
    clears.came("colo-1", undefined);
    clears.came("colo-1", asked[0]!.command);
    expect(await cleared).toEqual({ collector: "colo-1" });
    clears.advance(5e18 + 60e9);
    expect(asked).toHaveLength(2);
    expect(here).toEqual([]);
  });

  test("is done here alone where nobody is there or nobody answers, and says so", async () => {
    const { clears, asked, here } = desk();
    expect(await clears.give("nse-fo", 3, undefined, 0)).toEqual({ collector: "" });
    expect([asked.length, here]).toEqual([0, ["nse-fo/3"]]);
    const silent = clears.give("nse-fo", 4, "colo-1", 0);
    clears.advance(4.9e9);
    expect(here).toEqual(["nse-fo/3"]);
    clears.advance(5e9);
    expect(await silent).toEqual({ collector: "" });
    expect(here).toEqual(["nse-fo/3", "nse-fo/4"]);
    clears.came("colo-1", asked[0]!.command);
    expect(here).toHaveLength(2);
  });

  test("two of them are told apart", () => {
    const { clears, asked } = desk();
    clears.give("nse-fo", 3, "colo-1", 0);
    clears.give("nse-fo", 3, "colo-1", 0);
    expect(asked[0]!.command).not.toBe(asked[1]!.command);
  });
});
