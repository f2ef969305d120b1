import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DICTIONARIES_LIMIT } from "../../frames/dictionary.ts";
import { openZstd } from "../../frames/zstd.ts";
import { type Market, runMarket } from "../../tests/live-market.ts";
import { ownChunks, ownDictionary } from "../../tests/own-dictionary.ts";
import { openToyService, type ToyService } from "../../tests/toy-service.ts";
import { until } from "../../tests/until.ts";
import type { BookApi } from "../book-api.ts";
import { Live } from "../live.ts";
import { LiveApi } from "../live-api.ts";
import { ToldDictionaries } from "./told-dictionaries.ts";
import type { ToyFaults } from "./toy-shard.ts";

const scratch = mkdtempSync(join(tmpdir(), "edgebook-shards-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const market = runMarket({ seed: 21, milliseconds: 1500 });

/** A service of two shards, whose collector still has everything. */
const newCentre = (name: string, faults: Partial<ToyFaults> = {}, hangNs?: number) =>
  openToyService({ market, state: join(scratch, name), faults, hangNs });

async function end({ centre, close }: ToyService) {
  await centre.finish();
  const answer = await answers(centre.api, market);
  await close();
  return answer;
}

type Asked = Pick<BookApi, "streams" | "book" | "trades">;

async function answers(api: Asked, { exchange }: Market) {
  const streams = ((await api.streams()) as { streams: object[] }).streams;
  const books = [];
  for (const { name } of exchange.instruments) {
    const book = await Promise.resolve(api.book("nse-fo", name, "50")).catch(() => null);
    if (book === null) continue;
    books.push(book, await api.trades("nse-fo", name, "500"));
  }
  // Each shard counts copies of the chunks that it takes, and shows its own rates.
  return { streams: streams.map((row) => ({ ...row, messages_per_second: 0 })), books };
}

function whole() {
  const live = new Live({ zstd: openZstd(), ask() {} });
  for (const { bytes } of market.chunks) live.push(bytes, 1.78e18);
  live.finish(1.78e18);
  const api = new LiveApi(live);
  return answers(proxied(api), market);
}

/** The core throws where shards reject. */
function proxied(api: LiveApi): Asked {
  const later = (ask: () => object) => Promise.resolve().then(ask);
  return {
    streams: () => api.streams(),
    book: (...args: [string, string, string]) => later(() => api.book(...args)),
    trades: (...args: [string, string, string]) => later(() => api.trades(...args)),
  };
}

describe("books in two shards", () => {
  test("are what one gives, book by book and trade by trade", async () => {
    const service = newCentre("plain");
    await service.push(market.chunks.length);
    expect(await end(service)).toEqual(await whole());
    expect(service.said).toEqual([]);
  }, 30_000);

  test("a shard that throws goes on from its checkpoint, and its books are the same", async () => {
    const service = newCentre("throws", { throwAt: 400, once: join(scratch, "thrown") });
    await service.push(market.chunks.length, 10);
    await until(() => service.centre.shards.some(({ restarts }) => restarts === 1), "a restart");
    expect(await end(service)).toEqual(await whole());
    expect(service.centre.shards.map(({ restarts }) => restarts).sort()).toEqual([0, 1]);
  }, 30_000);

  test("a shard that hangs is begun again while the other goes on", async () => {
    const service = newCentre("hangs", { hangAt: 400, once: join(scratch, "hung") }, 1e9);
    await service.push(market.chunks.length, 5);
    expect(await end(service)).toEqual(await whole());
    expect(service.said.join()).toContain("no heartbeat");
  }, 30_000);

  test("killed again and again under load, no book differs", async () => {
    const service = newCentre("killed");
    const { shards } = service.centre;
    for (let at = 0, kills = 0; at < market.chunks.length; at += 8, kills++) {
      await service.push(Math.min(at + 8, market.chunks.length), 15);
      const shard = shards[kills % 2];
      // At its work or while it begins again; but who dies three times at one chunk is rid of it.
      const isDone = () => shard.isUp && shard.worker.mailbox.depth === 0;
      if (kills % 4 < 2) await until(isDone, "it to come on");
      shard.kill();
    }
    expect(await end(service)).toEqual(await whole());
    expect(shards[0].restarts + shards[1].restarts).toBeGreaterThan(4);
  }, 60_000);

  test("a chunk that breaks it three times is set aside, its gap shown, and the rest goes on", async () => {
    const service = newCentre("poisoned", { throwAt: 400 });
    await service.push(market.chunks.length, 5);
    const { streams, books } = await end(service);
    expect(service.said.join()).toContain("3 times: it is set aside");
    expect(readdirSync(join(service.state, "quarantine")).length).toBe(1);
    const [broken, other] = streams as unknown as { stream: number; lost: number; flags: string }[];
    expect([broken.stream, broken.lost > 0, broken.flags]).toEqual([1, true, "G"]);
    expect([other.stream, other.lost, other.flags]).toEqual([2, 0, ""]);
    expect(books.length).toBeGreaterThan(20);
  }, 30_000);

  test("a client's subscriptions outlive the shard that has the instrument", async () => {
    const service = newCentre("client");
    const got: Record<string, unknown>[] = [];
    const client = service.centre.connect({
      format: "json",
      send: (message) => got.push(message as Record<string, unknown>) > 0,
      sendPacked: (text) => got.push(JSON.parse(String(text))) > 0,
      waiting: () => 0,
      setFormat() {},
    });
    await until(() => service.centre.shards.every(({ isUp }) => isUp), "both shards");
    const half = Math.floor(market.chunks.length / 2);
    await service.push(half);
    await until(() => service.centre.positions("").length > 0, "a position");
    const { books } = (await service.centre.api.books("", "", "1")) as {
      books: { token: string; stream: number }[];
    };
    const [{ token }] = books;
    client.message({ op: "subscribe", id: 1, feed: "nse-fo", token, schema: "mbp-10" });
    client.message({ op: "subscribe", id: 2, feed: "nse-fo", token: "nothing", schema: "bbo" });
    await until(() => got.length >= 3, "an answer to both");
    expect(got.map(({ type, id }) => [type, id ?? null])).toContainEqual(["ack", 1]);
    expect(got.map(({ type, code }) => [type, code])).toContainEqual(["error", "unknown_token"]);
    const before = service.centre.shards.map(({ restarts }) => restarts);
    for (const shard of service.centre.shards) shard.kill();
    await until(
      () => service.centre.shards.every(({ restarts, isUp }, at) => isUp && restarts > before[at]),
      "new lives",
    );
    const seen = got.length;
    await service.push(market.chunks.length, 5);
    await service.centre.finish();
    const final = (await service.centre.api.book("nse-fo", token, "10")) as object;
    await until(() => Bun.deepEquals(got.at(-1), { type: "mbp-10", ...final }), "the last book");
    expect(got.slice(seen).every(({ type }) => type === "mbp-10")).toBe(true);
    client.close();
    await service.close();
  }, 60_000);

  test("a client of rows goes on behind the last one it got: none is missing, none comes twice", async () => {
    const service = newCentre("rows");
    const rows: { sequence: string }[] = [];
    const replays: unknown[] = [];
    const take = (message: {
      type?: string;
      rows?: { sequence: string }[];
      complete?: boolean;
    }) => {
      if (message.type === "trades") rows.push(...(message.rows ?? []));
      if (message.type === "replay_completed") replays.push(message.complete);
      return true;
    };
    const client = service.centre.connect({
      format: "json",
      send: (message) => take(message),
      sendPacked: (text) => take(JSON.parse(String(text))),
      waiting: () => 0,
      setFormat() {},
    });
    await until(() => service.centre.shards.every(({ isUp }) => isUp), "both shards");
    await service.push(Math.floor(market.chunks.length / 2));
    await until(() => service.centre.positions("").length > 0, "a position");
    const { books } = (await service.centre.api.books("", "", "100")) as {
      books: { token: string }[];
    };
    const tradesOf = async (token: string) => {
      const answer = await service.centre.api.trades("nse-fo", token, "500");
      return (answer as { trades: { sequence: string }[] }).trades.reverse();
    };
    const counts = await Promise.all(
      books.map(async ({ token }) => ({ token, count: (await tradesOf(token)).length })),
    );
    const [{ token, count }] = counts.sort((a, b) => b.count - a.count);
    client.message({ op: "subscribe", feed: "nse-fo", token, schema: "trades", start: "0" });
    await until(() => rows.length >= count && replays.length === 1, "the rows so far");
    const before = service.centre.shards.map(({ restarts }) => restarts);
    for (const shard of service.centre.shards) shard.kill();
    await service.push(market.chunks.length);
    await until(
      () => service.centre.shards.every(({ restarts, isUp }, at) => isUp && restarts > before[at]),
      "new lives",
    );
    await service.centre.finish();
    const all = await tradesOf(token);
    await until(() => rows.length >= all.length && replays.length === 2, "the rows since");
    expect(rows.map(({ sequence }) => sequence)).toEqual(all.map(({ sequence }) => sequence));
    expect([all.length > count, replays]).toEqual([true, [true, true]]);
    client.close();
    await service.close();
  }, 60_000);

  test("a service that ended is there again at once, with the chunks that came since", async () => {
    const first = newCentre("again");
    const half = Math.floor(market.chunks.length / 2);
    await first.push(half);
    await until(() => first.centre.positions("").length > 0, "a position");
    await first.close();
    const second = newCentre("again");
    await until(() => second.centre.shards.every(({ isUp }) => isUp), "both shards");
    expect(second.centre.positions("").length).toBeGreaterThanOrEqual(0);
    await second.push(market.chunks.length);
    expect(await end(second)).toEqual(await whole());
  }, 30_000);
});

test("a shard has a dictionary of its collector's own before the chunk that needs it, in each life", async () => {
  const { chunks, dictionary, zstd } = ownChunks(31, 20);
  // As a source learns it; the threads of shards know nothing of it.
  openZstd().dictionaries.learn(dictionary.name, dictionary.bytes);
  expect(chunks.every(({ header }) => header.dictionary === dictionary.name)).toBe(true);
  const live = new Live({ zstd, ask() {} });
  for (const { bytes } of chunks) live.push(bytes, 1.78e18);
  live.finish(1.78e18);
  const expected = new LiveApi(live).streams() as { streams: { messages: number }[] };
  const service = openToyService({
    market: { ...market, chunks },
    state: join(scratch, "dictionary"),
    faults: { throwAt: 150, once: join(scratch, "dictionary-thrown") },
    hangNs: 60e9,
  });
  await service.push(chunks.length, 5);
  await until(() => service.centre.shards.some(({ restarts }) => restarts === 1), "a restart");
  await service.centre.finish();
  const { streams } = (await service.centre.api.streams()) as typeof expected;
  expect(streams.map(({ messages }) => messages)).toEqual(
    expected.streams.map(({ messages }) => messages),
  );
  expect(service.said.filter((text) => text.includes("dictionary"))).toEqual([]);
  await service.close();
}, 30_000);

test("a dictionary that its owner had let go is told again to a shard that lives anew", async () => {
  const { chunks, dictionary } = ownChunks(200, 20);
  const { dictionaries } = openZstd();
  const learn = ({ name, bytes } = dictionary) => dictionaries.learn(name, bytes);
  const others = (from: number, count: number) => {
    for (let at = from; at < from + count; at++) learn(ownDictionary(300 + at));
  };
  learn();
  const service = openToyService({
    market: { ...market, chunks },
    state: join(scratch, "told again"),
  });
  await service.push(5);
  others(0, DICTIONARIES_LIMIT - 1);
  await service.push(10);
  // It was used just now: the one that goes is another.
  others(DICTIONARIES_LIMIT - 1, 1);
  expect(dictionaries.get(dictionary.name)).toBeDefined();
  others(DICTIONARIES_LIMIT, DICTIONARIES_LIMIT);
  expect(dictionaries.get(dictionary.name)).toBeUndefined();
  const { shards } = service.centre;
  const saved = shards.map(({ checkpoints }) => checkpoints);
  // What told the shard of it lies before the checkpoint that its next life begins with.
  await until(
    () => shards.every(({ checkpoints }, at) => checkpoints >= saved[at] + 2),
    "checkpoints",
  );
  const before = shards.map(({ restarts }) => restarts);
  for (const shard of shards) shard.kill();
  await until(
    () => shards.every(({ restarts, isUp }, at) => isUp && restarts > before[at]),
    "new lives",
  );
  learn();
  await service.push(chunks.length);
  await service.centre.finish();
  const { streams } = (await service.centre.api.streams()) as { streams: { state: string }[] };
  expect(streams.map(({ state }) => state)).toEqual(["live"]);
  expect(service.said.filter((text) => text.includes("dictionary"))).toEqual([]);
  await service.close();
}, 30_000);

test("an owner counts on the dictionaries that a shard used last, and on no others", () => {
  const told = new ToldDictionaries();
  expect([told.use("a"), told.use("a")]).toEqual([true, false]);
  for (let at = 0; at < DICTIONARIES_LIMIT; at++) {
    told.use(`b-${at}`);
    if (at < 10) expect(told.use("a")).toBe(false);
  }
  expect(told.use("a")).toBe(true);
  told.clear();
  expect(told.use("a")).toBe(true);
});
