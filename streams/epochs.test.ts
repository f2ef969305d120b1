/** When a stream's life begins again, and when it only looks so. */
import { describe, expect, test } from "bun:test";
import { HEARTBEAT, ToyBench, type ToyPacket } from "./toy.ts";

/** Numbers 1 to 5 at times 1 to 5: a stream with a past. */
const past = (line: "A" | "B" = "A"): ToyPacket[] =>
  [1, 2, 3, 4, 5].map((sequence) => ({ at: sequence, line, sequence }));

/** A message after the restart: later in exchange time, other content. */
const again = (at: number, sequence: number, line: "A" | "B" = "A"): ToyPacket => ({
  at,
  line,
  sequence,
  time: 1000 + sequence,
  content: 100 + sequence,
});

describe("a feed without sessions", () => {
  test("lower numbers, later in time, twice: a new epoch, and nothing of it is missing", () => {
    const bench = new ToyBench().push(...past(), again(10, 1));
    expect(bench.words).toBe("1 2 3 4 5");
    bench.push(again(11, 2), again(12, 3)).finish();
    expect(bench.words).toBe("1 2 3 4 5 epoch(1) 1 2 3");
    expect(bench.delivered.slice(6).map((row) => row.content)).toEqual([101, 102, 103]);
    const [first, second] = bench.sequencer.ledger.epochs.list();
    expect(first).toMatchObject({ reason: "start", first: 1, highWaterMark: 5, delivered: 5 });
    expect(second).toMatchObject({ reason: "restart", first: 1 });
  });

  test("a heartbeat of the same line confirms a restart", () => {
    const bench = new ToyBench().push(...past(), again(10, 1));
    bench.push({ at: 11, sequence: 1, kind: HEARTBEAT }).finish();
    expect(bench.words).toBe("1 2 3 4 5 epoch(1) 1");
  });

  test("a stale 'sequence 1' restarts nothing, however often it comes", () => {
    const bench = new ToyBench().push(...past());
    for (let i = 0; i < 5; i++) bench.push({ at: 10 + i, sequence: 1, time: 0, content: 77 });
    bench.push({ at: 20, sequence: 6 }).finish();
    expect(bench.words).toBe("1 2 3 4 5 6");
    expect(bench.sequencer.stats()).toMatchObject({ restarts: 0, conflicts: 5 });
  });

  test("line B's own 'sequence 1' is a duplicate", () => {
    const bench = new ToyBench().push(...past("A"), ...past("B"), { at: 9, sequence: 6 }).finish();
    expect(bench.words).toBe("1 2 3 4 5 6");
    expect(bench.sequencer.stats()).toMatchObject({ restarts: 0, duplicates: 5 });
  });

  test("one lone lower and later number restarts nothing, even when doubled", () => {
    const bench = new ToyBench().push(...past(), again(10, 1), again(11, 1));
    for (let sequence = 6; sequence < 20; sequence++) bench.push({ at: sequence + 6, sequence });
    bench.finish();
    expect(bench.sequencer.stats()).toMatchObject({ restarts: 0, messages: 19, lost: 0 });
  });

  test("a restart whose first messages are lost is still one: joined late, nothing lost", () => {
    const bench = new ToyBench({ lateStartDoubtful: true });
    bench.push(...past(), again(10, 3), again(11, 4), again(200, 5)).finish();
    expect(bench.words).toBe("1 2 3 4 5 epoch(3) 3J 4J 5J");
    expect(bench.sequencer.stats()).toMatchObject({ restarts: 1, lost: 0 });
  });

  test("the other line may still bring the first messages of a restart", () => {
    const bench = new ToyBench().push(...past("A"), ...past("B"), again(10, 3), again(11, 4));
    bench.push(again(15, 1, "B"), again(16, 2, "B"), again(17, 3, "B")).finish();
    expect(bench.words).toBe("1 2 3 4 5 epoch(3) 1 2 3 4");
    expect(bench.sequencer.stats()).toMatchObject({ lost: 0, late: 0 });
  });

  test("lines may cut the first messages of a restart into different packets", () => {
    const same = (...packet: Parameters<typeof again>) => ({ ...again(...packet), content: 7 });
    const bench = new ToyBench().push(...past("A"), ...past("B"));
    bench.push({ ...same(10, 1), messages: 3 }, same(11, 1, "B"), same(12, 2, "B"));
    bench.push(same(13, 3, "B"), same(14, 4), same(15, 4, "B")).finish();
    expect(bench.words).toBe("1 2 3 4 5 epoch(1) 1 2 3 4");
    expect(bench.sequencer.stats()).toMatchObject({ conflicts: 0, duplicates: 5 + 4, lost: 0 });
    const tail = new ToyBench().push(...past("A"), ...past("B"), same(10, 1));
    tail.push({ ...same(11, 1, "B"), messages: 3 }, same(12, 2), same(14, 4)).finish();
    expect(tail.words).toBe("1 2 3 4 5 epoch(1) 1 2 3 4");
    expect(tail.sequencer.stats()).toMatchObject({ conflicts: 0, duplicates: 5 + 2, lost: 0 });
  });

  test("line B that still brings the old epoch is late, and joins when it restarts itself", () => {
    const bench = new ToyBench().push(...past("A"), ...past("B").slice(0, 2));
    bench.push(again(10, 1), again(11, 2), again(12, 3));
    bench.push(...past("B").slice(2), again(30, 1, "B"), again(31, 2, "B")).finish();
    expect(bench.words).toBe("1 2 3 4 5 epoch(1) 1 2 3");
    expect(bench.sequencer.stats()).toMatchObject({ late: 3, duplicates: 4, conflicts: 0 });
  });

  test("an old message whose number is just the next one is not taken for it", () => {
    const bench = new ToyBench().push(...past("A"), ...past("B").slice(0, 2));
    bench.push(again(10, 1), again(11, 2));
    bench.push({ at: 12, line: "B", sequence: 3 }, { at: 12, line: "A", sequence: 3 });
    bench.push(again(13, 3)).finish();
    expect(bench.delivered.at(-1)).toMatchObject({ sequence: 3, content: 103 });
    expect(bench.sequencer.stats()).toMatchObject({ late: 2, messages: 8 });
  });

  test("open gaps of the old epoch become lost, and what was held is delivered before the new", () => {
    const bench = new ToyBench().push(...past(), { at: 6, sequence: 8 });
    bench.push(again(10, 1), again(11, 2)).finish();
    expect(bench.words).toBe("1 2 3 4 5 lost(6) 8G epoch(1) 1 2");
    expect(bench.sequencer.ledger.closedGaps()[0]).toMatchObject({ end: "epoch", epoch: 0 });
  });

  test("G and J end with the epoch", () => {
    const bench = new ToyBench({ lateStartDoubtful: true });
    bench.push({ at: 0, sequence: 7 }, { at: 1, sequence: 9 });
    bench.push(again(10, 1), again(11, 2)).finish();
    expect(bench.words).toBe("7J lost(8) 9GJ epoch(1) 1 2");
  });

  test("a restart that was first seen at the old high-water mark is still one", () => {
    const bench = new ToyBench()
      .push(...past(), again(10, 5), again(11, 6), again(200, 7))
      .finish();
    expect(bench.words).toBe("1 2 3 4 5 epoch(5) 5 6 7");
  });

  test("a second restart is told from the first", () => {
    const bench = new ToyBench().push(...past(), again(10, 1), again(11, 2));
    bench.push({ at: 20, sequence: 1, time: 5000 }, { at: 21, sequence: 2, time: 5001 }).finish();
    expect(bench.words).toBe("1 2 3 4 5 epoch(1) 1 2 epoch(1) 1 2");
  });

  test("without exchange times only a long run of lower numbers is a restart", () => {
    const bench = new ToyBench();
    for (let sequence = 1; sequence <= 100; sequence++) {
      bench.push({ at: sequence, sequence, time: Number.NaN });
    }
    for (let sequence = 1; sequence <= 31; sequence++) {
      bench.push({ at: 200 + sequence, sequence, time: Number.NaN, content: 999 });
    }
    expect(bench.sequencer.stats().restarts).toBe(0);
    bench.push({ at: 300, sequence: 32, time: Number.NaN, content: 999 }).finish();
    expect(bench.sequencer.stats()).toMatchObject({ restarts: 1, messages: 132, lost: 0 });
  });

  test("without exchange times a line that repeats itself byte for byte restarts nothing", () => {
    const bench = new ToyBench();
    for (let round = 0; round < 2; round++) {
      for (let sequence = 1; sequence <= 100; sequence++) {
        bench.push({ at: round * 100 + sequence, sequence, time: Number.NaN });
      }
    }
    expect(bench.finish().sequencer.stats()).toMatchObject({ restarts: 0, duplicates: 100 });
  });
});

describe("a feed with sessions", () => {
  const of = (session: number, at: number, sequence: number, line: "A" | "B" = "A"): ToyPacket => ({
    at,
    line,
    session,
    sequence,
    content: session * 100 + sequence,
  });

  test("a session never seen is a new epoch", () => {
    const bench = new ToyBench().push(of(1, 0, 1), of(1, 1, 2), of(2, 2, 1), of(2, 3, 2)).finish();
    expect(bench.words).toBe("1 2 epoch(1) 1 2");
    const names = bench.sequencer.ledger.epochs.list().map((row) => row.session);
    expect(names).toEqual(["monday", "tuesday"]);
  });

  test("packets of a session that is over are late", () => {
    const bench = new ToyBench().push(of(1, 0, 1), of(2, 2, 1), of(2, 3, 2), of(1, 4, 2, "B"));
    bench.push(of(2, 5, 3)).finish();
    expect(bench.words).toBe("1 epoch(1) 1 2 3");
    expect(bench.sequencer.stats()).toMatchObject({ late: 1, restarts: 1 });
  });

  test("one damaged session name starts nothing", () => {
    const bench = new ToyBench().push(of(1, 0, 1), of(3, 1, 2));
    for (let sequence = 2; sequence < 20; sequence++) bench.push(of(1, sequence, sequence));
    bench.finish();
    const { restarts, messages, quarantined } = bench.sequencer.stats();
    expect([restarts, messages, quarantined]).toEqual([0, 19, { unconfirmed_session: 1 }]);
  });

  test("lower numbers of the same session never restart it", () => {
    const bench = new ToyBench().push(of(1, 0, 1), of(1, 1, 2), of(1, 2, 3));
    bench.push({ ...of(1, 3, 1), time: 900 }, { ...of(1, 4, 2), time: 901 }).finish();
    expect(bench.sequencer.stats()).toMatchObject({ restarts: 0, messages: 3, conflicts: 2 });
  });
});
