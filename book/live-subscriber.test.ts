import { describe, expect, test } from "bun:test";
import { openZstd } from "../frames/zstd.ts";
import { runMarket } from "../tests/live-market.ts";
import { Live } from "./live.ts";
import { LiveApi } from "./live-api.ts";
import { Subscriber } from "./live-subscriber.ts";

type Message = Record<string, unknown> & { rows?: { sequence: string; action: string }[] };

/** A service that has taken half of its chunks, a client of it, and the other half to come. */
function newClient() {
  const market = runMarket({ seed: 11, milliseconds: 1200 });
  const live = new Live({ zstd: openZstd(), ask: () => {} });
  const api = new LiveApi(live);
  const half = Math.floor(market.chunks.length / 2);
  const push = (from: number, to: number) => {
    for (const { bytes } of market.chunks.slice(from, to)) live.push(bytes, 0);
  };
  push(0, half);
  const got: Message[] = [];
  const wire = { waiting: 0, accepts: true, format: "json" };
  const client = new Subscriber(api, {
    send(message) {
      if (wire.accepts) got.push(message as Message);
      return wire.accepts;
    },
    waiting: () => wire.waiting,
    setFormat: (format) => {
      wire.format = format;
    },
  });
  const { books } = api.books("", "", "1") as { books: { token: string }[] };
  return {
    api,
    client,
    got,
    wire,
    token: books[0].token,
    pushRest: () => push(half, market.chunks.length),
  };
}

describe("a WebSocket client", () => {
  test("a subscription is acknowledged, and the book comes at once", () => {
    const { client, got, token } = newClient();
    client.message({ op: "subscribe", id: 7, feed: "nse-fo", token, schema: "mbp-10" });
    expect(got[0]).toMatchObject({ type: "ack", id: 7, op: "subscribe", token });
    expect(got[1]).toMatchObject({ type: "mbp-10", token });
  });

  test("a book that stands still is not sent again; one that moved is, once a tick", () => {
    const { client, got, token, pushRest, api } = newClient();
    client.message({ op: "subscribe", feed: "nse-fo", token });
    got.length = 0;
    client.tick();
    expect(got).toEqual([]);
    pushRest();
    client.tick();
    client.tick();
    expect(got.length).toBe(1);
    const { type: _, ...book } = got[0];
    expect(book).toEqual(api.book("nse-fo", token, "10") as Record<string, unknown>);
  });

  test("trades and order events come row by row, oldest first, none twice", () => {
    const { client, got, token, pushRest, api } = newClient();
    client.message({ op: "subscribe", feed: "nse-fo", token, schema: "trades" });
    client.message({ op: "subscribe", feed: "nse-fo", token, schema: "mbo" });
    pushRest();
    client.tick();
    client.tick();
    const events = got.filter(({ type }) => type === "mbo").flatMap(({ rows }) => rows ?? []);
    const numbers = events.map(({ sequence }) => Number(sequence));
    expect(numbers.length).toBeGreaterThan(5);
    expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
    const trades = got.filter(({ type }) => type === "trades").flatMap(({ rows }) => rows ?? []);
    const all = api.trades("nse-fo", token, "1000") as { trades: { sequence: string }[] };
    const sequences = trades.map(({ sequence }) => sequence);
    expect(new Set(sequences).size).toBe(sequences.length);
    const newest = all.trades.map(({ sequence }) => sequence).reverse();
    expect(sequences).toEqual(newest.slice(newest.length - sequences.length));
  });

  test("a slow reader gets nothing more until it has drained, and is told", () => {
    const { client, got, token, pushRest, wire } = newClient();
    client.message({ op: "subscribe", feed: "nse-fo", token });
    got.length = 0;
    wire.waiting = 2 << 20;
    pushRest();
    for (let i = 0; i < 3; i++) client.tick();
    expect(got).toEqual([]);
    wire.waiting = 0;
    client.tick();
    expect(got.map(({ type }) => type)).toEqual(["slow", "mbp-10"]);
    expect(got[0]).toMatchObject({ skipped_ticks: 3 });
  });

  test("a book that the connection dropped is sent again", () => {
    const { client, got, token, pushRest, wire } = newClient();
    client.message({ op: "subscribe", feed: "nse-fo", token });
    got.length = 0;
    pushRest();
    wire.accepts = false;
    client.tick();
    wire.accepts = true;
    client.tick();
    expect(got.map(({ type }) => type)).toEqual(["mbp-10"]);
  });

  test("nonsense is answered with a code and a hint, and ends nothing", () => {
    const { client, got, token } = newClient();
    const nonsense: unknown[] = [
      null,
      [],
      "subscribe",
      { op: "buy" },
      { op: "subscribe", feed: 1, token },
      { op: "subscribe", feed: "nse-fo", token, schema: "all" },
      { op: "subscribe", feed: "nse-fo", token: "none" },
      { op: "format", format: "xml" },
    ];
    for (const message of nonsense) client.message(message);
    expect(got.length).toBe(nonsense.length);
    for (const { type, code, hint } of got) {
      expect(type).toBe("error");
      expect(["bad_message", "unknown_token"]).toContain(String(code));
      expect(String(hint).length).toBeGreaterThan(5);
    }
    client.message({ op: "subscribe", feed: "nse-fo", token });
    expect(got.at(-2)?.type).toBe("ack");
  });

  test("after unsubscribing nothing comes any more", () => {
    const { client, got, token, pushRest } = newClient();
    client.message({ op: "subscribe", feed: "nse-fo", token, schema: "mbo" });
    client.message({ op: "unsubscribe", feed: "nse-fo", token, schema: "mbo" });
    got.length = 0;
    pushRest();
    client.tick();
    expect(got).toEqual([]);
  });

  test("MessagePack comes when it is asked for", () => {
    const { client, wire } = newClient();
    client.message({ op: "format", format: "msgpack" });
    expect(wire.format).toBe("msgpack");
  });
});
