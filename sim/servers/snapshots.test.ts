import { describe, expect, test } from "bun:test";
import { SnapshotFaultDraw, type SnapshotFaults } from "../../faults/snapshots.ts";
import { writeRequest } from "../../feed/nse/recovery.ts";
import { Auditor } from "../auditor.ts";
import { Exchange } from "../exchange/exchange.ts";
import type { ServerLimits } from "./limits.ts";
import { OneRequestServer } from "./one-request.ts";
import { type SnapshotOptions, Snapshots } from "./snapshots.ts";

const SEC = 1e9;

function open(
  options: Partial<SnapshotOptions> = {},
  faults: Partial<SnapshotFaults> = {},
  limits: Partial<ServerLimits> = {},
) {
  const exchange = new Exchange({ streams: 2, instruments: 40, restartAtNs: [40 * SEC] });
  const snapshots = new Snapshots(exchange, options, new SnapshotFaultDraw(faults, 2));
  const sent: Uint8Array[] = [];
  const closed: number[] = [];
  const sink = {
    send: (_: number, bytes: Uint8Array) => sent.push(bytes),
    close: (id: number) => closed.push(id),
  };
  const server = new OneRequestServer(snapshots, sink, limits);
  /** The exchange goes on, and images are made when they are due. */
  const step = (untilNs: number) => {
    while (server.nextNs <= untilNs) {
      exchange.step(server.nextNs);
      server.advance(server.nextNs);
    }
    exchange.step(untilNs);
    server.advance(untilNs);
  };
  const ask = (nowNs: number, id = 1, stream = 1) => {
    const bytes = new Uint8Array(11);
    const request = { kind: "snapshot", stream, first: 0, last: 0 } as const;
    writeRequest(request, new DataView(bytes.buffer), 0);
    server.connected(id, nowNs);
    server.received(id, bytes, nowNs);
    step(nowNs + 4 * SEC);
    return Buffer.concat(sent.splice(0));
  };
  return { exchange, server, snapshots, closed, step, ask };
}

/** Header fields and records by order id, read by hand. */
function read(reply: Buffer) {
  const bytes = reply.subarray(10);
  const records = new Map<number, { token: number; side: string; price: number; size: number }>();
  const orders = bytes.readInt32LE(6);
  for (let at = 16; at < bytes.length; at += 30) {
    records.set(bytes.readDoubleLE(at + 9), {
      token: bytes.readInt32LE(at + 17),
      side: String.fromCharCode(bytes[at + 21]!),
      price: bytes.readInt32LE(at + 22),
      size: bytes.readInt32LE(at + 26),
    });
  }
  const [code, size] = [bytes.readInt16LE(0), bytes.readInt32LE(2)];
  return { code, size, orders, last: bytes.readUInt32LE(10), records, order: [...records.keys()] };
}

describe("the snapshot server", () => {
  test("gives the orders that the messages up to its last number leave, no more and no fewer", () => {
    const { exchange, step, ask } = open();
    step(31 * SEC);
    const reply = ask(31 * SEC);
    expect(String.fromCharCode(...reply.subarray(8, 10))).toBe("BS");
    const image = read(reply);
    expect([image.code, image.size]).toEqual([10501, 16 + 30 * image.orders]);
    const auditor = new Auditor();
    const { log, instruments } = exchange.stream(1)!;
    for (let at = 0; auditor.lastSequence < image.last; at++) auditor.apply(log.datagram(at));
    expect(image.orders).toBe(auditor.liveOrders);
    expect(image.orders).toBeGreaterThan(500);
    for (const { name, token } of instruments) {
      for (const { price, orders } of auditor.book(name).bids) {
        for (const { id, quantity } of orders) {
          expect(image.records.get(id)).toEqual({ token, side: "B", price, size: quantity });
        }
      }
    }
  });

  test("has an image of every thirty seconds, and none of between", () => {
    const { exchange, step, ask, snapshots } = open();
    step(45 * SEC - 4 * SEC);
    expect(snapshots.refreshes).toBe(2);
    step(50 * SEC);
    expect(snapshots.refreshes).toBe(2);
    step(61 * SEC);
    const { last } = read(ask(61 * SEC));
    expect(last).toBeLessThan(exchange.stream(1)!.publisher.lastSequence);
    expect(snapshots.refreshes).toBe(3);
  });

  test("has nothing of an epoch before, until it is made anew", () => {
    const { step, ask } = open();
    step(45 * SEC);
    expect(String.fromCharCode(...ask(45 * SEC).subarray(8, 10))).toBe("BE");
    step(61 * SEC);
    expect(String.fromCharCode(...ask(61 * SEC).subarray(8, 10))).toBe("BS");
  });

  test("cuts off who still reads when the image is made anew", () => {
    const { step, ask, closed } = open({ periodNs: 10 * SEC }, {}, { bytesPerSecond: 20_000 });
    step(19 * SEC);
    const cut = ask(19 * SEC);
    expect(closed).toEqual([1]);
    expect(cut.length - 10).toBeLessThan(cut.readInt32LE(12));
  });

  test("says error where an image is larger than may be", () => {
    const { step, ask } = open({ bytesLimit: 1_000 });
    step(31 * SEC);
    expect(ask(31 * SEC).length).toBe(10);
  });

  test("gives old, newer, cut and shuffled images when its faults say so", () => {
    const of = (faults: Partial<SnapshotFaults>) => {
      const given = open({ periodNs: 5 * SEC }, faults);
      given.step(31 * SEC);
      return { ...given, reply: given.ask(31 * SEC) };
    };
    const right = read(of({}).reply);
    expect(read(of({ oldRate: 1 }).reply).last).toBeLessThan(right.last);
    expect(read(of({ newerRate: 1 }).reply).last).toBeGreaterThan(right.last);
    const cut = of({ cutRate: 1 });
    expect(cut.reply.length).toBeLessThan(of({}).reply.length);
    expect(cut.closed).toEqual([1]);
    const shuffled = read(of({ shuffleRate: 1 }).reply);
    expect(shuffled.order).not.toEqual(right.order);
    expect(shuffled.order.toSorted()).toEqual(right.order.toSorted());
    expect(shuffled.records).toEqual(right.records);
    expect(of({ refuseRate: 1 }).reply.length).toBe(0);
    expect(of({ errorRate: 1 }).reply.length).toBe(10);
    expect(of({ silenceRate: 1 }).closed).toEqual([]);
  });
});
