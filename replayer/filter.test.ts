import { describe, expect, test } from "bun:test";
import { writeOrder } from "../feed/nse/writer.ts";
import { feedById } from "../feed/registry.ts";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { parseFilter, Selection, type SelectionOptions } from "./filter.ts";
import { Impairment } from "./impairment.ts";

const channels = new Channels();
channels.add({ group: "239.1.1.1", port: 1, feed: "nse-fo", stream: 0, line: 0 });
channels.add({ group: "239.1.1.2", port: 2, feed: "nse-fo", stream: 0, line: 1 });

/** NSE orders of streams 1 to 4, one a second of exchange time, captured on both lines in turn. */
function frames(): FrameBatch {
  const batch = new FrameBatch(4);
  batch.reset(new Uint8Array(4 * 38));
  for (let i = 0; i < 4; i++) {
    const ns = 1_000_000_000 * (1_000_000 + i);
    const hi = Math.floor(ns / 2 ** 32);
    const lo = (ns % 2 ** 32) | 0;
    writeOrder(batch.view, i * 38, 78, i + 1, 10 + i, hi, lo, 1000 + i, 7, 66, 100, 5);
    batch.add(i * 38, 38, 2000 + i, 0, i % 2);
  }
  return batch;
}

const EPOCH_SEC = 315_513_000;

function streamsThat(filter: string, options: Partial<SelectionOptions> = {}): number[] {
  const terms = parseFilter(filter);
  if (terms === undefined) throw new Error(`no filter: ${filter}`);
  const selection = new Selection(channels, {
    terms,
    from: undefined,
    until: undefined,
    clock: "recv",
    feed: feedById("nse-fo"),
    midnightOf: () => Number.NaN,
    ...options,
  });
  const out = new FrameBatch(4);
  selection.select(frames(), out);
  return Array.from({ length: out.count }, (_, i) => out.view.getInt16(out.offset[i] + 2, true));
}

describe("--filter", () => {
  test("passes what meets every term", () => {
    expect(streamsThat("")).toEqual([1, 2, 3, 4]);
    expect(streamsThat("group=239.1.1.1")).toEqual([1, 3]);
    expect(streamsThat("port=2,stream>2")).toEqual([4]);
    expect(streamsThat("line=A stream!=1")).toEqual([3]);
    expect(streamsThat("size>38")).toEqual([]);
  });

  test("is refused where a term is none", () => {
    for (const text of ["token=1", "port=x", "group>1.1.1.1", "line=Z", "stream"]) {
      expect(parseFilter(text)).toBeUndefined();
    }
  });
});

describe("--from and --until", () => {
  test("mean the capture's clock where it is asked for", () => {
    const span = { from: { sec: 2001, nsec: 0 }, until: { sec: 2003, nsec: 0 } };
    expect(streamsThat("", span)).toEqual([2, 3]);
  });

  test("mean the exchange's clock otherwise", () => {
    const from = { sec: EPOCH_SEC + 1_000_001, nsec: 0 };
    const until = { sec: EPOCH_SEC + 1_000_003, nsec: 0 };
    expect(streamsThat("", { from, until, clock: "exchange" })).toEqual([2, 3]);
  });
});

test("a heartbeat, which has no time of its own, is judged by the capture's", () => {
  const batch = new FrameBatch(3);
  batch.reset(new Uint8Array(200));
  const sec = 5_000_000;
  for (const [i, at] of [sec, sec + 10, sec + 20].entries()) {
    batch.view.setInt16(i * 13, 13, true);
    batch.view.setInt16(i * 13 + 2, 1, true);
    batch.view.setUint8(i * 13 + 8, 90);
    batch.add(i * 13, 13, at, 0, 0);
  }
  const selection = new Selection(channels, {
    terms: [],
    from: { sec: sec + 5, nsec: 0 },
    until: { sec: sec + 15, nsec: 0 },
    clock: "exchange",
    feed: feedById("nse-fo"),
    midnightOf: () => Number.NaN,
  });
  const out = new FrameBatch(3);
  selection.select(batch, out);
  expect(Array.from(out.sec.subarray(0, out.count))).toEqual([sec + 10]);
});

describe("faults on replay", () => {
  test("none of them changes nothing", () => {
    const batch = frames();
    const out = new Impairment({}, 1).apply(batch);
    expect(out.count).toBe(4);
    expect(Buffer.from(out.bytes.subarray(0, 4 * 38)).equals(batch.bytes)).toBe(true);
    expect(Array.from(out.sec.subarray(0, 4))).toEqual([2000, 2001, 2002, 2003]);
    expect(Array.from(out.channel.subarray(0, 4))).toEqual([0, 1, 0, 1]);
  });

  test("the same seed loses and doubles the same frames", () => {
    const run = (seed: number) => {
      const impairment = new Impairment({ lossRate: 0.3, duplicateRate: 0.3 }, seed);
      const streams: number[] = [];
      for (let pass = 0; pass < 50; pass++) {
        const out = impairment.apply(frames());
        for (let i = 0; i < out.count; i++)
          streams.push(out.view.getInt16(out.offset[i] + 2, true));
      }
      return streams.join();
    };
    expect(run(7)).toBe(run(7));
    expect(run(7)).not.toBe(run(8));
  });
});
