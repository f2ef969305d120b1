/**
 * How an NSE book is rebuilt, rule by rule: the exchange's bytes in, books out, through the pipeline
 * that production runs. `docs/RULES.md` names for each rule the tests that hold it.
 */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Levels } from "../book/books.ts";
import { BookPipeline } from "../book/pipeline.ts";
import { Side } from "../feed/op-batch.ts";
import { feedById } from "../feed/registry.ts";
import { Channels } from "../frames/channels.ts";
import { FrameBatch } from "../frames/frame-batch.ts";
import { nseMessage } from "./nse-messages.ts";

const TOKEN = 61_684;
const START_NS = 1_432_890_900_000_000_000n;
const CAPTURE_SEC = 1_748_403_900;

/** A stream that is fed one message after the other. */
class Fed {
  readonly pipeline: BookPipeline;
  private sequence = 0;
  private sent = 0;

  constructor(feed = "nse-fo") {
    const own = feedById(feed);
    if (own === undefined) throw new Error(`no feed ${feed}`);
    const channels = new Channels();
    channels.add({ group: "239.1.1.1", port: 1, feed, stream: 1, line: 0 });
    this.pipeline = new BookPipeline(own, channels, { effects: true });
  }

  order(type: string, id: number, side: "B" | "S", price: number, quantity: number, token = TOKEN) {
    return this.send(type, { order_id: id, token, side, price, quantity });
  }

  trade(type: string, buy: number, sell: number, price: number, quantity: number, token = TOKEN) {
    const ids = { buy_order_id: buy, sell_order_id: sell };
    return this.send(type, { ...ids, token, price, quantity });
  }

  /** Numbers begin at 1 again. */
  restart(): this {
    this.sequence = 0;
    return this;
  }

  send(type: string, values: Record<string, string | number | bigint>): this {
    const timestamp = START_NS + BigInt(++this.sent) * 1_000_000n;
    const bytes = nseMessage(type, ++this.sequence, { timestamp, ...values });
    const frames = new FrameBatch(1);
    frames.reset(bytes);
    frames.add(0, bytes.length, CAPTURE_SEC, this.sent * 1_000_000, 0);
    this.pipeline.push(frames);
    return this;
  }

  /** Bids, then asks: `price: id x size …`, best first. */
  book(name = `${TOKEN}`): string[] {
    const [stream] = this.pipeline.streams;
    const index = stream?.decoder.instruments.indexOf(name);
    const books = stream?.books;
    if (index === undefined || books == null) return [];
    return [Side.Buy, Side.Sell].map((side) => {
      const levels = new Levels(10);
      books.topLevels(index, side, levels);
      const texts: string[] = [];
      for (let at = 0; at < levels.count; at++) {
        const queue = books.queue(index, side, levels.price[at]);
        const orders = queue.map(({ orderId, size }) => `${orderId}x${size}`).join(" ");
        texts.push(`${levels.price[at]}: ${orders}`);
      }
      return texts.join(", ");
    });
  }

  get anomalies(): Record<string, number> {
    return Object.fromEntries(this.pipeline.streams[0]?.books?.anomalies ?? []);
  }

  get isCrossed(): boolean {
    return this.pipeline.streams[0]?.books?.isCrossed(0) ?? false;
  }
}

const fed = (feed?: string) => new Fed(feed);

describe("an NSE book", () => {
  test("rule 1: N and G go to the tail of their level; an id that is there is replaced", () => {
    const stream = fed().order("N", 1, "B", 100, 10).order("N", 2, "B", 100, 20);
    expect(stream.book()).toEqual(["100: 1x10 2x20", ""]);
    expect(stream.order("N", 1, "B", 100, 5).book()).toEqual(["100: 2x20 1x5", ""]);
    expect(stream.anomalies).toEqual({ duplicate_order_id: 1 });
  });

  test("rule 2: M sets price and quantity; of an unknown id it is an N", () => {
    const stream = fed().order("N", 1, "B", 100, 10).order("M", 1, "B", 105, 7);
    expect(stream.order("M", 9, "S", 110, 3).book()).toEqual(["105: 1x7", "110: 9x3"]);
  });

  test("rule 3: X removes by the id alone, whatever it says; an unknown id is nothing", () => {
    const stream = fed().order("N", 1, "B", 100, 10).order("N", 2, "B", 99, 10);
    stream.order("X", 1, "S", 0, 0).order("X", 77, "B", 99, 10);
    expect(stream.book()).toEqual(["99: 2x10", ""]);
    expect(stream.anomalies).toEqual({ cancel_unknown_order: 1 });
  });

  test("rule 4: a trade cuts both orders; id 0 and unknown ids are skipped", () => {
    const stream = fed().order("N", 1, "S", 100, 10).order("N", 2, "B", 100, 10);
    expect(stream.trade("T", 2, 1, 100, 4).book()).toEqual(["100: 2x6", "100: 1x6"]);
    expect(stream.trade("T", 0, 1, 100, 1).book()).toEqual(["100: 2x6", "100: 1x5"]);
    expect(stream.trade("T", 2, 555, 100, 1).book()).toEqual(["100: 2x5", "100: 1x5"]);
  });

  test("rule 5: the trade that brings an order to 0 removes it, and no X follows", () => {
    const stream = fed().order("N", 1, "S", 100, 10).trade("T", 0, 1, 100, 10);
    expect(stream.book()).toEqual(["", ""]);
    expect(stream.pipeline.streams[0]?.books?.liveOrders).toBe(0);
  });

  test("rule 6: a trade taken back changes no book", () => {
    const stream = fed().order("N", 1, "S", 100, 10).order("N", 2, "B", 90, 5);
    stream.trade("T", 0, 1, 100, 4).trade("C", 0, 1, 100, 4).trade("C", 0, 0, 100, 4);
    expect(stream.book()).toEqual(["90: 2x5", "100: 1x6"]);
  });

  test("rule 7: another price or more quantity loses the place in the queue, less keeps it", () => {
    const start = () => fed().order("N", 1, "B", 100, 10).order("N", 2, "B", 100, 10);
    expect(start().order("M", 1, "B", 100, 9).book()[0]).toBe("100: 1x9 2x10");
    expect(start().order("M", 1, "B", 100, 11).book()[0]).toBe("100: 2x10 1x11");
    const back = start().order("M", 1, "B", 99, 10).order("M", 1, "B", 100, 10);
    expect(back.book()[0]).toBe("100: 2x10 1x10");
  });

  test("rule 8: a crossed book is normal, is said to be crossed, and is not repaired", () => {
    const stream = fed().order("N", 1, "S", 100, 10).order("N", 2, "B", 101, 4);
    expect(stream.book()).toEqual(["101: 2x4", "100: 1x10"]);
    expect(stream.isCrossed).toBe(true);
    expect(stream.trade("T", 2, 1, 100, 4).isCrossed).toBe(false);
  });

  test("rule 9: other tokens' messages may stand inside an aggression", () => {
    const stream = fed().order("N", 1, "S", 100, 3).order("N", 3, "S", 101, 3);
    stream.order("N", 2, "B", 101, 6).trade("T", 2, 1, 100, 3);
    stream.order("N", 50, "B", 7, 7, 99).trade("T", 2, 3, 101, 3);
    expect(stream.book()).toEqual(["", ""]);
    expect(stream.book("99")).toEqual(["7: 50x7", ""]);
  });

  test("rule 10: an X in an aggression takes the passive order or the aggressor's rest away", () => {
    const passive = fed().order("N", 1, "S", 100, 3).order("N", 3, "S", 101, 3);
    passive.order("N", 2, "B", 101, 6).order("X", 1, "S", 100, 3).trade("T", 2, 3, 101, 3);
    expect(passive.book()).toEqual(["101: 2x3", ""]);
    const aggressor = fed().order("N", 1, "S", 100, 3).order("N", 2, "B", 100, 6);
    aggressor.trade("T", 2, 1, 100, 1).order("X", 2, "B", 100, 5);
    expect(aggressor.book()).toEqual(["", "100: 1x2"]);
  });

  test("rule 16: numbers that begin again, later, drop every book", () => {
    const stream = fed().order("N", 1, "B", 100, 10).order("N", 2, "B", 99, 10);
    stream.order("N", 4, "B", 98, 1).restart();
    stream.order("N", 11, "S", 200, 5).order("N", 12, "S", 201, 5);
    expect(stream.book()).toEqual(["", "200: 11x5, 201: 12x5"]);
  });

  test("rule 17: the operator's clear drops the books of the stream, and it goes on", () => {
    const stream = fed().order("N", 1, "B", 100, 10);
    stream.pipeline.sequencer.clear(0);
    expect(stream.book()).toEqual(["", ""]);
    expect(stream.order("N", 2, "B", 99, 10).book()).toEqual(["99: 2x10", ""]);
  });

  test("rule 15: price 0 of the cash market stands at no level, elsewhere it is a price", () => {
    const cash = fed("nse-cm").order("N", 1, "B", 0, 10).order("N", 2, "B", 100, 10);
    expect(cash.book()).toEqual(["100: 2x10", ""]);
    expect(cash.pipeline.streams[0]?.books?.liveOrders).toBe(2);
    expect(cash.order("X", 1, "B", 0, 0).pipeline.streams[0]?.books?.liveOrders).toBe(1);
    expect(fed().order("N", 1, "B", 0, 10).book()).toEqual(["0: 1x10", ""]);
  });

  test("rule 19: a spread is a book of its own, also where its token is a leg's", () => {
    const stream = fed().order("N", 1, "B", 100, 10).order("G", 2, "B", -15, 10);
    expect(stream.book()).toEqual(["100: 1x10", ""]);
    expect(stream.book(`S${TOKEN}`)).toEqual(["-15: 2x10", ""]);
    stream.order("H", 2, "B", -10, 4).order("J", 2, "B", 0, 0).trade("K", 1, 0, 5, 3);
    expect(stream.book()).toEqual(["100: 1x10", ""]);
  });
});

test("every test that docs/RULES.md names is there", () => {
  const house = new URL("../", import.meta.url).pathname;
  const table = readFileSync(`${house}docs/RULES.md`, "utf8");
  const named = [...table.matchAll(/`([\w./-]+\.test\.ts)`: “([^”]+)”/g)];
  expect(named.length).toBeGreaterThan(19);
  const missing = named.filter(([, file, name]) => {
    const text = readFileSync(`${house}${file}`, "utf8").replaceAll(/\s+/g, " ");
    return !text.includes(name);
  });
  expect(missing.map(([whole]) => whole)).toEqual([]);
  for (let rule = 1; rule <= 19; rule++) expect(table).toContain(`\n| ${rule} |`);
});
