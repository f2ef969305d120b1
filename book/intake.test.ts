import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ChunkHeader } from "../frames/chunk-header.ts";
import type { ControlRequest } from "../frames/transport.ts";
import { Intake, type IntakeOptions } from "./intake.ts";

const BYTES = new Uint8Array(100);

/** The header fields that the intake looks at; the others say nothing. */
function header(number: number, previous: number, more: Partial<ChunkHeader> = {}): ChunkHeader {
  return {
    version: 1,
    kind: "live",
    collector: "edge",
    boot: 7,
    number,
    previous,
    oldest: 1,
    feed: "nse-fo",
    stream: 1,
    session: "",
    firstSequence: 0,
    lastSequence: 0,
    firstSec: 0,
    firstNsec: 0,
    lastSec: 0,
    lastNsec: 0,
    clock: "kernel",
    channels: [],
    frames: 0,
    codec: "raw",
    dictionary: "",
    rawBytes: 0,
    bodyBytes: 0,
    checksum: 0,
    runs: [],
    copies: 0,
    runsDropped: 0,
    ...more,
  };
}

function newIntake(options: Partial<IntakeOptions> = {}, isGood = (_: ChunkHeader) => true) {
  const taken: string[] = [];
  const asked: ControlRequest[] = [];
  const intake = new Intake(
    {
      take(chunk) {
        if (!isGood(chunk)) return "damaged";
        taken.push(`${chunk.stream}:${chunk.number}`);
        return "taken";
      },
      gaveUpDictionary() {},
      ask: (_, request) => asked.push(request),
    },
    options,
  );
  return { intake, taken, asked };
}

describe("intake of chunks", () => {
  test("what a killed collector's life had kept is asked for, once its next life tells of it", () => {
    const { intake, taken, asked } = newIntake({ holdNs: 1000, askAgainNs: 400 });
    intake.push(header(1, 0), BYTES, 0);
    const former = { boot: 7, oldest: 1, newest: 3 };
    const next = { boot: 8, former };
    intake.push(header(1, 0, next), BYTES, 0);
    expect(asked).toEqual([{ ask: "resend", boot: 7, from: 2, to: 3 }]);
    // The gap that they leave may wait for them.
    expect(intake.patienceNs("nse-fo", 1)).toBe(1000);
    intake.push(header(2, 1), BYTES, 100);
    intake.push(header(3, 2), BYTES, 100);
    expect(taken).toEqual(["1:1", "1:1", "1:2", "1:3"]);
    expect([intake.patienceNs("nse-fo", 1), intake.lost]).toEqual([0, 0]);
    for (let nowNs = 200; nowNs <= 3000; nowNs += 100) intake.advance(nowNs);
    expect(asked).toHaveLength(1);
  });

  test("a life between two that are known is asked for, though nothing of it ever came", () => {
    const { intake, asked } = newIntake({ holdNs: 1000, askAgainNs: 400 });
    intake.push(header(1, 0), BYTES, 0);
    const next = { boot: 9, former: { boot: 8, oldest: 1, newest: 2 } };
    intake.push(header(1, 0, next), BYTES, 0);
    expect(asked).toEqual([{ ask: "resend", boot: 8, from: 1, to: 2 }]);
    expect(intake.patienceNs("nse-fo", 1)).toBe(1000);
    for (let nowNs = 0; nowNs <= 3000; nowNs += 100) intake.advance(nowNs);
    expect([intake.lost, intake.patienceNs("nse-fo", 1)]).toEqual([2, 0]);
    expect(intake.positions("book")[0]).toMatchObject({ boot: 9, chunk: 1 });
  });

  test("who has heard of no earlier life begins with the one that speaks", () => {
    const { intake, asked } = newIntake();
    const former = { boot: 7, oldest: 1, newest: 300 };
    intake.push(header(1, 0, { boot: 8, former }), BYTES, 0);
    expect(asked).toEqual([]);
  });

  test("a collector that falls silent is asked whether there is more, less and less often", () => {
    const { intake, taken, asked } = newIntake({ silentNs: 1000 });
    intake.push(header(1, 0), BYTES, 0);
    // A broker came back before we were heard there: it gave chunks 2 to 65 to nobody.
    for (let nowNs = 0; nowNs <= 900; nowNs += 100) intake.advance(nowNs);
    expect(asked).toEqual([]);
    for (let nowNs = 1000; nowNs <= 8000; nowNs += 100) intake.advance(nowNs);
    expect(asked).toHaveLength(4);
    expect(new Set(asked.map((request) => JSON.stringify(request))).size).toBe(1);
    expect(asked[0]).toEqual({ ask: "from", boot: 7, from: 2 });
    intake.push(header(2, 1), BYTES, 8000);
    for (let nowNs = 8100; nowNs <= 8900; nowNs += 100) intake.advance(nowNs);
    expect([taken, asked.length]).toEqual([["1:1", "1:2"], 4]);
    intake.advance(9000);
    expect(asked[4]).toEqual({ ask: "from", boot: 7, from: 3 });
  });

  test("who stood still asks nobody before it has heard what waits for it", () => {
    const { intake, asked } = newIntake({ silentNs: 1000 });
    intake.push(header(1, 0), BYTES, 0);
    intake.advance(100);
    intake.advance(60_000);
    intake.push(header(2, 1), BYTES, 60_100);
    for (let nowNs = 60_200; nowNs <= 61_000; nowNs += 100) intake.advance(nowNs);
    expect(asked).toEqual([]);
    intake.advance(61_100);
    expect(asked).toHaveLength(1);
  });

  test("what waits unread while a host is crowded is not given up", () => {
    const { intake, taken } = newIntake({ holdNs: 5e9 });
    intake.push(header(1, 0), BYTES, 0);
    intake.push(header(4, 3), BYTES, 0);
    // Each chunk takes seconds, and 2 and 3 lie behind others in the mailbox.
    for (let nowNs = 2e9; nowNs <= 20e9; nowNs += 2e9) intake.advance(nowNs);
    intake.push(header(2, 1), BYTES, 20e9);
    intake.push(header(3, 2), BYTES, 22e9);
    expect([taken, intake.lost]).toEqual([["1:1", "1:2", "1:3", "1:4"], 0]);
    // On time, five seconds are five seconds.
    intake.push(header(6, 5), BYTES, 22e9);
    for (let nowNs = 22e9; nowNs <= 28e9; nowNs += 0.1e9) intake.advance(nowNs);
    expect([taken.at(-1), intake.lost]).toEqual(["1:6", 1]);
  });

  test("a former life of a collector, and whoever cannot be asked, is left in peace", () => {
    for (const canAsk of [true, false]) {
      const { intake, asked } = newIntake({ silentNs: 1000, canAsk });
      intake.push(header(1, 0), BYTES, 0);
      intake.push(header(1, 0, { boot: 8 }), BYTES, 0);
      for (let nowNs = 0; nowNs <= 1500; nowNs += 100) intake.advance(nowNs);
      expect(asked.map(({ boot }) => boot)).toEqual(canAsk ? [8] : []);
    }
  });

  test("a hole that no stream waits for is asked for, then lost, and the position goes on", () => {
    const { intake, asked } = newIntake({ holdNs: 1000, askAgainNs: 400 });
    intake.push(header(1, 0), BYTES, 0);
    // Chunk 2 was the last of another stream, which says nothing more.
    intake.push(header(3, 1), BYTES, 0);
    for (let nowNs = 0; nowNs <= 800; nowNs += 100) intake.advance(nowNs);
    expect(intake.positions("book")[0].chunk).toBe(1);
    for (let nowNs = 900; nowNs <= 1600; nowNs += 100) intake.advance(nowNs);
    expect(asked.length).toBeGreaterThanOrEqual(2);
    expect(asked[0]).toEqual({ ask: "resend", boot: 7, from: 2, to: 2 });
    expect(intake.positions("book")[0].chunk).toBe(3);
    expect(intake.lostRows.map(({ from, to }) => [from, to])).toEqual([[2, 2]]);
  });

  test("what the collector no longer has is lost at once, and the position goes on", () => {
    const { intake, taken } = newIntake();
    intake.push(header(1, 0), BYTES, 0);
    intake.push(header(4, 3, { oldest: 4 }), BYTES, 1);
    expect(taken).toEqual(["1:1", "1:4"]);
    expect(intake.lost).toBe(2);
    expect(intake.positions("book")[0].chunk).toBe(4);
  });

  test("a chunk whose hole nobody can fill never overtakes those that are held", () => {
    const { intake, taken } = newIntake({ holdNs: 1000 });
    intake.push(header(1, 0), BYTES, 0);
    intake.push(header(3, 2), BYTES, 1);
    intake.push(header(9, 8, { oldest: 9 }), BYTES, 2);
    expect(taken).toEqual(["1:1"]);
    intake.advance(2000);
    expect(taken).toEqual(["1:1", "1:3", "1:9"]);
  });

  test("holes in a row do not add up: each is given up at its own time", () => {
    const { intake, taken } = newIntake({ holdNs: 1000 });
    intake.push(header(1, 0), BYTES, 0);
    for (let n = 3; n <= 9; n += 2) intake.push(header(n, n - 1), BYTES, n * 10);
    intake.advance(1100);
    expect(taken).toEqual(["1:1", "1:3", "1:5", "1:7", "1:9"]);
  });

  test("a long hole is not given up as long as its chunks keep coming, however slowly", () => {
    const { intake, taken } = newIntake({ holdNs: 1000 });
    intake.push(header(20, 19), BYTES, 0);
    for (let n = 1; n <= 18; n++) {
      intake.advance(n * 900);
      intake.push(header(n, n - 1), BYTES, n * 900);
    }
    expect([intake.lost, taken.at(-1)]).toEqual([0, "1:18"]);
    intake.advance(18 * 900 + 999);
    expect(intake.lost).toBe(0);
    intake.advance(18 * 900 + 1000);
    expect([intake.lost, taken.at(-1)]).toEqual([1, "1:20"]);
  });

  test("chunks in order go straight through", () => {
    const { intake, taken, asked } = newIntake();
    for (let n = 1; n <= 3; n++) intake.push(header(n, n - 1), BYTES, n);
    expect(taken).toEqual(["1:1", "1:2", "1:3"]);
    expect(asked).toEqual([]);
    expect(intake.positions("book")[0]).toEqual({
      consumer: "book",
      collector: "edge",
      boot: 7,
      chunk: 3,
    });
  });

  test("a missing chunk is asked for, and what follows waits for it", () => {
    const { intake, taken, asked } = newIntake();
    intake.push(header(1, 0), BYTES, 0);
    intake.push(header(3, 2), BYTES, 1);
    expect(taken).toEqual(["1:1"]);
    expect(asked).toEqual([{ ask: "resend", boot: 7, from: 2, to: 2 }]);
    expect(intake.isWaiting("nse-fo")).toBe(true);
    intake.push(header(2, 1), BYTES, 2);
    expect(taken).toEqual(["1:1", "1:2", "1:3"]);
    expect(intake.heldBytes).toBe(0);
  });

  test("a hole in one stream does not hold up another", () => {
    const { intake, taken } = newIntake();
    intake.push(header(1, 0), BYTES, 0);
    intake.push(header(2, 0, { stream: 2 }), BYTES, 0);
    intake.push(header(4, 3), BYTES, 0);
    intake.push(header(5, 2, { stream: 2 }), BYTES, 0);
    expect(taken).toEqual(["1:1", "2:2", "2:5"]);
  });

  test("a chunk that comes twice is taken once", () => {
    const { intake, taken } = newIntake();
    intake.push(header(1, 0), BYTES, 0);
    intake.push(header(1, 0), BYTES, 0);
    expect(taken).toEqual(["1:1"]);
    expect(intake.repeated).toBe(1);
  });

  test("what nobody brings is given up after its time, listed as lost, and the stream goes on", () => {
    const { intake, taken, asked } = newIntake({ holdNs: 1000, askAgainNs: 400 });
    intake.push(header(1, 0), BYTES, 0);
    intake.push(header(4, 3), BYTES, 10);
    intake.advance(500);
    expect(asked.length).toBe(2);
    expect(taken).toEqual(["1:1"]);
    intake.advance(1010);
    expect(taken).toEqual(["1:1", "1:4"]);
    expect(intake.lost).toBe(2);
    expect(intake.lostRows[0]).toMatchObject({ from: 2, to: 3, stream: 1 });
    intake.push(header(2, 1), BYTES, 1020);
    expect(taken).toEqual(["1:1", "1:4"]);
  });

  test("a quiet stream waits its full time for a hole that comes late", () => {
    const { intake, taken } = newIntake({ holdNs: 1000 });
    intake.push(header(1, 0), BYTES, 0);
    intake.push(header(3, 2), BYTES, 5000);
    intake.advance(5100);
    expect(taken).toEqual(["1:1"]);
    intake.advance(6001);
    expect(taken).toEqual(["1:1", "1:3"]);
  });

  test("held bytes are bounded: the longest waiting stream gives up first", () => {
    const { intake, taken } = newIntake({ holdBytes: 250 });
    intake.push(header(1, 0), BYTES, 0);
    for (const n of [3, 4, 5]) intake.push(header(n, n - 1), BYTES, n);
    expect(taken).toEqual(["1:1", "1:3", "1:4", "1:5"]);
    expect(intake.heldBytes).toBe(0);
    expect(intake.heldBytesMax).toBe(300);
  });

  test("a centre that starts late asks for all that the spool still has", () => {
    const { intake, taken, asked } = newIntake();
    intake.push(header(9, 8, { oldest: 6 }), BYTES, 0);
    expect(asked).toEqual([{ ask: "resend", boot: 7, from: 6, to: 8 }]);
    for (const n of [6, 7, 8]) intake.push(header(n, n - 1, { oldest: 6 }), BYTES, 1);
    expect(taken).toEqual(["1:6", "1:7", "1:8", "1:9"]);
    expect(intake.lost).toBe(0);
  });

  test("a damaged chunk counts as missing: it is asked for again", () => {
    let damaged = true;
    const { intake, taken, asked } = newIntake({}, ({ number }) => number !== 2 || !damaged);
    intake.push(header(1, 0), BYTES, 0);
    intake.push(header(2, 1), BYTES, 0);
    intake.push(header(3, 2), BYTES, 0);
    expect(taken).toEqual(["1:1"]);
    expect(asked.length).toBeGreaterThan(0);
    damaged = false;
    intake.push(header(2, 1), BYTES, 1);
    expect(taken).toEqual(["1:1", "1:2", "1:3"]);
    expect(intake.damaged).toBe(1);
  });

  test("a chunk that comes damaged again and again is asked for seldom, and lost in its time", () => {
    const { intake, taken, asked } = newIntake({ holdNs: 1000, askAgainNs: 400 }, (chunk) => {
      return chunk.number !== 2;
    });
    intake.push(header(1, 0), BYTES, 0);
    intake.push(header(2, 1), BYTES, 0);
    intake.push(header(3, 2), BYTES, 0);
    for (let nowNs = 10; nowNs <= 1000; nowNs += 10) {
      intake.push(header(2, 1), BYTES, nowNs);
      intake.advance(nowNs);
    }
    expect(asked.length).toBeLessThanOrEqual(4);
    expect([taken, intake.lost]).toEqual([["1:1", "1:3"], 1]);
    expect(intake.positions("book")[0].chunk).toBe(3);
  });

  test("where nobody can be asked, nothing is held", () => {
    const { intake, taken, asked } = newIntake({ canAsk: false });
    intake.push(header(5, 4), BYTES, 0);
    intake.push(header(9, 8), BYTES, 0);
    expect(taken).toEqual(["1:5", "1:9"]);
    expect(asked).toEqual([]);
  });

  test("a new boot of a collector begins afresh, and the position is the new boot's", () => {
    const { intake, taken } = newIntake();
    intake.push(header(1, 0), BYTES, 0);
    intake.push(header(1, 0, { boot: 8 }), BYTES, 1);
    expect(taken).toEqual(["1:1", "1:1"]);
    expect(intake.positions("book")).toEqual([
      { consumer: "book", collector: "edge", boot: 8, chunk: 1 },
    ]);
  });

  test("whatever order chunks come in, each stream is taken whole and in order", () => {
    const streams = fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(streams, fc.infiniteStream(fc.nat(1000)), (ofChunk, keys) => {
        const last = new Map<number, number>();
        const chunks = ofChunk.map((stream, at) => {
          const previous = last.get(stream) ?? 0;
          last.set(stream, at + 1);
          return { key: keys.next().value as number, chunk: header(at + 1, previous, { stream }) };
        });
        const { intake, taken } = newIntake();
        for (const { chunk } of [...chunks].sort((a, b) => a.key - b.key)) {
          intake.push(chunk, BYTES, 0);
        }
        for (const stream of last.keys()) {
          const wanted = chunks.filter(({ chunk }) => chunk.stream === stream);
          const got = taken.filter((text) => text.startsWith(`${stream}:`));
          expect(got).toEqual(wanted.map(({ chunk }) => `${stream}:${chunk.number}`));
        }
        expect(intake.positions("book")[0]?.chunk).toBe(chunks.length);
      }),
    );
  });
});
