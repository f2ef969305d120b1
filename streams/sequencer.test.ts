/** Arbitration and gaps inside one epoch: these promises, read together, are the specification. */
import { describe, expect, test } from "bun:test";
import { HEARTBEAT, ToyBench, type ToyPacket, toyChannels, toyNs } from "./toy.ts";

const run = (from: number, to: number, atMs: number, line: "A" | "B" = "A"): ToyPacket[] =>
  Array.from({ length: to - from + 1 }, (_, i) => ({ at: atMs, line, sequence: from + i }));

describe("two lines", () => {
  test("each number is delivered once, from the line that brought it first", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, line: "A", sequence: 1 }, { at: 1, line: "B", sequence: 1 });
    bench.push({ at: 2, line: "B", sequence: 2 }, { at: 3, line: "A", sequence: 2 }).finish();
    expect(bench.words).toBe("1 2");
    const { duplicates, streams } = bench.sequencer.stats();
    expect(duplicates).toBe(2);
    expect(streams[0].lines.map((line) => line.firstArrivals)).toEqual([1, 1]);
  });

  test("a packet that overlaps what was delivered delivers its tail", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1, messages: 3 }, { at: 1, sequence: 2, messages: 4 }).finish();
    expect(bench.words).toBe("1 2 3 4 5");
    expect(bench.sequencer.stats().duplicates).toBe(2);
  });

  test("an opaque packet that covers five numbers is one message and five numbers", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1, numbers: 5 }, { at: 1, sequence: 6 }).finish();
    expect(bench.words).toBe("1 6");
    expect(bench.sequencer.stats().messages).toBe(6);
  });

  test("the lead of a line is the capture time between its copy and the other's", () => {
    const bench = new ToyBench();
    for (const sequence of [1, 2, 3]) {
      bench.push({ at: sequence * 10, line: "A", sequence });
      bench.push({ at: sequence * 10 + sequence, line: "B", sequence });
    }
    const [a, b] = bench.finish().sequencer.stats().streams[0].lines;
    expect([a.leadMeanNs, a.leadMaxNs]).toEqual([2e6, 3e6]);
    expect(b.leadMeanNs).toBeNaN();
  });

  test("the loss of a line counts what it skipped and what it owes at the end", () => {
    const bench = new ToyBench();
    bench.push(...run(1, 10, 0, "A"), ...run(1, 3, 0, "B"), ...run(6, 8, 0, "B")).finish();
    expect(bench.sequencer.stats().streams[0].lines.map((line) => line.loss)).toEqual([0, 4]);
  });

  test("a line that reorders has lost nothing", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 3 }, { at: 2, sequence: 2 }).finish();
    expect(bench.words).toBe("1 2 3");
    expect(bench.sequencer.stats().streams[0].lines[0].loss).toBe(0);
  });

  test("same number, other bytes: the first is used, the second is a conflict and is kept", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, line: "A", sequence: 1, content: 7 });
    bench.push({ at: 1, line: "B", sequence: 1, content: 8 }).finish();
    const { conflicts, duplicates } = bench.sequencer.stats();
    expect([bench.delivered[0].content, conflicts, duplicates]).toEqual([7, 1, 0]);
    const [row] = bench.sequencer.ledger.conflicts.list();
    expect([row.sequence, row.line, row.bytes[8]]).toEqual([1, "line B", 8]);
  });

  test("a conflict is seen while the first copy still waits behind a gap", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 3, content: 7 });
    bench.push({ at: 2, line: "B", sequence: 3, content: 8 }, { at: 3, sequence: 2 }).finish();
    expect(bench.delivered.map((row) => row.content)).toEqual([1, 2, 7]);
    expect(bench.sequencer.stats().conflicts).toBe(1);
  });
});

describe("gaps", () => {
  test("a hole that the other line fills within the window is repaired, and nothing is flagged", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 3 });
    expect(bench.words).toBe("1");
    expect(bench.sequencer.streams[0].state).toBe("held");
    bench.push({ at: 101, line: "B", sequence: 2 }).finish();
    expect(bench.words).toBe("1 2 3");
    const [row] = bench.sequencer.ledger.closedGaps();
    expect(row).toMatchObject({ from: 2, to: 2, state: "repaired", repairedBy: "line B" });
    expect(row.cause).toBe("line A");
    expect(bench.sequencer.stats()).toMatchObject({ gaps: 0, lost: 0 });
  });

  test("a gap is lost when the window has passed; every later row carries G", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 4 }, { at: 102, sequence: 5 });
    expect(bench.words).toBe("1 lost(2) 4G 5G");
    bench.push({ at: 103, sequence: 6 }).finish();
    expect(bench.words).toBe("1 lost(2) 4G 5G 6G");
    expect(bench.sequencer.stats()).toMatchObject({ gaps: 1, lost: 2, messages: 4 });
    const [row] = bench.sequencer.ledger.closedGaps();
    expect(row).toMatchObject({ from: 2, to: 3, state: "lost", end: "window", cause: "line A" });
  });

  test("both lines past the hole make no gap of it before the window has passed", () => {
    const bench = new ToyBench();
    for (const line of ["A", "B"] as const) {
      bench.push({ at: 0, line, sequence: 1 }, { at: 1, line, sequence: 3 });
    }
    bench.push({ at: 50, line: "B", sequence: 2 }).finish();
    expect(bench.words).toBe("1 2 3");
  });

  test("what both lines lost is caused by both lines", () => {
    const bench = new ToyBench();
    for (const line of ["A", "B"] as const) {
      bench.push({ at: 0, line, sequence: 1 }, { at: 1, line, sequence: 3 });
    }
    expect(bench.finish().sequencer.ledger.closedGaps()[0].cause).toBe("both lines");
  });

  test("several gaps are open at once, each with its own deadline", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 3 }, { at: 60, sequence: 5 });
    bench.push({ at: 110, sequence: 6 });
    expect(bench.words).toBe("1 lost(2) 3G");
    bench.push({ at: 120, line: "B", sequence: 4 }).finish();
    expect(bench.words).toBe("1 lost(2) 3G 4G 5G 6G");
  });

  test("a partial fill splits a gap, and the ledger accounts for each piece", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 10 });
    bench.push({ at: 2, line: "B", sequence: 4, messages: 2 });
    expect(bench.sequencer.openGaps().map((row) => [row.from, row.to])).toEqual([
      [2, 3],
      [6, 9],
    ]);
    bench.finish();
    expect(bench.words).toBe("1 lost(2) 4G 5G lost(6) 10G");
    const rows = bench.sequencer.ledger.closedGaps().map((row) => [row.from, row.to, row.state]);
    expect(rows).toEqual([
      [2, 3, "lost"],
      [6, 9, "lost"],
      [4, 5, "repaired"],
    ]);
  });

  test("a message of a gap that is lost already is late: dropped and counted", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 3 }, { at: 200, sequence: 4 });
    bench.push({ at: 201, line: "B", sequence: 2 }).finish();
    expect(bench.words).toBe("1 lost(2) 3G 4G");
    expect(bench.sequencer.stats()).toMatchObject({ late: 1, duplicates: 0 });
    expect(bench.sequencer.ledger.late.list()[0]).toMatchObject({ from: 2, to: 2, line: "line B" });
  });

  test("a window of zero runs on at once", () => {
    const bench = new ToyBench({ windowNs: 0 });
    bench.push({ at: 0, sequence: 1 }, { at: 0, sequence: 3 });
    expect(bench.words).toBe("1 lost(2) 3G");
  });

  test("a full buffer gives up the oldest gap, not the newest", () => {
    const bench = new ToyBench({ windowMessages: 4 });
    bench.push({ at: 0, sequence: 1 }, ...run(3, 4, 1), ...run(6, 7, 1));
    expect(bench.words).toBe("1");
    bench.push({ at: 2, sequence: 8 });
    expect(bench.words).toBe("1 lost(2) 3G 4G");
    expect(bench.sequencer.ledger.closedGaps()[0].end).toBe("buffer");
    bench.push({ at: 3, sequence: 5 }).finish();
    expect(bench.words).toBe("1 lost(2) 3G 4G 5G 6G 7G 8G");
  });

  test("the memory of held messages stays within its bytes", () => {
    const bench = new ToyBench({ windowBytes: 64 * 1024 });
    bench.push({ at: 0, sequence: 1 });
    for (let sequence = 3; sequence < 9000; sequence++) {
      bench.push({ at: 1, sequence });
      expect(bench.sequencer.stats().heldMemoryBytes).toBeLessThanOrEqual(64 * 1024);
    }
    expect(bench.finish().delivered.length).toBe(8999);
    expect(bench.sequencer.stats()).toMatchObject({ lost: 1, messages: 8998 });
  });

  test("time that passes without frames closes windows too", () => {
    const bench = new ToyBench().push({ at: 0, sequence: 1 }, { at: 1, sequence: 3 });
    bench.sequencer.advance(toyNs(101));
    expect(bench.words).toBe("1");
    bench.sequencer.advance(toyNs(102));
    expect(bench.words).toBe("1 lost(2) 3G");
  });

  test("the end of the input loses what is missing and delivers what is held", () => {
    const bench = new ToyBench().push({ at: 0, sequence: 1 }, { at: 1, sequence: 3 }).finish();
    expect(bench.words).toBe("1 lost(2) 3G");
    expect(bench.sequencer.ledger.closedGaps()[0].end).toBe("end");
  });

  test("neighbouring losses are one gap", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 3, kind: HEARTBEAT });
    bench.push({ at: 50, sequence: 6 }).finish();
    expect(bench.sequencer.stats()).toMatchObject({ gaps: 1, lost: 4 });
  });
});

describe("heartbeats", () => {
  test("a higher number opens the window for a lost tail", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 3, kind: HEARTBEAT });
    expect(bench.sequencer.streams[0].highWaterMark).toBe(3);
    bench.push({ at: 50, line: "B", sequence: 2 }, { at: 51, line: "B", sequence: 3 }).finish();
    expect(bench.words).toBe("1 2 3");
  });

  test("a tail that nobody brings is lost and counted", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 3, kind: HEARTBEAT }).finish();
    expect(bench.words).toBe("1 lost(2)");
    expect(bench.sequencer.stats()).toMatchObject({ lost: 2, gaps: 1, messages: 1 });
  });

  test("a heartbeat is no message and consumes no number", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 1, kind: HEARTBEAT });
    bench.push({ at: 2, sequence: 2 }).finish();
    expect(bench.words).toBe("1 2");
    expect(bench.sequencer.stats()).toMatchObject({ messages: 2, heartbeats: 1 });
  });
});

describe("a late start", () => {
  test("the first number is the lowest seen within the window", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, line: "A", sequence: 10 }, { at: 10, line: "B", sequence: 8 });
    expect(bench.words).toBe("");
    bench.push({ at: 20, line: "B", sequence: 9 }, { at: 101, line: "A", sequence: 11 });
    expect(bench.words).toBe("8 9 10 11");
    expect(bench.finish().sequencer.stats()).toMatchObject({ lost: 0, gaps: 0 });
  });

  test("number 1 begins at once", () => {
    expect(new ToyBench().push({ at: 0, sequence: 1 }).words).toBe("1");
  });

  test("nothing is lost, but the rows of an order-by-order feed carry J", () => {
    const bench = new ToyBench({ lateStartDoubtful: true });
    bench.push({ at: 0, sequence: 10 }, { at: 1, sequence: 11 }).finish();
    expect(bench.words).toBe("10J 11J");
    expect(bench.sequencer.stats().lost).toBe(0);
  });

  test("counted from the start, what came before the first number is lost", () => {
    const bench = new ToyBench({ fromStart: true, lateStartDoubtful: true });
    bench.push({ at: 0, sequence: 10 }, { at: 1, sequence: 11 }).finish();
    expect(bench.words).toBe("lost(1) 10G 11G");
    expect(bench.sequencer.stats()).toMatchObject({ lost: 9, gaps: 1 });
  });

  test("a heartbeat that comes first says where the stream stands", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 41, kind: HEARTBEAT }, { at: 5, sequence: 43 }).finish();
    expect(bench.words).toBe("lost(42) 43G");
  });

  test("sequences near 2^31, 2^32 and 2^53 are numbers like others", () => {
    for (const edge of [2 ** 31, 2 ** 32, 2 ** 53 - 100]) {
      const bench = new ToyBench();
      bench.push(...run(edge - 3, edge - 1, 0), { at: 1, sequence: edge + 1 });
      bench.push({ at: 2, line: "B", sequence: edge }, ...run(edge - 3, edge + 1, 3, "B")).finish();
      const expected = [-3, -2, -1, 0, 1].map((step) => `${edge + step}`);
      expect(bench.words).toBe(expected.join(" "));
      expect(bench.sequencer.stats()).toMatchObject({ lost: 0, duplicates: 5, conflicts: 0 });
    }
  });
});

describe("streams", () => {
  test("streams have numbers and gaps of their own, and interleave in the order of delivery", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, stream: 5, sequence: 1 }, { at: 0, stream: 9, sequence: 1 });
    bench.push({ at: 1, stream: 5, sequence: 3 }, { at: 1, stream: 9, sequence: 2 }).finish();
    const order = bench.delivered.map((row) => `${row.stream}:${row.sequence}`);
    expect(order).toEqual(["0:1", "1:1", "1:2", "0:2", "0:3"]);
    expect(bench.sequencer.streams.map((stream) => stream.id)).toEqual([5, 9]);
    expect(bench.sequencer.stats().streams.map((stream) => stream.lost)).toEqual([1, 0]);
  });

  test("a packet whose stream is not its channel's is dropped and counted", () => {
    const channels = toyChannels();
    const only = { group: "239.0.0.2", port: 1, feed: "toy", stream: 7, line: 0 };
    channels.list[0] = only;
    const bench = new ToyBench({}, channels);
    bench.push({ at: 0, stream: 7, sequence: 1 }, { at: 1, stream: 8, sequence: 2 }).finish();
    expect(bench.words).toBe("1");
    const { wrongStream, quarantined } = bench.sequencer.stats();
    expect([wrongStream, quarantined]).toEqual([1, { wrong_stream: 1 }]);
  });

  test("without a table, lines are numbered in order of appearance on each stream", () => {
    const channels = toyChannels();
    channels.list[0] = { ...channels.list[0], line: -1 };
    channels.list[1] = { ...channels.list[1], line: -1 };
    const bench = new ToyBench({}, channels);
    bench.push({ at: 0, line: "B", sequence: 1 }, { at: 1, line: "A", sequence: 1 }).finish();
    const [first, second] = bench.sequencer.stats().streams[0].lines;
    expect([first.firstArrivals, second.duplicates]).toEqual([1, 1]);
  });

  test("made-up stream ids cannot fill the memory: further ones are quarantined", () => {
    const bench = new ToyBench({ maxStreams: 2 });
    for (const stream of [1, 2, 3, 4]) bench.push({ at: 0, stream, sequence: 1 });
    expect(bench.sequencer.streams.length).toBe(2);
    expect(bench.sequencer.stats().quarantined).toEqual({ too_many_streams: 2 });
  });
});

describe("damage", () => {
  test("numbers that cannot be are quarantined, and the stream goes on", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: Number.NaN }, { at: 1, sequence: -5 });
    bench.push({ at: 1, sequence: 2 ** 60 }, { at: 1, sequence: 2, numbers: 1e9 });
    bench.push({ at: 2, sequence: 2 }).finish();
    expect(bench.words).toBe("1 2");
    expect(bench.sequencer.stats().quarantined).toEqual({ bad_sequence: 3, bad_count: 1 });
    expect(bench.sequencer.quarantine.samples[0]).toMatchObject({ frame: 1, channel: 0 });
  });

  test("a lone number far ahead opens no gap and is set aside", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 4e9 }, ...run(2, 20, 2)).finish();
    expect(bench.words).toBe(
      run(1, 20, 0)
        .map((packet) => packet.sequence)
        .join(" "),
    );
    expect(bench.sequencer.stats()).toMatchObject({ lost: 0, quarantined: { wild_number: 1 } });
  });

  test("a damaged number inside the window does not cost the numbers below it", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 5000 }, ...run(2, 4, 2));
    bench.push({ at: 300, sequence: 5 }, { at: 301, sequence: 6 }).finish();
    expect(bench.words).toBe("1 2 3 4 5 6");
  });

  test("a great loss is believed when the next packet goes on from there", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 5000 }, { at: 2, sequence: 5001 });
    expect(bench.sequencer.openGaps()[0]).toMatchObject({ from: 2, to: 4999 });
    bench.push({ at: 102, sequence: 5002 }).finish();
    expect(bench.words).toBe("1 lost(2) 5000G 5001G 5002G");
  });

  test("a great loss at the end is believed when the window passes and nobody goes back", () => {
    const bench = new ToyBench().push({ at: 0, sequence: 1 }, { at: 1, sequence: 5000 }).finish();
    expect(bench.words).toBe("1 lost(2) 5000G");
    expect(bench.sequencer.stats().lost).toBe(4998);
  });

  test("one capture time of another century closes no window", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 3 });
    bench.push({ at: 2.4e12, sequence: 4 }, { at: 3, line: "B", sequence: 2 }).finish();
    expect(bench.words).toBe("1 2 3 4");
    expect(bench.sequencer.stats().doubtfulTimes).toBe(1);
  });

  test("a gap that a garbage capture time revealed still closes in time", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 2.4e12, sequence: 3 }, { at: 2, sequence: 4 });
    expect(bench.words).toBe("1");
    bench.push({ at: 103, sequence: 5 });
    expect(bench.words).toBe("1 lost(2) 3G 4G 5G");
  });
});

describe("answers to requests", () => {
  test("a recovered message fills the gap and carries V", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 3 });
    bench.recover(0, { at: 2, sequence: 2 });
    bench.finish();
    expect(bench.words).toBe("1 2V 3");
    const { recovered, gaps, lost } = bench.sequencer.stats();
    expect([recovered, gaps, lost]).toEqual([1, 1, 0]);
    expect(bench.sequencer.ledger.closedGaps()[0].repairedBy).toBe("recovery");
  });

  test("an answer belongs to the epoch that it was asked in", () => {
    const bench = new ToyBench();
    bench.push({ at: 0, sequence: 1 }, { at: 1, sequence: 3 });
    bench.recover(7, { at: 2, sequence: 2 });
    expect(bench.finish().words).toBe("1 lost(2) 3G");
    expect(bench.sequencer.stats().late).toBe(1);
  });

  test("the operator's clear stands in the stream in its place", () => {
    const bench = new ToyBench().push({ at: 0, sequence: 1 });
    bench.sequencer.clear(0);
    expect(bench.push({ at: 1, sequence: 2 }).finish().words).toBe("1 clear(1) 2");
  });

  test("a clear waits for what came before it, and keeps its place behind it", () => {
    const held = () => new ToyBench({ windowNs: 100e6 }).push({ at: 0, sequence: 1 });
    const gap = held().push({ at: 200, sequence: 3 });
    gap.sequencer.clear(0);
    gap.push({ at: 210, sequence: 4 });
    expect(gap.words).toBe("1");
    expect(gap.push({ at: 220, sequence: 2, line: "B" }).words).toBe("1 2 3 clear(3) 4");
    expect(gap.sequencer.ledger.clears.list()).toMatchObject([{ stream: 1, sequence: 3 }]);

    const lost = held().push({ at: 200, sequence: 3 });
    lost.sequencer.clear(0);
    expect(lost.push({ at: 400, sequence: 4 }).words).toBe("1 lost(2) 3G clear(3) 4G");

    const tail = held().push({ at: 200, kind: HEARTBEAT, sequence: 3 });
    tail.sequencer.clear(0);
    tail.push({ at: 210, sequence: 2, messages: 4 });
    expect(tail.words).toBe("1 2 3 clear(3) 4 5");
  });

  test("a clear of an epoch that ends before its place is dropped with it", () => {
    const bench = new ToyBench({ windowNs: 100e6 }).push({ at: 0, sequence: 1, session: 1 });
    bench.push({ at: 1, sequence: 3, session: 1 });
    bench.sequencer.clear(0);
    bench.push({ at: 300, sequence: 1, session: 2 }, { at: 301, sequence: 2, session: 2 }).finish();
    expect(bench.words).toMatch(/^1 lost\(2\) 3G (clear\(3\) )?epoch\(1\) 1 2$/);
  });
});
