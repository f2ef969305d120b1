/** The join in a live service: a simulated exchange's chunks in, `tbbo` rows out. */
import { describe, expect, test } from "bun:test";
import { openZstd } from "../../frames/zstd.ts";
import { runMarket } from "../../tests/live-market.ts";
import { Live, type LiveOptions } from "../live.ts";
import { LiveApi } from "../live-api.ts";
import { tradesJson } from "../live-json.ts";
import { Subscriber } from "../live-subscriber.ts";
import type { AsOfDeclaration } from "./live-asof.ts";

interface QuoteJson {
  readonly token: string;
  readonly stream: number;
  readonly sequence: string;
  readonly ts_event: string;
  readonly bid: { readonly price: string } | null;
  readonly ask: { readonly price: string } | null;
}

interface RowJson {
  readonly sequence: string;
  readonly ts_event: string;
  readonly price: string;
  readonly late: boolean;
  readonly early: boolean;
  readonly in_gap: boolean;
  readonly quote: QuoteJson | null;
}

const market = runMarket({ seed: 5, milliseconds: 1500 });

function serve(asOf?: AsOfDeclaration, { chunks } = market) {
  const options: LiveOptions = { zstd: openZstd(), ask: () => {} };
  const live = new Live(asOf === undefined ? options : { ...options, asOf });
  for (const { bytes } of chunks) live.push(bytes, 0);
  live.finish(0);
  return { live, api: new LiveApi(live) };
}

/** Rows of every instrument, by its token. */
function rowsOf({ live }: ReturnType<typeof serve>): Map<string, RowJson[]> {
  const rows = new Map<string, RowJson[]>();
  for (const { name } of market.exchange.instruments) {
    const place = live.find("nse-fo", name);
    if (place === undefined) continue;
    const json = live.asOf?.rowsJson(place.stream.stream, place.instrument, 1000) ?? [];
    rows.set(name, json as RowJson[]);
  }
  return rows;
}

describe("a live service's join", () => {
  test("every trade has a row, with a quote before it that no trade has crossed", () => {
    const service = serve({});
    let quoted = 0;
    for (const [token, rows] of rowsOf(service)) {
      const trades = tradesJson(service.api.place("nse-fo", token), 1000, () => Number.NaN);
      expect(rows.map(({ sequence, price, ts_event }) => [sequence, price, ts_event])).toEqual(
        (trades as RowJson[]).map(({ sequence, price, ts_event }) => [sequence, price, ts_event]),
      );
      for (const { sequence, quote, late, early, in_gap } of rows) {
        expect([late, early, in_gap]).toEqual([false, false, false]);
        if (quote === null) continue;
        quoted++;
        expect(quote.token).toBe(token);
        expect(Number(quote.sequence)).toBeLessThan(Number(sequence));
        if (quote.bid !== null && quote.ask !== null) {
          expect(Number(quote.bid.price)).toBeLessThan(Number(quote.ask.price));
        }
      }
    }
    expect(quoted).toBeGreaterThan(100);
  });

  test("trades are joined with another stream's instrument, by the exchange's time", () => {
    const probe = serve();
    const placed = market.exchange.instruments.flatMap(({ name }) => {
      const place = probe.live.find("nse-fo", name);
      return place === undefined ? [] : [{ name, stream: place.stream.stream.id }];
    });
    const future = placed.find(({ stream }) => stream === 2);
    if (future === undefined) throw new Error("the market has no instrument on stream 2");
    const quote = { feed: "nse-fo", token: future.name };
    const service = serve({
      plan: {
        quoteOf: ({ token }) => (token === future.name ? undefined : quote),
        isQuoted: ({ token }) => token === future.name,
      },
    });
    let quoted = 0;
    for (const [token, rows] of rowsOf(service)) {
      if (token === future.name) expect(rows).toEqual([]);
      for (const row of rows) {
        if (row.quote === null) continue;
        quoted++;
        expect(row.quote).toMatchObject({ token: future.name, stream: 2 });
        expect(BigInt(row.quote.ts_event) <= BigInt(row.ts_event)).toBe(true);
      }
    }
    expect(quoted).toBeGreaterThan(100);
  });

  test("a trade whose quote lies before a lost gap says so, and a later quote ends it", () => {
    const isLost = (_: number, stream: number, sendNs: number) =>
      stream === 1 && sendNs > 0.7e9 && sendNs < 0.72e9;
    const { live } = serve({}, runMarket({ seed: 5, milliseconds: 1500, isLost }));
    let flagged = 0;
    let clean = 0;
    for (const { name } of market.exchange.instruments) {
      const place = live.find("nse-fo", name);
      if (place === undefined) continue;
      const { stream } = place.stream;
      const gaps =
        stream.id === 1 ? live.feeds.get("nse-fo")?.pipeline.sequencer.ledger.closedGaps() : [];
      const [gap] = [...(gaps ?? [])].filter(({ state }) => state === "lost");
      for (const row of (live.asOf?.rowsJson(stream, place.instrument, 1000) ?? []) as RowJson[]) {
        const isBeyond = gap !== undefined && Number(row.sequence) > gap.to;
        const isBefore = gap !== undefined && Number(row.quote?.sequence ?? 0) < gap.from;
        expect(row.in_gap).toBe(isBeyond && isBefore);
        if (row.in_gap) flagged++;
        else if (isBeyond) clean++;
      }
    }
    expect(flagged).toBeGreaterThan(0);
    expect(clean).toBeGreaterThan(10);
  });

  test("a WebSocket client gets tbbo rows; of a service without a join it is told so", () => {
    const [{ token }] = (serve().api.books("", "", "1") as { books: { token: string }[] }).books;
    for (const asOf of [{}, undefined]) {
      const got: Record<string, unknown>[] = [];
      const client = new Subscriber(serve(asOf).api, {
        send: (message) => got.push(message as Record<string, unknown>) > 0,
        waiting: () => 0,
        setFormat: () => {},
      });
      client.message({ op: "subscribe", feed: "nse-fo", token, schema: "tbbo" });
      const wanted = asOf === undefined ? ["error"] : ["ack", "tbbo"];
      expect(got.map(({ type }) => type as string)).toEqual(wanted);
      if (asOf === undefined) expect(got[0].code).toBe("no_join");
      else expect((got[1].rows as RowJson[]).length).toBe(20);
    }
  });
});
