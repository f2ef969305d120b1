import { describe, expect, test } from "bun:test";
import { openZstd } from "../frames/zstd.ts";
import { type Market, runMarket } from "../tests/live-market.ts";
import { freshZstd, ownChunks } from "../tests/own-dictionary.ts";
import { Live } from "./live.ts";
import { LiveApi } from "./live-api.ts";
import type { BookJson } from "./live-json.ts";

/** A service that can ask a collector which still has everything. */
function newLive(market: Market, canAsk = true) {
  const live = new Live({
    zstd: openZstd(),
    intake: { canAsk, holdNs: 1e9 },
    ask(_, request) {
      if (request.ask === "resend") asked.push([request.from, request.to]);
    },
  });
  const asked: [number, number][] = [];
  const api = new LiveApi(live);
  const resend = (nowNs: number) => {
    for (const [from, to] of asked.splice(0)) {
      for (const { header, bytes } of market.chunks) {
        if (header.number >= from && header.number <= to) live.push(bytes, nowNs);
      }
    }
  };
  return { live, api, resend };
}

/** Every book of the exchange against the service's, ten levels, sizes and order counts. */
function differences(market: Market, api: LiveApi): string[] {
  const found: string[] = [];
  let compared = 0;
  for (const { name } of market.exchange.instruments) {
    const truth = market.exchange.book(name);
    if (truth === undefined || truth.bids.length + truth.asks.length === 0) continue;
    compared++;
    const book = api.book("nse-fo", name, "10") as BookJson;
    for (const [side, levels] of [
      [book.bids, truth.bids],
      [book.asks, truth.asks],
    ] as const) {
      const wanted = levels.slice(0, 10).map(({ price, orders }) => ({
        price: (price / 100).toFixed(2),
        size: orders.reduce((sum, order) => sum + order.quantity, 0),
        orders: orders.length,
      }));
      if (JSON.stringify(side) !== JSON.stringify(wanted)) found.push(name);
    }
  }
  expect(compared).toBeGreaterThan(15);
  return found;
}

describe("the live service", () => {
  test("its books are the exchange's, with each line losing what the other brings", () => {
    const isLost = (line: number, _: number, sendNs: number) =>
      Math.floor(sendNs / 1e7) % 7 === 3 * line;
    const market = runMarket({ seed: 3, milliseconds: 1500, isLost });
    const { live, api } = newLive(market);
    for (const { bytes } of market.chunks) live.push(bytes, 0);
    live.finish(0);
    expect(differences(market, api)).toEqual([]);
    const { streams } = api.streams();
    expect(streams.map(({ state, lost }) => [state, lost])).toEqual([
      ["live", 0],
      ["live", 0],
    ]);
    for (const { lines } of streams) {
      expect(lines.map(({ line }) => line)).toEqual(["A", "B"]);
      for (const { first, missed } of lines) {
        expect(first).toBeGreaterThan(0);
        expect(missed).toBeGreaterThan(0);
      }
    }
  });

  test("chunks of a directory may come in any order among streams: none is left out", () => {
    const market = runMarket({ seed: 3, milliseconds: 500 });
    const { live, api } = newLive(market, false);
    const byStream = [...market.chunks].sort((a, b) => b.header.stream - a.header.stream);
    for (const { bytes } of byStream) live.push(bytes, 0);
    live.finish(0);
    expect([live.intake.repeated, live.intake.lost]).toEqual([0, 0]);
    expect(differences(market, api)).toEqual([]);
  });

  test("chunks that are lost, doubled and out of order on the way change no book", () => {
    const market = runMarket({ seed: 4, milliseconds: 1500 });
    const { live, api, resend } = newLive(market);
    const shuffled = market.chunks.map((chunk, at) => ({ chunk, key: at + ((at * 7919) % 5) }));
    shuffled.sort((a, b) => a.key - b.key);
    let nowNs = 0;
    for (const [at, { chunk }] of shuffled.entries()) {
      nowNs += 1e6;
      if (at % 6 !== 5) live.push(chunk.bytes, nowNs);
      if (at % 9 === 0) live.push(chunk.bytes, nowNs);
      if (at % 10 === 9) resend(nowNs);
      live.advance(nowNs);
    }
    for (let round = 0; round < 3; round++) {
      resend(nowNs);
      nowNs += 600e6;
      live.advance(nowNs);
    }
    live.finish(nowNs);
    expect(live.intake.lost).toBe(0);
    expect(live.intake.repeated).toBeGreaterThan(0);
    expect(differences(market, api)).toEqual([]);
  });

  test("what nobody can bring makes the books of its stream doubtful, and of no other", () => {
    const market = runMarket({ seed: 5, milliseconds: 1500 });
    const { live, api } = newLive(market, false);
    const ofStream2 = market.chunks.filter(({ header }) => header.stream === 2);
    const gone = ofStream2[Math.floor(ofStream2.length / 2)];
    for (const chunk of market.chunks) if (chunk !== gone) live.push(chunk.bytes, 0);
    live.finish(0);
    const [first, second] = api.streams().streams;
    expect([first.state, first.doubtful]).toEqual(["live", false]);
    expect([second.state, second.doubtful, second.flags]).toEqual(["lost", true, "G"]);
    expect(second.lost).toBe(gone.header.lastSequence - gone.header.firstSequence + 1);
    const { gaps } = api.gaps() as { gaps: { state: string; from: string; to: string }[] };
    expect(gaps.filter(({ state }) => state === "lost")).toMatchObject([
      { from: String(gone.header.firstSequence), to: String(gone.header.lastSequence) },
    ]);
  });

  test("bytes that are no chunk are counted and change nothing", () => {
    const market = runMarket({ seed: 6, milliseconds: 300 });
    const { live, api, resend } = newLive(market);
    for (const [at, { bytes }] of market.chunks.entries()) {
      live.push(bytes.subarray(0, 20), at);
      const flipped = bytes.slice();
      flipped[flipped.length - 3] ^= 0x40;
      live.push(flipped, at);
      live.push(bytes, at);
      resend(at);
    }
    live.finish(0);
    expect(differences(market, api)).toEqual([]);
    const kinds = [...live.faults].sort(([a], [b]) => a.localeCompare(b));
    expect(kinds.map(([kind]) => kind)).toEqual(["bad_checksum", "truncated"]);
  });
});

describe("a dictionary that is not there", () => {
  const HOLD_NS = 5e9;

  function service(number: number, canAsk = true) {
    const { chunks, dictionary } = ownChunks(number, 3);
    const said: string[] = [];
    const asked: unknown[] = [];
    const zstd = freshZstd();
    const live = new Live({
      zstd,
      intake: { canAsk, holdNs: HOLD_NS },
      ask: (_, request) => void asked.push(request),
      tell: (text, event) => void said.push(`${event}: ${text}`),
    });
    return { live, zstd, chunks, dictionary, said, asked };
  }

  test("is named once, and its chunks are taken when it has come", () => {
    const { live, zstd, chunks, dictionary, said, asked } = service(32);
    for (const { bytes } of chunks) live.push(bytes, 1e9);
    expect(said).toEqual([
      `dictionary_missing: chunks of colo-1 need the dictionary ${dictionary.name}, which nobody has brought`,
    ]);
    expect(live.faults.get("missing_dictionary")).toBeGreaterThan(0);
    live.advance(2e9);
    expect(asked.length).toBeGreaterThan(0);
    zstd.dictionaries.learn(dictionary.name, dictionary.bytes);
    for (const { bytes } of chunks) live.push(bytes, 2.1e9);
    expect(live.feeds.get("nse-fo")?.frames).toBe(60);
  });

  test("is given up though its chunks come again and again: they are lost, and listed so", () => {
    const { live, zstd, chunks, dictionary, said, asked } = service(33);
    for (const { bytes } of chunks) live.push(bytes, 1e9);
    for (let nowNs = 1e9; nowNs <= 1e9 + HOLD_NS; nowNs += 10e6) {
      if (nowNs === 1e9 + HOLD_NS - 10e6) expect(live.intake.lost).toBe(0);
      live.push(chunks[0].bytes, nowNs);
      live.advance(nowNs);
    }
    expect(live.intake.lostRows).toMatchObject([
      { feed: "nse-fo", stream: 1, from: 1, to: 1 },
      { feed: "nse-fo", stream: 1, from: 2, to: 2 },
      { feed: "nse-fo", stream: 1, from: 3, to: 3 },
    ]);
    expect([live.intake.lost, live.intake.damaged]).toEqual([3, 0]);
    expect(live.intake.positions("book")[0].chunk).toBe(3);
    expect(asked.length).toBeLessThanOrEqual(12);
    expect(said.slice(1)).toEqual([
      `dictionary_missing: the dictionary ${dictionary.name} did not come: chunks of colo-1 that need it are lost`,
    ]);
    zstd.dictionaries.learn(dictionary.name, dictionary.bytes);
    for (const { bytes } of ownChunks(33, 4).chunks) live.push(bytes, 7e9);
    expect([live.feeds.get("nse-fo")?.frames, live.intake.lost]).toEqual([20, 3]);
  });

  test("where nobody can be asked, is not waited for: what needs it is lost", () => {
    const { live, chunks } = service(34, false);
    for (const { bytes } of chunks) live.push(bytes, 1e9);
    expect([live.intake.lost, live.intake.lostRows.length]).toEqual([3, 3]);
  });
});
