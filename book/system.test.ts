import { describe, expect, test } from "bun:test";
import { Neighbours } from "./neighbours.ts";
import { type BooksSystem, mergeSystems } from "./system.ts";

const system = (chunks: number, p99: number): BooksSystem => ({
  intake: {
    ...{ chunks, repeated: 1, damaged: 0, lost: 2, asked: 3 },
    ...{ held_bytes: 10, held_bytes_max: 20 },
  },
  delays: [{ feed: "nse-fo", p50_seconds: p99 / 2, p99_seconds: p99, max_seconds: p99 * 2 }],
  recovered: 5,
  shards: [],
});

describe("how the service is doing", () => {
  test("shards' counts are added up, and of their delays the longest counts", () => {
    const both = mergeSystems([system(7, 0.1), system(8, 0.3)], []);
    expect(both.intake).toMatchObject({ chunks: 15, lost: 4, held_bytes_max: 40 });
    expect(both.delays).toEqual([
      { feed: "nse-fo", p50_seconds: 0.15, p99_seconds: 0.3, max_seconds: 0.6 },
    ]);
    expect(both.recovered).toBe(10);
  });

  test("a shard that is away leaves the others' counts", () => {
    expect(mergeSystems([], []).intake.chunks).toBe(0);
  });
});

describe("the processes around it", () => {
  test("a collector that answers is shown as it is, one that does not with the reason", async () => {
    const server = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      fetch: () => Response.json({ kind: "collector", name: "colo-1" }),
    });
    const here = `http://127.0.0.1:${server.port}`;
    const gone = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response() });
    const nobody = `http://127.0.0.1:${gone.port}`;
    await gone.stop(true);
    const around = new Neighbours({
      collectors: () => [here, nobody],
      history: () => undefined,
    });
    const [first, second] = await around.collectors();
    await server.stop(true);
    expect(first).toMatchObject({ url: here, status: { name: "colo-1" }, error: "" });
    expect(second).toMatchObject({ url: nobody, status: null });
    expect(second?.error).not.toBe("");
    expect(() => around.history()).toThrow("no recorded day");
  });
});
