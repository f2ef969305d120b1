import { describe, expect, test } from "bun:test";
import { type FrameFaultOptions, FrameFaults } from "./frames.ts";

interface Arrival {
  readonly line: number;
  readonly timeNs: number;
  readonly stream: number;
  readonly sequence: number;
  readonly hex: string;
}

/** An NSE-like datagram of 20 bytes: stream at 2, number at 4, quantity-like word at 16. */
function datagram(stream: number, sequence: number): Uint8Array {
  const bytes = new Uint8Array(20);
  const view = new DataView(bytes.buffer);
  view.setInt16(0, 20, true);
  view.setInt16(2, stream, true);
  view.setUint32(4, sequence, true);
  view.setUint8(8, 78);
  view.setUint32(16, 1000 + sequence, true);
  return bytes;
}

function send(options: Partial<FrameFaultOptions>, frames: number, seed = 1, lines = 1) {
  const arrivals: Arrival[] = [];
  const faults = new FrameFaults(options, seed, {
    frame(line, timeNs, bytes, offset, length) {
      const own = bytes.slice(offset, offset + length);
      const view = new DataView(own.buffer);
      arrivals.push({
        line,
        timeNs,
        stream: length >= 4 ? view.getUint16(2, true) : -1,
        sequence: length >= 8 ? view.getUint32(4, true) : -1,
        hex: own.toHex(),
      });
    },
  });
  for (let sequence = 1; sequence <= frames; sequence++) {
    for (let line = 0; line < lines; line++) {
      faults.push(line, sequence * 1000, datagram(3, sequence));
    }
  }
  faults.finish();
  return { arrivals, faults };
}

const sequences = (arrivals: readonly Arrival[]) => arrivals.map(({ sequence }) => sequence);

describe("frame faults", () => {
  test("without a fault every datagram passes unchanged, at its time and in order", () => {
    const { arrivals, faults } = send({}, 100);
    expect(sequences(arrivals)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    expect(arrivals[4]!.hex).toBe(datagram(3, 5).toHex());
    expect(arrivals[4]!.timeNs).toBe(5000);
    expect(faults.log.records).toEqual([]);
  });

  test("one seed gives one result, and another seed another", () => {
    const all = { lossRate: 0.1, duplicateRate: 0.1, reorderRate: 0.1, jitterNs: 5000 };
    const first = send({ all }, 500, 7);
    expect(send({ all }, 500, 7).arrivals).toEqual(first.arrivals);
    expect(send({ all }, 500, 8).arrivals).not.toEqual(first.arrivals);
  });

  test("loss has its rate, and every lost number stands in the log", () => {
    const { arrivals, faults } = send({ all: { lossRate: 0.1 }, logLimit: 10_000 }, 10_000);
    expect(arrivals.length).toBeWithin(8_800, 9_200);
    const lost = new Set<number>();
    for (const { first, last } of faults.log.records) {
      for (let number = first; number <= last; number++) lost.add(number);
    }
    expect(faults.log.count("drop")).toBe(10_000 - arrivals.length);
    expect(lost.size).toBe(10_000 - arrivals.length);
    expect(arrivals.some(({ sequence }) => lost.has(sequence))).toBe(false);
  });

  test("a record says in words what happened", () => {
    const { faults } = send({ all: { outages: [{ fromNs: 41_000, untilNs: 45_000 }] } }, 100);
    expect(String(faults.log)).toBe("outage(A, 3, 41..44)");
    expect(faults.log.count("outage")).toBe(4);
  });

  test("the log keeps its limit and counts what it left out", () => {
    const { faults } = send({ all: { duplicateRate: 1 }, logLimit: 1 }, 10);
    expect(String(faults.log)).toBe("duplicate(A, 3, 1..10)");
    const other = send({ all: { lossRate: 0.5 }, logLimit: 2 }, 200).faults.log;
    expect(other.records.length).toBe(2);
    expect(other.left).toBeGreaterThan(0);
  });

  test("loss in bursts takes runs of neighbours", () => {
    const all = { burstEnterRate: 0.005, burstLeaveRate: 0.1 };
    const { arrivals, faults } = send({ all }, 20_000);
    const lost = 20_000 - arrivals.length;
    const runs = faults.log.records.length + faults.log.left;
    expect(lost).toBeGreaterThan(300);
    expect(lost / runs).toBeGreaterThan(5);
  });

  test("a duplicate has the same bytes and no number is missing", () => {
    const { arrivals } = send({ all: { duplicateRate: 0.2 } }, 1_000);
    expect(new Set(sequences(arrivals)).size).toBe(1_000);
    expect(new Set(arrivals.map(({ hex }) => hex)).size).toBe(1_000);
    expect(arrivals.length).toBeWithin(1_150, 1_250);
  });

  test("reordering loses nothing and is overtaken by as many as said at most", () => {
    const { arrivals } = send({ all: { reorderRate: 0.1, reorderFrames: 4 } }, 1_000);
    expect(arrivals.length).toBe(1_000);
    expect(sequences(arrivals)).not.toEqual(Array.from({ length: 1_000 }, (_, at) => at + 1));
    arrivals.forEach(({ sequence }, at) => {
      const overtakers = arrivals.slice(0, at).filter((other) => other.sequence > sequence);
      // Held ones that are released before it are overtakers too.
      expect(overtakers.length).toBeLessThanOrEqual(4);
    });
  });

  test("a delay moves each datagram and keeps the order; jitter may not", () => {
    const late = send({ all: { delayNs: 7_500 } }, 50).arrivals;
    expect(late.map(({ timeNs, sequence }) => timeNs - sequence * 1000)).toEqual(
      new Array(50).fill(7_500),
    );
    const shaken = send({ all: { jitterNs: 20_000 } }, 500).arrivals;
    expect(shaken.length).toBe(500);
    const times = shaken.map(({ timeNs }) => timeNs);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    expect(sequences(shaken)).not.toEqual(sequences(shaken).toSorted((a, b) => a - b));
  });

  test("a full queue lets the earliest go early and loses nothing", () => {
    const { arrivals, faults } = send({ all: { delayNs: 1e9 }, queueFrames: 10 }, 100);
    expect(sequences(arrivals)).toEqual(Array.from({ length: 100 }, (_, at) => at + 1));
    expect(faults.log.count("early")).toBe(90);
  });

  test("faults on one line do not move those on the other", () => {
    const alone = send({ lines: [{}, { lossRate: 0.2 }] }, 500, 3, 2).arrivals;
    const both = send({ lines: [{ lossRate: 0.3, jitterNs: 9 }, { lossRate: 0.2 }] }, 500, 3, 2);
    const onB = (arrivals: readonly Arrival[]) => arrivals.filter(({ line }) => line === 1);
    expect(sequences(onB(both.arrivals))).toEqual(sequences(onB(alone)));
    expect(alone.filter(({ line }) => line === 0).length).toBe(500);
  });

  test("damage shortens, changes or contradicts, and says so", () => {
    const cut = send({ all: { truncateRate: 1 } }, 20).arrivals;
    for (const { hex } of cut) expect(hex.length).toBeLessThan(40);
    const bent = send({ all: { corruptRate: 1 } }, 20).arrivals;
    bent.forEach(({ hex }, at) => {
      expect(hex.length).toBe(40);
      expect(hex).not.toBe(datagram(3, at + 1).toHex());
    });
    const { arrivals, faults } = send({ all: { conflictRate: 1 } }, 20);
    expect(sequences(arrivals)).toEqual(Array.from({ length: 20 }, (_, at) => at + 1));
    arrivals.forEach(({ hex }, at) => {
      expect(hex.slice(0, 32)).toBe(
        datagram(3, at + 1)
          .toHex()
          .slice(0, 32),
      );
      expect(hex).not.toBe(datagram(3, at + 1).toHex());
    });
    expect(faults.log.count("conflict")).toBe(20);
  });

  test("a foreign datagram names another stream and comes besides its original", () => {
    const { arrivals } = send({ all: { foreignRate: 0.5 } }, 100);
    expect(arrivals.filter(({ stream }) => stream === 3).length).toBe(100);
    expect(arrivals.length).toBeGreaterThan(120);
  });

  test("a stale number 1 carries the bytes of the stream's first message", () => {
    const { arrivals } = send({ all: { staleRate: 0.1 } }, 200);
    const ones = arrivals.filter(({ sequence }) => sequence === 1);
    expect(ones.length).toBeGreaterThan(5);
    for (const { hex } of ones) expect(hex).toBe(datagram(3, 1).toHex());
  });

  test("bytes that are not understood can still be lost, and are counted from 1", () => {
    const outages = [{ fromNs: 2_000, untilNs: 4_000 }];
    const { faults } = send({ numbers: null, all: { outages } }, 5);
    expect(String(faults.log)).toBe("outage(A, 2..3)");
    expect(() => send({ numbers: null, all: { staleRate: 0.1 } }, 1)).toThrow("staleRate needs");
  });

  test("a rate that is none is refused by name", () => {
    expect(() => send({ all: { lossRate: 1.5 } }, 1)).toThrow("lossRate is 1.5");
    expect(() => send({ lines: [undefined, { jitterNs: -1 }] }, 1)).toThrow("jitterNs is -1");
  });
});
