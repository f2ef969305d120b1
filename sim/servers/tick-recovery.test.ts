import { describe, expect, test } from "bun:test";
import { RecoveryFaultDraw, type RecoveryFaults } from "../../faults/recovery.ts";
import { writeRequest } from "../../feed/nse/recovery.ts";
import { Exchange } from "../exchange/exchange.ts";
import type { ServerLimits } from "./limits.ts";
import { OneRequestServer } from "./one-request.ts";
import { TickRecovery, type TickRecoveryOptions } from "./tick-recovery.ts";

const MS = 1e6;
const NOW = 4_000 * MS;

/** What the server did to each connection. */
class Wire {
  readonly got = new Map<number, number[]>();
  readonly closed: number[] = [];
  send(id: number, bytes: Uint8Array): void {
    this.got.set(id, [...(this.got.get(id) ?? []), ...bytes]);
  }
  close(id: number): void {
    this.closed.push(id);
  }
  bytesOf(id: number): Uint8Array {
    return Uint8Array.from(this.got.get(id) ?? []);
  }
}

function open(
  options: Partial<TickRecoveryOptions> = {},
  limits: Partial<ServerLimits> = {},
  faults: Partial<RecoveryFaults> = {},
) {
  const exchange = new Exchange({ streams: 2, instruments: 40, restartAtNs: [6_000 * MS] });
  exchange.step(NOW);
  const wire = new Wire();
  const recovery = new TickRecovery(exchange, options, new RecoveryFaultDraw(faults, 3));
  const server = new OneRequestServer(recovery, wire, limits);
  return { exchange, wire, recovery, server, log: exchange.stream(1)!.log };
}

function ask(first: number, last: number, stream = 1): Uint8Array {
  const bytes = new Uint8Array(11);
  writeRequest({ kind: "recovery", stream, first, last }, new DataView(bytes.buffer), 0);
  return bytes;
}

const YES = [10, 0, 1, 0, 0, 0, 0, 0, 89, 83];
const NO = [10, 0, 1, 0, 0, 0, 0, 0, 89, 69];

function answered(given: ReturnType<typeof open>, first: number, last: number, id = 1): Uint8Array {
  const nowNs = NOW + id * 20 * MS;
  given.server.connected(id, nowNs);
  given.server.received(id, ask(first, last), nowNs);
  given.server.advance(nowNs + 3_000 * MS);
  return given.wire.bytesOf(id);
}

describe("tick recovery", () => {
  test("answers with success, the very messages that were sent, and the end", () => {
    const given = open();
    const bytes = answered(given, 41, 44);
    expect([...bytes.subarray(0, 10)]).toEqual(YES);
    expect(bytes.subarray(10)).toEqual(given.log.range(41, 44)!);
    expect(given.wire.closed).toEqual([1]);
    expect(given.server.violations.total).toBe(0);
    expect(given.recovery.whole).toBe(1);
  });

  test("takes the request in any pieces", () => {
    const { server, wire, log } = open();
    server.connected(1, NOW);
    for (const byte of ask(41, 44)) server.received(1, Uint8Array.of(byte), NOW + MS);
    expect(wire.bytesOf(1).subarray(10)).toEqual(log.range(41, 44)!);
  });

  test("is behind the multicast: what is too young is cut off, or refused, as its file is read", () => {
    const short = open({ lagNs: 1_000 * MS });
    const there = short.log.lastSequenceBy(NOW + 20 * MS - 1_000 * MS);
    const bytes = answered(short, there - 1, there + 3);
    expect(bytes.subarray(10)).toEqual(short.log.range(there - 1, there)!);
    expect(short.recovery.behind).toBe(1);
    const strict = open({ lagNs: 1_000 * MS, partly: "error" });
    expect([...answered(strict, there - 1, there + 3)]).toEqual(NO);
    expect([...answered(short, there + 500, there + 503, 2)]).toEqual(NO);
  });

  test("does not reach what was before a restart", () => {
    const given = open();
    given.exchange.step(8_000 * MS);
    given.server.connected(1, 8_000 * MS);
    given.server.received(1, ask(1, 2), 8_000 * MS);
    expect(given.wire.bytesOf(1).subarray(10)).toEqual(given.log.range(1, 2)!);
    expect(given.log.epoch).toBe(1);
  });

  test("refuses more messages than one request may ask for, and counts it", () => {
    const given = open({ messagesPerRequest: 10 });
    expect([...answered(given, 1, 11)]).toEqual(NO);
    expect(given.server.violations.counts.get("tooMany")).toBe(1);
    expect(answered(given, 1, 10, 2).length).toBeGreaterThan(10 + 10 * 38 - 1);
  });

  test("turns away the connection beyond the limit of its client, and no other client's", () => {
    const { server, wire } = open();
    for (let id = 1; id <= 14; id++) server.connected(id, NOW, "a");
    server.connected(15, NOW, "b");
    expect(wire.closed).toEqual([14]);
    expect([...server.violations.counts]).toEqual([["connections", 1]]);
    server.closed(3);
    server.connected(16, NOW, "a");
    expect(wire.closed).toEqual([14]);
  });

  test("counts connects beyond a hundred in a second", () => {
    const { server, wire } = open();
    for (let id = 1; id <= 101; id++) {
      server.connected(id, NOW + id * 5 * MS);
      server.closed(id);
    }
    expect(wire.closed).toEqual([101]);
    expect([...server.violations.counts]).toEqual([["connectRate", 1]]);
  });

  test("counts requests of a client that come closer than ten milliseconds", () => {
    const { server } = open();
    const at = [0, 10, 19, 40];
    at.forEach((ms, id) => {
      server.connected(id, NOW + ms * MS);
      server.received(id, ask(1, 2), NOW + ms * MS);
    });
    expect([...server.violations.counts]).toEqual([["spacing", 1]]);
    expect(server.violations.records).toEqual(["spacing at 4019000000ns: 1000000ns too early"]);
  });

  test("hangs up without a word on who asks nothing within a second", () => {
    const { server, wire } = open();
    server.connected(1, NOW);
    expect(server.nextNs).toBe(NOW + 1_000 * MS);
    server.advance(server.nextNs);
    expect(wire.closed).toEqual([1]);
    expect(wire.bytesOf(1).length).toBe(0);
    expect([...server.violations.counts]).toEqual([["slowToAsk", 1]]);
    expect(server.nextNs).toBe(Number.POSITIVE_INFINITY);
  });

  test("answers one request a connection: a second one ends it and is counted", () => {
    const { server, wire } = open({}, {}, { silenceRate: 1 });
    server.connected(1, NOW);
    server.received(1, ask(1, 2), NOW);
    server.received(1, ask(3, 4), NOW + 20 * MS);
    expect(wire.closed).toEqual([1]);
    expect([...server.violations.counts]).toEqual([["secondRequest", 1]]);
  });

  test("hangs up on bytes that ask for nothing", () => {
    const { server, wire } = open();
    server.connected(1, NOW);
    server.received(1, new Uint8Array(11).fill(0x41), NOW);
    expect(wire.closed).toEqual([1]);
    expect([...server.violations.counts]).toEqual([["malformed", 1]]);
  });

  test("sends no faster than its pace", () => {
    const { server, wire } = open({}, { bytesPerSecond: 16_384 });
    server.connected(1, NOW);
    server.received(1, ask(1, 4_000), NOW);
    expect(wire.bytesOf(1).length).toBe(16_384);
    expect(server.nextNs).toBe(NOW + 1e9);
    server.advance(NOW + 0.9e9);
    expect(wire.bytesOf(1).length).toBe(16_384);
    server.advance(NOW + 1e9);
    expect(wire.bytesOf(1).length).toBe(32_768);
  });

  test("does each wrong thing that its faults say, and writes it down", () => {
    const whole = open().log.range(41, 60)!;
    const of = (faults: Partial<RecoveryFaults>) => {
      const given = open({}, {}, faults);
      return { ...given, bytes: answered(given, 41, 60), log: given.recovery };
    };
    expect(of({ refuseRate: 1 }).wire.closed).toEqual([1]);
    expect([...of({ errorRate: 1 }).bytes]).toEqual(NO);
    expect([...of({ notYetRate: 1 }).bytes]).toEqual(NO);
    const short = of({ shortRate: 1 }).bytes.subarray(10);
    expect(short.length).toBeLessThan(whole.length);
    expect(short).toEqual(whole.subarray(0, short.length));
    const cut = of({ cutRate: 1 }).bytes;
    expect(cut.length).toBeLessThan(10 + whole.length);
    const wrong = of({ wrongRate: 1 }).bytes;
    expect([...wrong.subarray(0, 10)]).toEqual(YES);
    expect(wrong.length).toBeGreaterThan(10);
    expect(wrong.subarray(10, 48)).not.toEqual(whole.subarray(0, 38));
    const silent = of({ silenceRate: 1 });
    expect([silent.bytes.length, silent.wire.closed.length]).toEqual([0, 0]);
    const slow = of({ slowRate: 1 });
    expect(slow.bytes.subarray(10)).toEqual(whole);
    expect(slow.wire.closed).toEqual([1]);
  });

  test("follows a schedule of faults, one stream or all", () => {
    const scheduled = [{ fault: "error", stream: 1, fromNs: NOW, untilNs: NOW + 50 * MS }] as const;
    const given = open({}, {}, { scheduled });
    expect([...answered(given, 41, 44)]).toEqual(NO);
    expect(answered(given, 41, 44, 3).length).toBeGreaterThan(10);
  });
});
