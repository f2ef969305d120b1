import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { NO_SCHEDULE, parseSchedule, STRIKES, type Strike } from "./schedule.ts";
import { MoldNumbersIn, NseNumbersIn, ScheduledLines } from "./schedule-lines.ts";

const MS = 1e6;

describe("a schedule", () => {
  test("reads every kind of line, comments and blanks left out", () => {
    const text = [
      "# a bad day",
      "",
      "at 2.5s drop A 3 41..44   # line B has them",
      "delay AB 3 50 20ms",
      "at 12s outage B 500ms",
      "at 13s outage AB 3 1m",
      "at 10s restart",
      "at 9s restart",
      "at 5s recovery error 2s",
      "at 5s snapshot old 30s 2",
      "at 20s end",
    ].join("\n");
    expect(parseSchedule(text, "bad.txt")).toEqual({
      strikes: [
        {
          ...{ fault: "drop", lines: [0], stream: 3, first: 41, last: 44 },
          ...{ atNs: 2_500 * MS, byNs: 0, written: 3 },
        },
        {
          ...{ fault: "delay", lines: [0, 1], stream: 3, first: 50, last: 50 },
          ...{ atNs: 0, byNs: 20 * MS, written: 4 },
        },
      ],
      outages: [
        { lines: [1], stream: 0, fromNs: 12_000 * MS, untilNs: 12_500 * MS },
        { lines: [0, 1], stream: 3, fromNs: 13_000 * MS, untilNs: 73_000 * MS },
      ],
      restartAtNs: [9_000 * MS, 10_000 * MS],
      recovery: [{ fault: "error", stream: 0, fromNs: 5_000 * MS, untilNs: 7_000 * MS }],
      snapshots: [{ fault: "old", stream: 2, fromNs: 5_000 * MS, untilNs: 35_000 * MS }],
      endNs: 20_000 * MS,
    });
  });

  test("an error names the file, the line and the field, and says what would do", () => {
    const cases = [
      ["at 2s\n\nat 2 drop A 1 4", "the time after 'at' is '2'", 3],
      ["\ndrop C 1 4", "the line is 'C'", 2],
      ["drop A one 4", "the stream is 'one'", 1],
      ["drop A 1 4..2", "the sequence numbers is '4..2'", 1],
      ["delay A 1 4", "how late is missing", 1],
      ["explode", "what happens is 'explode'", 1],
      ["recovery old 2s", "the fault is 'old'", 1],
      ["restart now", "the last word is 'now'", 1],
    ] as const;
    for (const [text, message, line] of cases) {
      const read = () => parseSchedule(text.replace("at 2s\n", "# one\n"), "bad.txt");
      expect(read).toThrow(`bad.txt, line ${line}: ${message}`);
      try {
        read();
      } catch (error) {
        expect((error as { hint: string }).hint).toMatch(/^(Write|Nothing)/);
      }
    }
  });
});

/** Heartbeats are 0. */
function nse(number: number): Uint8Array {
  const bytes = new Uint8Array(38);
  new DataView(bytes.buffer).setUint32(4, number, true);
  return bytes;
}

function pass(strikes: readonly Strike[], sent: readonly [line: number, number: number][]) {
  const got: string[] = [];
  const lines = new ScheduledLines({ ...NO_SCHEDULE, strikes }, new NseNumbersIn(), {
    datagram: (line, stream, ns, bytes, offset, length) => {
      const number = new DataView(bytes.buffer, bytes.byteOffset + offset).getUint32(4, true);
      const isWhole =
        length === 38 && bytes.subarray(offset + 8, offset + 38).every((b) => b === 0);
      got.push(`${"AB"[line]}${stream}:${number}@${ns / MS}${isWhole ? "" : "!"}`);
    },
  });
  sent.forEach(([line, number], at) => {
    lines.datagram(line, 1, at * MS, nse(number), 0, 38);
  });
  lines.drain(Number.POSITIVE_INFINITY);
  return { got, idle: lines.idle, log: `${lines.log}` };
}

const STRIKE: Strike = {
  ...{ fault: "drop", lines: [0], stream: 1, first: 2, last: 3 },
  ...{ atNs: 0, byNs: 0, written: 1 },
};

describe("the lines of a schedule", () => {
  test("drop the numbers on their line, once, and say so", () => {
    const sent = [
      [0, 1],
      [0, 2],
      [1, 2],
      [0, 3],
      [0, 4],
      [0, 2],
    ] as const;
    const { got, log, idle } = pass([STRIKE], sent as never);
    expect(got).toEqual(["A1:1@0", "B1:2@2", "A1:4@4", "A1:2@5"]);
    expect([log, idle]).toEqual(["drop(A, 1, 2..3)", []]);
  });

  test("wait for numbers that come only after a restart", () => {
    const { got } = pass(
      [{ ...STRIKE, atNs: 2 * MS }],
      [
        [0, 2],
        [0, 8],
        [0, 9],
        [0, 1],
        [0, 2],
        [0, 4],
      ],
    );
    expect(got).toEqual(["A1:2@0", "A1:8@1", "A1:9@2", "A1:1@3", "A1:4@5"]);
  });

  test("delay, double, cut and change what they are told to, and nothing else", () => {
    const sent: [number, number][] = [
      [0, 1],
      [0, 2],
      [0, 4],
      [0, 5],
    ];
    const of = (fault: Strike["fault"]) => pass([{ ...STRIKE, fault, byNs: 1.5 * MS }], sent).got;
    expect(of("delay")).toEqual(["A1:1@0", "A1:4@2", "A1:2@2.5", "A1:5@3"]);
    expect(of("duplicate")).toEqual(["A1:1@0", "A1:2@1", "A1:2@1", "A1:4@2", "A1:5@3"]);
    for (const fault of ["truncate", "corrupt", "conflict"] as const) {
      expect(of(fault)).toEqual(["A1:1@0", "A1:2@1!", "A1:4@2", "A1:5@3"]);
    }
  });

  test("a line that strikes nothing is told", () => {
    expect(pass([{ ...STRIKE, stream: 7 }], [[0, 2]]).idle).toEqual([1]);
  });

  test("numbers of a packet with several messages are all seen", () => {
    const numbers = new MoldNumbersIn();
    const bytes = new Uint8Array(20);
    const view = new DataView(bytes.buffer);
    view.setUint32(14, 41);
    view.setUint16(18, 4);
    numbers.read(bytes, 0);
    expect([numbers.first, numbers.last]).toEqual([41, 44]);
    view.setUint16(18, 0xffff);
    numbers.read(bytes, 0);
    expect(numbers.first).toBeNaN();
  });

  test("whatever is told by number, all else arrives as it was sent", () => {
    const strike = fc.record({
      fault: fc.constantFrom(...STRIKES),
      lines: fc.constantFrom([0], [1], [0, 1]),
      stream: fc.constantFrom(1, 2),
      first: fc.integer({ min: 1, max: 30 }),
      last: fc.constant(0),
      atNs: fc.integer({ min: 0, max: 40 * MS }),
      byNs: fc.integer({ min: 0, max: 5 * MS }),
      written: fc.constant(1),
    });
    fc.assert(
      fc.property(fc.array(strike, { maxLength: 5 }), (given) => {
        const strikes = given.map((one) => ({ ...one, last: one.first + 3 }));
        const sent = Array.from(
          { length: 60 },
          (_, at) => [at % 2, 1 + (at >> 1)] as [number, number],
        );
        const { got } = pass(strikes, sent);
        for (const [at, [line, number]] of sent.entries()) {
          const isNamed = strikes.some(
            ({ first, last, stream }) => stream === 1 && number >= first && number <= last,
          );
          if (!isNamed) expect(got).toContain(`${"AB"[line]}1:${number}@${at}`);
        }
        const times = got.map((text) => Number.parseFloat(text.split("@")[1]!));
        expect(times).toEqual(times.toSorted((a, b) => a - b));
      }),
      { numRuns: 100, seed: Number(process.env.EDGEBOOK_SEED ?? 11) },
    );
  });
});
