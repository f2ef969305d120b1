import { describe, expect, test } from "bun:test";
import { BookPipeline } from "../../book/pipeline.ts";
import { RecoveryFaultDraw } from "../../faults/recovery.ts";
import { nasdaqItch50 } from "../../feed/nasdaq/feed.ts";
import { moldRequest } from "../../feed/nasdaq/request.ts";
import { Side } from "../../feed/op-batch.ts";
import { Channels } from "../../frames/channels.ts";
import { FrameBatch } from "../../frames/frame-batch.ts";
import { ItchAuditor } from "../auditor-itch.ts";
import { MoldRequests } from "../servers/mold-requests.ts";
import { Exchange } from "./exchange.ts";
import { MoldLines } from "./mold-lines.ts";
import type { ExchangeOptions } from "./options.ts";

const SEC = 1e9;
const OPTIONS: Partial<ExchangeOptions> = {
  segment: "nasdaq-itch50",
  instruments: 30,
  messagesPerSecond: 4_000,
  ordersPerStream: 300,
};

interface Datagram {
  readonly line: number;
  readonly sendNs: number;
  readonly bytes: Uint8Array;
}

function run(options: Partial<ExchangeOptions>, untilNs: number, stepNs = untilNs) {
  const exchange = new Exchange({ ...OPTIONS, ...options });
  const lines = new MoldLines(exchange);
  const sent: Datagram[] = [];
  for (let now = stepNs; now <= untilNs; now += stepNs) {
    lines.step(now, {
      datagram: (line, _, sendNs, bytes, at, length) => {
        sent.push({ line, sendNs, bytes: bytes.slice(at, at + length) });
      },
    });
  }
  return { exchange, sent, lineA: sent.filter(({ line }) => line === 0) };
}

const countOf = ({ bytes }: Datagram) => bytes[18]! * 256 + bytes[19]!;
const firstOf = ({ bytes }: Datagram) => new DataView(bytes.buffer).getUint32(14);
const sessionOf = ({ bytes }: Datagram) => String.fromCharCode(...bytes.subarray(0, 10));

/** References differ from the exchange's own numbers in their upper word. */
function withoutIds(
  sides: readonly (readonly { price: number; orders: readonly { quantity: number }[] }[])[],
) {
  return sides.map((levels) =>
    levels.map(({ price, orders }) => [price, orders.map(({ quantity }) => quantity)]),
  );
}

function rebuilt(datagrams: readonly Datagram[]) {
  const channels = new Channels();
  channels.add({ group: "239.1.1.1", port: 1, feed: "nasdaq-itch50", stream: 1, line: 0 });
  const pipeline = new BookPipeline(nasdaqItch50, channels, { effects: false });
  const frames = new FrameBatch(1);
  for (const { bytes, sendNs } of datagrams) {
    frames.reset(bytes);
    frames.add(0, bytes.length, Math.floor(sendNs / SEC), sendNs % SEC, 0);
    pipeline.push(frames);
  }
  pipeline.finish();
  return pipeline.streams.find((stream) => stream != null)!;
}

describe("the exchange as ITCH in MoldUDP64", () => {
  test("numbers follow each other over datagrams of several messages, alike on both lines", () => {
    const { sent, lineA } = run({}, 3 * SEC);
    let next = 1;
    for (const datagram of lineA) {
      expect(firstOf(datagram)).toBe(next);
      next += countOf(datagram);
    }
    expect(next).toBeGreaterThan(5_000);
    expect(Math.max(...lineA.map(countOf))).toBeGreaterThan(3);
    expect(Math.max(...lineA.map(({ bytes }) => bytes.length))).toBeLessThanOrEqual(1_400);
    const times = sent.map(({ sendNs }) => sendNs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const lineB = sent.filter(({ line }) => line === 1);
    expect(lineB.map(({ bytes }) => bytes)).toEqual(
      lineA.slice(0, lineB.length).map(({ bytes }) => bytes),
    );
  });

  test("sends the same however the time is cut", () => {
    expect(run({}, 2 * SEC, 1e6).sent).toEqual(run({}, 2 * SEC).sent);
  });

  test("the exchange's books, the auditor's and the feed's own are the same", () => {
    const busy = { messagesPerSecond: 20_000, endNs: 6 * SEC };
    const { exchange, lineA } = run(busy, 7 * SEC, 1 * SEC);
    const auditor = new ItchAuditor();
    const types = new Set<string>();
    const { log } = exchange.streams[0]!;
    for (let at = log.first; at < log.end; at++) {
      const message = log.datagram(at);
      if (message.length === 0) continue;
      auditor.apply(message);
      types.add(String.fromCharCode(message[0]!));
    }
    expect([..."SRHAFECXDUPB"].filter((type) => !types.has(type))).toEqual([]);
    const target = rebuilt(lineA);
    expect([...target.decoder.anomalies]).toEqual([]);
    expect(target.books!.liveOrders).toBe(auditor.liveOrders);
    let orders = 0;
    for (const { name } of exchange.instruments) {
      const { bids, asks } = auditor.book(name);
      const truth = exchange.book(name)!;
      expect(withoutIds([bids, asks])).toEqual(withoutIds([truth.bids, truth.asks]));
      const index = target.decoder.instruments.indexOf(name)!;
      for (const [side, levels] of [[Side.Buy, bids] as const, [Side.Sell, asks] as const]) {
        for (const { price, orders: queue } of levels) {
          expect(
            target
              .books!.queue(index, side, price)
              .map(({ orderId, size }) => [BigInt(orderId), size]),
          ).toEqual(queue.map(({ id, quantity }) => [id, quantity]));
          orders += queue.length;
        }
      }
    }
    expect(orders).toBe(auditor.liveOrders);
    expect(orders).toBeGreaterThan(200);
  });

  test("a restart is a new session from number 1", () => {
    const { lineA } = run({ restartAtNs: [2 * SEC] }, 4 * SEC);
    const sessions = [...new Set(lineA.map(sessionOf))];
    expect(sessions).toEqual(["SIM0100001", "SIM0100002"]);
    expect(firstOf(lineA.find((datagram) => sessionOf(datagram) === sessions[1])!)).toBe(1);
  });

  test("heartbeats tell the next number, and after the end that the session is over", () => {
    const { lineA } = run({ endNs: 1 * SEC, heartbeatNs: 0.5 * SEC }, 4 * SEC);
    const last = lineA.at(-1)!;
    const messages = lineA.filter((one) => countOf(one) !== 0 && countOf(one) !== 0xffff);
    const next = firstOf(messages.at(-1)!) + countOf(messages.at(-1)!);
    expect([countOf(last), firstOf(last)]).toEqual([0xffff, next]);
  });
});

describe("the request server", () => {
  const open = (faults = {}) => {
    const exchange = new Exchange(OPTIONS);
    exchange.step(3 * SEC);
    const got: Uint8Array[] = [];
    const sink = { datagram: (_: string, bytes: Uint8Array) => got.push(bytes) };
    const stream = exchange.streams[0]!;
    const server = new MoldRequests(exchange, sink, {}, new RecoveryFaultDraw(faults, 1));
    const ask = (session: string, first: number, count: number) => {
      server.received("me", moldRequest(session, first, count), 3 * SEC);
      return got.splice(0);
    };
    return { stream, server, ask, got };
  };
  const numbersOf = (packets: Uint8Array[]) =>
    packets.flatMap((bytes) => {
      const view = new DataView(bytes.buffer);
      const first = view.getUint32(14);
      return Array.from({ length: view.getUint16(18) }, (_, at) => first + at);
    });

  test("sends the numbers that were asked for, in packets that fit", () => {
    const { ask } = open();
    const packets = ask("SIM0100001", 100, 200);
    expect(packets.length).toBeGreaterThan(3);
    expect(numbersOf(packets)).toEqual(Array.from({ length: 200 }, (_, at) => 100 + at));
  });

  test("is silent about other sessions and what was never sent, and counts what is no request", () => {
    const { ask, stream, server } = open();
    expect(ask("SIM0100009", 1, 5)).toEqual([]);
    expect(ask("SIM0100001", stream.publisher.lastSequence + 100, 5)).toEqual([]);
    server.received("me", new Uint8Array(3), 3 * SEC);
    expect(server.violations.total).toBe(1);
  });

  test("does the wrong things that its faults say", () => {
    expect(open({ silenceRate: 1 }).ask("SIM0100001", 1, 5)).toEqual([]);
    expect(numbersOf(open({ shortRate: 1 }).ask("SIM0100001", 1, 50)).length).toBeLessThan(50);
    expect(numbersOf(open({ wrongRate: 1 }).ask("SIM0100001", 1, 5))[0]).toBeGreaterThan(1);
    const slow = open({ slowRate: 1 });
    expect(slow.ask("SIM0100001", 1, 5)).toEqual([]);
    expect(slow.server.nextNs).toBeLessThan(5 * SEC);
    slow.server.advance(5 * SEC);
    expect(numbersOf(slow.got)).toEqual([1, 2, 3, 4, 5]);
  });
});
