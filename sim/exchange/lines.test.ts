import { describe, expect, test } from "bun:test";
import { Exchange } from "./exchange.ts";
import { FeedLog } from "./feed-log.ts";
import { Lines } from "./lines.ts";

interface Datagram {
  readonly line: number;
  readonly stream: number;
  readonly sendNs: number;
  readonly hex: string;
}

function collect(lines: Lines, untilNs: number, stepNs: number): Datagram[] {
  const sent: Datagram[] = [];
  const sink = {
    datagram(
      line: number,
      stream: number,
      sendNs: number,
      bytes: Uint8Array,
      at: number,
      n: number,
    ) {
      sent.push({ line, stream, sendNs, hex: bytes.subarray(at, at + n).toHex() });
    },
  };
  for (let now = stepNs; now <= untilNs; now += stepNs) lines.step(now, sink);
  return sent;
}

describe("the two lines", () => {
  test("bring the same datagrams, B behind A by its delay, all in the order of their time", () => {
    const delayNs = 150_000;
    const lines = new Lines(new Exchange({ streams: 3, endNs: 2e9 }), [0, delayNs]);
    const sent = collect(lines, 3e9, 1e7);
    const times = sent.map(({ sendNs }) => sendNs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const on = (line: number) => sent.filter((datagram) => datagram.line === line);
    expect(on(0).length).toBeGreaterThan(1_000);
    for (const stream of [1, 2, 3]) {
      const of = (line: number) => on(line).filter((datagram) => datagram.stream === stream);
      expect(of(1).map(({ hex }) => hex)).toEqual(of(0).map(({ hex }) => hex));
      expect(of(1).map(({ sendNs }) => sendNs - delayNs)).toEqual(
        of(0).map(({ sendNs }) => sendNs),
      );
    }
    expect(lines.overrun).toBe(0);
  });

  test("send the same however the time is cut", () => {
    const lines = () => new Lines(new Exchange({ seed: 4 }));
    expect(collect(lines(), 2e9, 2e9)).toEqual(collect(lines(), 2e9, 1e6));
  });

  test("one message stands in each datagram, with its own length first", () => {
    for (const { hex } of collect(new Lines(new Exchange({})), 1e9, 1e8)) {
      expect(Number.parseInt(hex.slice(2, 4) + hex.slice(0, 2), 16)).toBe(hex.length / 2);
    }
  });

  test("a line that falls behind what the log keeps says how much it has missed", () => {
    const exchange = new Exchange({ streams: 1, messagesPerSecond: 50_000, keepMessages: 1 });
    const lines = new Lines(exchange, [0, 10]);
    const sent = collect(lines, 2e9, 2e9);
    const { end, first } = exchange.streams[0]!.log;
    expect(first).toBeGreaterThan(0);
    expect(lines.overrun).toBe(2 * first);
    expect(sent.length).toBeLessThanOrEqual(2 * (end - first));
  });
});

describe("the log of a stream", () => {
  /** Numbers `first` to `last`, a heartbeat after every tenth. */
  function filled(first: number, last: number, keep = 1e6): FeedLog {
    const log = new FeedLog(16, keep);
    const append = (sequence: number, isNumbered: boolean) => {
      log.writeView.setUint32(log.writeAt, sequence, true);
      log.append(8, sequence, sequence * 10, isNumbered);
    };
    for (let sequence = first; sequence <= last; sequence++) {
      append(sequence, true);
      if (sequence % 10 === 0) append(sequence, false);
    }
    return log;
  }
  const numbersOf = (bytes: Uint8Array) =>
    Array.from({ length: bytes.length / 8 }, (_, at) =>
      new DataView(bytes.buffer, bytes.byteOffset).getUint32(at * 8, true),
    );

  test("gives any range of its epoch, without the heartbeats between", () => {
    const log = filled(4_294_930_000, 4_294_960_000);
    const range = log.range(4_294_939_990, 4_294_950_010)!;
    expect(numbersOf(range)).toEqual(Array.from({ length: 10_021 }, (_, at) => 4_294_939_990 + at));
    expect(numbersOf(log.range(4_294_930_010, 4_294_930_010)!)).toEqual([4_294_930_010]);
  });

  test("gives nothing for a range that it has not, or no longer", () => {
    const log = filled(1, 100);
    expect(log.range(90, 101)).toBeUndefined();
    expect(log.range(0, 5)).toBeUndefined();
    expect(log.range(20, 10)).toBeUndefined();
    const short = filled(1, 50_000, 10_000);
    expect(short.range(1, 2)).toBeUndefined();
    expect(numbersOf(short.range(49_000, 50_000)!).length).toBe(1_001);
    expect(short.end - short.first).toBeGreaterThanOrEqual(10_000);
  });

  test("answers for the epoch that runs, never for one before it", () => {
    const log = filled(1, 100);
    log.startEpoch();
    for (let sequence = 1; sequence <= 3; sequence++) {
      log.writeView.setUint32(log.writeAt, 1000 + sequence, true);
      log.append(8, sequence, 5000, true);
    }
    expect(numbersOf(log.range(1, 3)!)).toEqual([1001, 1002, 1003]);
    expect(log.range(4, 50)).toBeUndefined();
  });
});
