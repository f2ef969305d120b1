import { beforeAll, describe, expect, test } from "bun:test";
import type { Hono } from "hono";
import { openZstd } from "../frames/zstd.ts";
import { type Market, runMarket } from "../tests/live-market.ts";
import { httpApp } from "./http.ts";
import { Live } from "./live.ts";
import { LiveApi } from "./live-api.ts";
import { API_PATHS, COMMAND_PATHS } from "./openapi.ts";

let market: Market;
let app: Hono;
let busiest: { token: string; bid: { price: string; size: number; orders: number } };
const errors: Error[] = [];

beforeAll(async () => {
  market = runMarket({ seed: 9, milliseconds: 1000 });
  const live = new Live({ zstd: openZstd(), ask: () => {}, intake: { canAsk: false } });
  const api = new LiveApi(live);
  for (const { bytes } of market.chunks) live.push(bytes, 0);
  live.finish(0);
  app = httpApp(api, {
    version: "1.2.3",
    readiness: () => ({ ready: true, reason: "" }),
    metrics: () => ({ uptimeSeconds: 5, memoryBytes: 100, clients: 0 }),
    page: new Map([["/", { type: "text/html", text: "<p>page</p>" }]]),
    onError: (error) => errors.push(error),
  });
  const list = await json("/v1/books?limit=1");
  busiest = list.books[0];
});

async function json(path: string) {
  return (await app.request(path)).json();
}

describe("the HTTP interface", () => {
  test("every path of openapi.json answers, and none but those", async () => {
    const { paths } = await json("/openapi.json");
    expect(Object.keys(paths)).toEqual([...API_PATHS, ...COMMAND_PATHS]);
    for (const path of API_PATHS) {
      const filled = path
        .replace("{feed}", "nse-fo")
        .replace("{token}", busiest.token)
        .replace("{date}", "2026-01-02")
        .replace(/queue$/, `queue?side=B&price=${busiest.bid.price}`);
      const { status } = await app.request(filled);
      const refused: Record<string, number> = { "/v1/live": 426, "/v1/replay": 503 };
      const expected = path.endsWith("{date}") ? 404 : (refused[path] ?? 200);
      expect([path, status]).toEqual([path, expected]);
    }
  });

  test("times and sequence numbers are strings, prices decimal strings", async () => {
    const book = await json(`/v1/books/nse-fo/${busiest.token}?depth=3`);
    expect(book.ts_recv).toMatch(/^\d{19}$/);
    expect(book.ts_event).toMatch(/^\d{19}$/);
    expect(book.sequence).toMatch(/^\d+$/);
    expect(book.bids.length).toBeLessThanOrEqual(3);
    for (const { price } of [...book.bids, ...book.asks]) expect(price).toMatch(/^-?\d+\.\d{2}$/);
    expect(Number(book.bids[0].price)).toBeGreaterThan(Number(book.bids.at(-1).price));
  });

  test("a queue holds the orders of its level in the exchange's own order", async () => {
    const { orders } = await json(
      `/v1/books/nse-fo/${busiest.token}/queue?side=B&price=${busiest.bid.price}`,
    );
    const truth = market.exchange.book(busiest.token)?.bids[0];
    const wanted = truth?.orders.map(({ id, quantity }, position) => {
      return { order_id: String(id), size: quantity, position };
    });
    expect(orders).toEqual(wanted);
  });

  test("trades come newest first, with price, side and both orders where there are two", async () => {
    const list = await json("/v1/books?limit=100");
    let seen = 0;
    for (const { token } of list.books) {
      const { trades } = await json(`/v1/trades/nse-fo/${token}?limit=20`);
      seen += trades.length;
      const numbers = trades.map(({ sequence }: { sequence: string }) => Number(sequence));
      expect(numbers).toEqual([...numbers].sort((a, b) => b - a));
      for (const trade of trades) {
        expect(trade.action).toBe("T");
        expect(["B", "A", "N"]).toContain(trade.side);
        expect(trade.price).toMatch(/^-?\d+\.\d{2}$/);
        expect(trade.buy_order_id ?? trade.sell_order_id).toMatch(/^\d+$/);
      }
    }
    expect(seen).toBeGreaterThan(5);
  });

  test("search finds a token whole or in part", async () => {
    const whole = await json(`/v1/books?search=${busiest.token}`);
    expect(whole.books[0].token).toBe(busiest.token);
    const part = await json(`/v1/books?search=${busiest.token.slice(0, 3)}`);
    expect(part.total).toBeGreaterThan(1);
    expect((await json("/v1/books?search=nothing-like-it")).books).toEqual([]);
  });

  test("an error has a code, says what is wrong, and how to mend it", async () => {
    const cases: [string, number, string][] = [
      ["/v1/books/nse-fo/none", 404, "unknown_token"],
      ["/v1/books/nowhere/1", 404, "unknown_feed"],
      [`/v1/books/nse-fo/${busiest.token}?depth=0`, 400, "bad_parameter"],
      [`/v1/books/nse-fo/${busiest.token}?depth=many`, 400, "bad_parameter"],
      [`/v1/books/nse-fo/${busiest.token}/queue?side=X&price=1`, 400, "bad_parameter"],
      [`/v1/books/nse-fo/${busiest.token}/queue?side=B&price=1.005`, 400, "bad_parameter"],
      ["/v1/certificates/2026-01-02", 404, "no_certificate"],
      ["/v1/certificates/today", 400, "bad_parameter"],
      ["/nothing", 404, "not_found"],
    ];
    for (const [path, status, code] of cases) {
      const answer = await app.request(path);
      const body = await answer.json();
      expect([path, answer.status, body.code]).toEqual([path, status, code]);
      expect(body.message.length).toBeGreaterThan(5);
      expect(body.hint.length).toBeGreaterThan(5);
    }
    expect(errors).toEqual([]);
  });

  test("the page may run nothing but its own files", async () => {
    const policy = (await app.request("/")).headers.get("content-security-policy") ?? "";
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("script-src 'self'");
    expect(policy).not.toContain("unsafe");
  });

  test("metrics are in Prometheus' text format, one line a value", async () => {
    const answer = await app.request("/metrics");
    expect(answer.headers.get("content-type")).toContain("text/plain");
    const lines = (await answer.text()).trim().split("\n");
    const sample = /^edgebook_[a-z_]+(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? -?[\d.e+]+$/;
    for (const line of lines.filter((each) => !each.startsWith("#"))) expect(line).toMatch(sample);
    const applied = lines.find((line) => line.startsWith("edgebook_stream_messages_total"));
    expect(Number(applied?.split(" ").at(-1))).toBeGreaterThan(100);
  });
});

describe("an operator", () => {
  const clear = (path: string, headers: Record<string, string> = {}) =>
    app.request(path, { method: "POST", headers: { host: "127.0.0.1:8080", ...headers } });

  test("no page of another origin may clear a stream", async () => {
    const path = "/v1/streams/nse-fo/1/clear";
    const foreign = await clear(path, { origin: "https://example.com" });
    expect([foreign.status, (await foreign.json()).code]).toEqual([403, "other_origin"]);
    const sneaky = await clear(path, { "sec-fetch-site": "cross-site" });
    expect(sneaky.status).toBe(403);
  });

  test("a stream that never came cannot be cleared", async () => {
    const answer = await clear("/v1/streams/nse-fo/77/clear");
    expect([answer.status, (await answer.json()).code]).toEqual([404, "unknown_stream"]);
    expect((await clear("/v1/streams/nse-fo/x/clear")).status).toBe(404);
    expect((await clear("/v1/streams/nasdaq-itch50/1/clear")).status).toBe(404);
  });

  test("clear drops every book of the stream and of no other", async () => {
    const before = (await json("/v1/streams")).streams;
    const { stream } = before.find((row: { live_orders: number }) => row.live_orders > 0);
    expect((await clear(`/v1/streams/nse-fo/${stream}/clear`)).status).toBe(200);
    for (const row of (await json("/v1/streams")).streams) {
      const old = before.find((other: { stream: number }) => other.stream === row.stream);
      expect(row.live_orders).toBe(row.stream === stream ? 0 : old.live_orders);
    }
    expect((await json("/v1/gaps")).clears).toMatchObject([{ feed: "nse-fo", stream }]);
  });
});
