import { describe, expect, test } from "bun:test";
import { Auditor, auditedAt } from "../auditor.ts";
import { Exchange } from "./exchange.ts";
import type { ExchangeOptions } from "./options.ts";
import { Sent, SequenceExhausted } from "./publisher.ts";
import type { StreamEngine } from "./stream-engine.ts";

const SECOND = 1e9;

/** All datagrams of a stream that its log still has. */
function* datagrams(stream: StreamEngine, from = 0): Generator<Uint8Array> {
  for (let at = Math.max(from, stream.log.first); at < stream.log.end; at++) {
    yield stream.log.datagram(at);
  }
}

function digest(exchange: Exchange): string {
  const hash = new Bun.CryptoHasher("sha256");
  for (const stream of exchange.streams) for (const bytes of datagrams(stream)) hash.update(bytes);
  return hash.digest("hex");
}

/** Runs in ten steps, and after each holds every book against the auditor's. */
function audit(options: Partial<ExchangeOptions>, untilNs: number): Exchange {
  const exchange = new Exchange(options);
  const auditors = exchange.streams.map(() => new Auditor(options.segment === "nse-cm"));
  const applied = exchange.streams.map(() => 0);
  for (let step = 1; step <= 10; step++) {
    exchange.step((untilNs * step) / 10);
    exchange.streams.forEach((stream, at) => {
      const { log } = stream;
      for (let position = applied[at]!; position < log.end; position++) {
        if (position === log.epochStart) auditors[at]!.clear();
        auditors[at]!.apply(log.datagram(position));
      }
      applied[at] = log.end;
      // A restart purges at once, its first message may still be to come.
      if (log.epochStart === log.end) auditors[at]!.clear();
      expect(auditors[at]!.liveOrders).toBe(stream.liveOrders);
      for (const { name } of stream.instruments) {
        expect(auditors[at]!.book(name)).toEqual(exchange.book(name)!);
      }
    });
  }
  return exchange;
}

describe("the simulated exchange", () => {
  test("one seed gives the same bytes however the time is cut, another seed gives others", () => {
    const options = { seed: 5, messagesPerSecond: 5_000 };
    const whole = new Exchange(options);
    whole.step(4 * SECOND);
    const pieces = new Exchange(options);
    for (let at = 1; at <= 400; at++) pieces.step((at * SECOND) / 100);
    expect(digest(pieces)).toBe(digest(whole));
    const other = new Exchange({ ...options, seed: 6 });
    other.step(4 * SECOND);
    expect(digest(other)).not.toBe(digest(whole));
  });

  test("the opening ramp has its mix, the time after it another, and live orders stay put", () => {
    const exchange = new Exchange({
      streams: 1,
      messagesPerSecond: 20_000,
      ordersPerStream: 5_000,
    });
    const stream = exchange.streams[0]!;
    const { sent } = stream.publisher;
    const shares = (since: readonly number[]) => {
      const counts = [...sent].slice(0, 4).map((count, kind) => count - since[kind]!);
      const sum = counts.reduce((a, b) => a + b);
      return counts.map((count) => (100 * count) / sum);
    };
    for (let at = 1; stream.liveOrders < 4_500; at++) exchange.step(at * 1e7);
    const [n, m, x, t] = shares([0, 0, 0, 0]);
    expect([n, m, x, t].map(Math.round)).toEqual([44, 28, 23, 5]);
    exchange.step(exchange.nowNs + SECOND);
    const since = [...sent];
    const live: number[] = [];
    for (let at = 0; at < 50; at++) {
      exchange.step(exchange.nowNs + 2e8);
      live.push(stream.liveOrders);
    }
    const after = shares(since);
    expect(after[Sent.New]).toBeWithin(34, 37);
    expect(after[Sent.Modify]).toBeWithin(27, 29);
    expect(after[Sent.Cancel]).toBeWithin(30, 33);
    expect(after[Sent.Trade]).toBeWithin(4.5, 5.5);
    expect(Math.min(...live)).toBeGreaterThan(4_500);
    expect(Math.max(...live)).toBeLessThan(5_500);
  });

  test("its own books equal the auditor's, for several seeds, sizes and starting numbers", () => {
    audit(
      { seed: 1, messagesPerSecond: 1_000, instruments: 40, ordersPerStream: 400 },
      10 * SECOND,
    );
    audit({ seed: 2, streams: 3, instruments: 9, ordersPerStream: 60 }, 6 * SECOND);
    audit({ seed: 3, streams: 1, instruments: 1, ordersPerStream: 30 }, 6 * SECOND);
    audit({ seed: 4, firstSequence: [2 ** 31 - 500, 2 ** 32 - 60_000] }, 5 * SECOND);
    audit({ seed: 5, segment: "nse-cd", instruments: 30, ordersPerStream: 200 }, 6 * SECOND);
  });

  test("a book at any number in the past is the auditor's, and equals what the exchange had", () => {
    const exchange = new Exchange({ seed: 8, streams: 1, instruments: 20, ordersPerStream: 200 });
    const stream = exchange.streams[0]!;
    const moments: { sequence: number; live: number; books: unknown[] }[] = [];
    for (let at = 1; at <= 20; at++) {
      exchange.step(at * 1e8);
      moments.push({
        sequence: stream.publisher.lastSequence,
        live: stream.liveOrders,
        books: stream.instruments.map(({ name }) => exchange.book(name)),
      });
    }
    for (const { sequence, live, books } of moments) {
      const audited = auditedAt(datagrams(stream), sequence);
      expect(audited.liveOrders).toBe(live);
      expect(stream.instruments.map(({ name }) => audited.book(name))).toEqual(books as never);
    }
  });

  test("a restart begins at 1 with empty books and later times, and says nothing of the orders", () => {
    const restartAtNs = [2 * SECOND, 5 * SECOND];
    const exchange = audit({ seed: 9, instruments: 30, restartAtNs }, 8 * SECOND);
    for (const stream of exchange.streams) {
      expect(stream.restarts).toBe(2);
      let last = 0;
      let lastTime = -1;
      const restarts: number[] = [];
      for (let at = stream.log.first; at < stream.log.end; at++) {
        const block = stream.log.at(at);
        const slot = stream.log.slot(at);
        expect(block.timeNs[slot]!).toBeGreaterThan(lastTime);
        lastTime = block.timeNs[slot]!;
        const sequence = block.sequence[slot]!;
        if (block.numbered[slot] === 0) expect(sequence).toBe(last);
        else if (sequence === 1 && last > 0) restarts.push(lastTime);
        else expect(sequence).toBe(last + 1);
        last = sequence;
      }
      expect(restarts.length).toBe(2);
      for (const [at, time] of restarts.entries()) {
        expect(time).toBeGreaterThanOrEqual(restartAtNs[at]! + 5e8);
      }
    }
  });

  test("an idle stream sends heartbeats with the last number, and nothing else after the end", () => {
    const exchange = new Exchange({ streams: 1, endNs: SECOND, heartbeatNs: 3e8 });
    exchange.step(10 * SECOND);
    const stream = exchange.streams[0]!;
    const last = stream.publisher.lastSequence;
    const tail = [...datagrams(stream)].slice(-20);
    for (const bytes of tail) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      expect([bytes.length, bytes[8], view.getUint32(4, true)]).toEqual([13, 90, 0]);
      expect(view.getUint32(9, true)).toBe(last);
    }
    expect(stream.publisher.sent[Sent.Heartbeat]).toBeWithin(29, 32);
  });

  test("a closing auction collects crossed and unpriced orders, and leaves an empty book", () => {
    const closingAuction = { fromNs: 4 * SECOND, untilNs: 7 * SECOND };
    const options = { seed: 3, segment: "nse-cm", instruments: 20, ordersPerStream: 300 } as const;
    const during = audit({ ...options, closingAuction }, 6.9 * SECOND);
    const books = during.instruments.map(({ name }) => during.book(name)!);
    expect(books.some(({ marketOrders }) => marketOrders.length > 1)).toBe(true);
    const best = (level: { price: number } | undefined) => level?.price ?? Number.NaN;
    expect(books.some(({ bids, asks }) => best(bids[0]) >= best(asks[0]))).toBe(true);
    const after = audit({ ...options, closingAuction }, 9 * SECOND);
    const last = after.streams.map(({ liveOrders }) => liveOrders);
    expect(last).toEqual([0, 0]);
    expect(after.messages).toBeGreaterThan(during.messages + 100);
  });

  test("aggressions look as the exchange's do: order first, then trades at resting prices", () => {
    const exchange = new Exchange({ streams: 1, messagesPerSecond: 20_000, instruments: 50 });
    exchange.step(5 * SECOND);
    const published = new Set<number>();
    const counts = { both: 0, idZero: 0, unseen: 0 };
    for (const bytes of datagrams(exchange.streams[0]!)) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const type = String.fromCharCode(bytes[8]!);
      if ("NMGH".includes(type)) published.add(view.getFloat64(17, true));
      if (!"TK".includes(type)) continue;
      const ids = [view.getFloat64(17, true), view.getFloat64(25, true)];
      expect(ids.some((id) => published.has(id))).toBe(true);
      expect(view.getInt32(41, true)).toBeGreaterThan(0);
      if (ids.includes(0)) counts.idZero++;
      else if (ids.every((id) => published.has(id))) counts.both++;
      else counts.unseen++;
    }
    const sum = counts.both + counts.idZero + counts.unseen;
    expect(counts.both / sum).toBeWithin(0.3, 0.5);
    expect(counts.idZero / sum).toBeWithin(0.3, 0.5);
    expect(counts.unseen / sum).toBeWithin(0.1, 0.3);
  });

  test("ids have sixteen digits, are exact in a double, and prices and lots fit their steps", () => {
    const exchange = new Exchange({ streams: 2, messagesPerSecond: 5_000 });
    exchange.step(3 * SECOND);
    const listed = new Map(exchange.instruments.map((on) => [on.name, on]));
    for (const stream of exchange.streams) {
      for (const bytes of datagrams(stream)) {
        if (bytes.length !== 38) continue;
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
        const id = view.getFloat64(17, true);
        expect(String(id)).toMatch(/^\d{16}$/);
        expect(Number.isSafeInteger(id)).toBe(true);
        const token = view.getInt32(25, true);
        const on = listed.get(
          "GHJ".includes(String.fromCharCode(bytes[8]!)) ? `S${token}` : `${token}`,
        )!;
        expect(view.getInt32(30, true) % on.tick === 0).toBe(true);
        if (!on.spread) expect(view.getInt32(30, true)).toBeGreaterThan(0);
      }
    }
  });

  test("a few instruments make most of the traffic, and some none at all", () => {
    const exchange = new Exchange({ streams: 1, instruments: 100, messagesPerSecond: 20_000 });
    exchange.step(5 * SECOND);
    const byToken = new Map<number, number>();
    for (const bytes of datagrams(exchange.streams[0]!)) {
      if (bytes.length !== 38) continue;
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      const token = view.getInt32(25, true);
      byToken.set(token, (byToken.get(token) ?? 0) + 1);
    }
    const counts = [...byToken.values()].sort((a, b) => b - a);
    const sum = counts.reduce((a, b) => a + b);
    expect(counts.slice(0, 10).reduce((a, b) => a + b) / sum).toBeGreaterThan(0.45);
    expect(counts.length).toBeLessThan(85);
  });

  test("bursts and calm change the rate, and even traffic has neither", () => {
    const rates = (isEven: boolean) => {
      const exchange = new Exchange({ streams: 1, messagesPerSecond: 2_000, isEven });
      return Array.from({ length: 400 }, (_, at) => {
        const before = exchange.messages;
        exchange.step((at + 1) * 5e7);
        return exchange.messages - before;
      });
    };
    const even = rates(true);
    const uneven = rates(false);
    const mean = (counts: readonly number[]) => counts.reduce((a, b) => a + b) / counts.length;
    expect(mean(even)).toBeWithin(92, 108);
    expect(mean(uneven)).toBeWithin(60, 150);
    expect(Math.max(...uneven) / mean(uneven)).toBeGreaterThan(2.5);
    expect(Math.max(...even) / mean(even)).toBeLessThan(1.6);
  });

  test("with seventy orders a trade the books keep their size, and stay the auditor's", () => {
    const options = { streams: 1, messagesPerSecond: 20_000, ordersPerTrade: 70 };
    const exchange = new Exchange({ ...options, ordersPerStream: 3_000 });
    exchange.step(10 * SECOND);
    const { sent } = exchange.streams[0]!.publisher;
    const orders = sent[Sent.New]! + sent[Sent.Modify]! + sent[Sent.Cancel]!;
    expect(orders / sent[Sent.Trade]!).toBeGreaterThan(66);
    expect(orders / sent[Sent.Trade]!).toBeLessThan(74);
    expect(Math.abs(exchange.streams[0]!.liveOrders / 3_000 - 1)).toBeLessThan(0.1);
    audit({ ...options, instruments: 20, messagesPerSecond: 2_000, ordersPerStream: 200 }, SECOND);
  });

  test("an opening rush is as busy as it says, and then over", () => {
    const openingRush = { factor: 9, untilNs: 2 * SECOND };
    const exchange = new Exchange({ isEven: true, messagesPerSecond: 2_000, openingRush });
    exchange.step(2 * SECOND);
    const rush = exchange.messages;
    exchange.step(4 * SECOND);
    // From nine times to once is five times on average.
    expect(rush / 20_000).toBeCloseTo(1, 1);
    expect((exchange.messages - rush) / 4_000).toBeCloseTo(1, 1);
    expect(rush).toBeGreaterThan(3.5 * (exchange.messages - rush));
  });

  test("an engine that fails drops its orders without a word", () => {
    const exchange = new Exchange({ streams: 1 });
    exchange.step(SECOND);
    const stream = exchange.streams[0]!;
    const { end } = stream.log;
    stream.purgeSilently();
    expect(stream.liveOrders).toBe(0);
    expect(stream.log.end).toBe(end);
    exchange.step(2 * SECOND);
    expect(stream.liveOrders).toBeGreaterThan(0);
  });

  test("the last sequence number is the end, said in an error that names the stream", () => {
    const exchange = new Exchange({ streams: 1, firstSequence: 2 ** 32 - 10 });
    expect(() => exchange.step(SECOND)).toThrow(SequenceExhausted);
    expect(() => new Exchange({ firstSequence: 0 })).toThrow("firstSequence is 0");
    expect(() => new Exchange({ streams: 80 })).toThrow("streams is 80");
    expect(() => new Exchange({ closingAuction: { fromNs: 1, untilNs: 2 } })).toThrow("nse-cm");
  });

  test("contracts that are passed in are the ones that are traded", () => {
    const contracts = [
      { stream: 4, token: 35_000, spread: false, optionType: "CE" },
      { stream: 9, token: 35_000, spread: true, token2: 35_001 },
    ];
    const exchange = audit({ contracts, ordersPerStream: 50, deadShare: 0 }, 4 * SECOND);
    expect(exchange.streams.map(({ id }) => id)).toEqual([4, 9]);
    expect(exchange.book("35000")!.bids.length).toBeGreaterThan(0);
    expect(exchange.book("S35000")!.bids.length).toBeGreaterThan(0);
    expect(exchange.book("35001")).toBeUndefined();
  });
});
