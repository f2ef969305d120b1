/** A collector with its real window of chunks, and an intake that lacks what one stream is packed by. */
import { describe, expect, test } from "bun:test";
import { SendWindow } from "../collector/send-window.ts";
import type { ChunkHeader } from "../frames/chunk-header.ts";
import { Intake } from "./intake.ts";
import { type AwaitedDictionaries, forgive, waitFor } from "./intake-dictionaries.ts";

const BYTES = new Uint8Array(100);
const TRIP_NS = 10e6;
/** More than there ever are, unless what fails is asked for without end. */
const TRIP_CHUNKS = 200;
const HOLD_NS = 5e9;
const DICTIONARY = "nse-fo-0011223344556677";

interface Plan {
  /** A chunk is made each so many round trips, of streams 1 and 2 in turn. */
  readonly everyTrips: number;
  /** When the dictionary of stream 1 is there. */
  readonly comesNs: number;
}

function world({ everyTrips, comesNs }: Plan) {
  const window = new SendWindow(7);
  const chunks: ChunkHeader[] = [];
  const taken: string[] = [];
  const gaveUp: string[] = [];
  let nowNs = 0;
  let asked = 0;
  const intake = new Intake(
    {
      take({ dictionary, stream, number }) {
        if (dictionary !== "" && nowNs < comesNs) return "no_dictionary";
        taken.push(`${stream}:${number}`);
        return "taken";
      },
      gaveUpDictionary: ({ dictionary }) => void gaveUp.push(dictionary),
      ask(_, request) {
        asked++;
        window.request(request, () => chunks.length);
      },
    },
    { holdNs: HOLD_NS },
  );
  const make = () => {
    const number = chunks.length + 1;
    const stream = 1 + (number % 2);
    const of = { number, previous: Math.max(0, number - 2), oldest: 1, stream };
    const header = { ...of, collector: "edge", boot: 7, feed: "nse-fo" } as ChunkHeader;
    chunks.push({ ...header, dictionary: stream === 1 ? DICTIONARY : "" });
    window.offer(number);
  };
  /** Whatever may be sent is sent, and comes in the same trip; the intake says how far it is. */
  const trip = () => {
    for (let count = 0; count < TRIP_CHUNKS; count++) {
      const sent = window.take(nowNs);
      if (sent === undefined) break;
      intake.push(chunks[sent.number - 1], BYTES, nowNs);
      window.done(sent);
    }
    for (const position of intake.positions("book")) window.hear(position, nowNs);
    intake.advance(nowNs);
  };
  return {
    ...{ intake, taken, gaveUp, chunks, window },
    asked: () => asked,
    run(untilNs: number, after = () => {}) {
      for (; nowNs < untilNs; nowNs += TRIP_NS) {
        if ((nowNs / TRIP_NS) % everyTrips === 0) make();
        trip();
        after();
      }
    },
    position: () => intake.positions("book")[0].chunk,
  };
}

const ofStream = (taken: readonly string[], stream: number) =>
  taken.filter((text) => text.startsWith(`${stream}:`));

describe("a dictionary that does not come", () => {
  test("stops no other stream, is asked for seldom, and then stops nothing", () => {
    const { run, chunks, taken, position, asked, intake, gaveUp, window } = world({
      everyTrips: 10,
      comesNs: Number.POSITIVE_INFINITY,
    });
    const sound = () => chunks.filter(({ dictionary }) => dictionary === "").length;
    run(HOLD_NS, () => expect(ofStream(taken, 2)).toHaveLength(sound()));
    expect([intake.lost, position()]).toEqual([0, 1]);
    expect(asked()).toBeLessThanOrEqual(12);
    expect(window.resent).toBeLessThanOrEqual(12);
    run(HOLD_NS + 1e9);
    run(20e9, () => {
      expect(ofStream(taken, 2)).toHaveLength(sound());
      expect(position()).toBeGreaterThanOrEqual(chunks.length - 1);
    });
    expect(asked()).toBeLessThanOrEqual(16);
    expect([ofStream(taken, 1), gaveUp]).toEqual([[], [DICTIONARY]]);
    expect(intake.lost + taken.length).toBe(chunks.length);
  });

  test("holds a busy collector up once, and not again with every chunk", () => {
    const { run, chunks, taken, position, intake } = world({
      everyTrips: 1,
      comesNs: Number.POSITIVE_INFINITY,
    });
    run(HOLD_NS);
    expect(taken.length).toBeLessThanOrEqual(64);
    run(HOLD_NS + 1e9);
    run(9e9, () => expect(position()).toBeGreaterThanOrEqual(chunks.length - 1));
    expect(intake.lost + taken.length).toBe(chunks.length);
  });
});

test("a dictionary that comes in time lets everything through, in order", () => {
  for (const everyTrips of [1, 10]) {
    const { run, chunks, taken, intake, gaveUp } = world({ everyTrips, comesNs: 4.2e9 });
    run(8e9);
    expect([intake.lost, gaveUp]).toEqual([0, []]);
    for (const stream of [1, 2]) {
      const all = chunks.filter((chunk) => chunk.stream === stream);
      const wanted = all.map(({ number }) => `${stream}:${number}`);
      expect(ofStream(taken, stream)).toEqual(wanted);
    }
  }
});

test("one that comes too late ends the losses", () => {
  const { run, chunks, taken, intake } = world({ everyTrips: 10, comesNs: 10e9 });
  run(10e9);
  const { lost } = intake;
  run(12e9);
  expect([lost > 0, intake.lost]).toEqual([true, lost]);
  expect(taken.length + lost).toBe(chunks.length);
});

describe("a lane that waits for a dictionary", () => {
  function lane() {
    const taken: number[] = [];
    const known = { isThere: false };
    const intake = new Intake(
      {
        take({ dictionary, number }) {
          if (dictionary !== "" && !known.isThere) return "no_dictionary";
          taken.push(number);
          return "taken";
        },
        gaveUpDictionary() {},
        ask() {},
      },
      { holdNs: 1000, askAgainNs: 400 },
    );
    const push = (number: number, nowNs: number) => {
      const of = { number, previous: number - 1, oldest: 1, stream: 1, feed: "nse-fo" };
      const dictionary = number === 1 ? "" : DICTIONARY;
      intake.push({ ...of, collector: "edge", boot: 7, dictionary } as ChunkHeader, BYTES, nowNs);
    };
    return { intake, taken, known, push };
  }

  test("behind a hole that was given up has its full time for it", () => {
    const { intake, taken, known, push } = lane();
    for (const number of [1, 3, 4, 5]) push(number, 0);
    for (let nowNs = 100; nowNs <= 1900; nowNs += 100) intake.advance(nowNs);
    expect([taken, intake.lost]).toEqual([[1], 1]);
    known.isThere = true;
    push(3, 1950);
    expect([taken, intake.lost]).toEqual([[1, 3, 4, 5], 1]);
  });

  test("waits for it anew when a saved state was put in", () => {
    const { intake, taken, known, push } = lane();
    for (const nowNs of [0, 500, 1000]) for (const number of [1, 2]) push(number, nowNs);
    expect(intake.lost).toBe(1);
    intake.resume(5000);
    push(3, 5100);
    expect(intake.lost).toBe(1);
    known.isThere = true;
    push(3, 5500);
    expect([taken, intake.lost]).toEqual([[1, 3], 1]);
  });
});

test("names without end are waited for no more, and a host that stood still is forgiven", () => {
  const awaited: AwaitedDictionaries = new Map();
  const waits = Array.from({ length: 100 }, (_, at) => waitFor(awaited, `a-${at}`, 0, 1000));
  expect([waits[31], waits[32], awaited.size]).toEqual(["waits", "in vain", 32]);
  forgive(awaited, 500, 900);
  expect(waitFor(awaited, "a-1", 1499, 1000)).toBe("waits");
  expect(waitFor(awaited, "a-1", 1500, 1000)).toBe("ends");
  forgive(awaited, 500, 1600);
  expect(waitFor(awaited, "a-1", 1600, 1000)).toBe("in vain");
});
