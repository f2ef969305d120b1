import { describe, expect, test } from "bun:test";
import {
  byTime,
  CertifyBench,
  certified,
  type Datagram,
  numbersTo,
  OPEN_SEC,
  onLine,
  order,
} from "../tests/nse-lines.ts";
import { type Certificate, certificateText, sealOf } from "./certificate.ts";
import { compareCertificates, contradictions, differenceText } from "./certificate-check.ts";
import { CertificateError, parseCertificates } from "./certificate-read.ts";
import { EpochTally } from "./certificate-tally.ts";

const sides = { ours: "here", theirs: "there" };

function differences(ours: Certificate, theirs: Certificate, strict = false): string[] {
  return compareCertificates([ours], [theirs], { strict, sides }).map(
    ({ field, what }) => `${field} ${what}`,
  );
}

const whole = () => certified(onLine("A", numbersTo(3000)));

describe("a certificate", () => {
  test("says what came, of which types, when, and adds up", () => {
    const certificate = whole();
    expect(certificate).toMatchObject({
      feed: "nse-fo",
      stream: 1,
      epoch: 0,
      day: "2026-05-28",
      first: "1",
      high_water_mark: "3000",
      joined_late_from: null,
      delivered: 3000,
      recovered: 0,
      lost: 0,
      held: 0,
      delivered_ranges: [["1", "3000"]],
      lost_ranges: [],
      messages: 3000,
      types: { M: 1000, N: 1000, X: 1000 },
      first_event: `${OPEN_SEC}000001000`,
      last_event: `${OPEN_SEC}003000000`,
    });
    expect(contradictions(certificate)).toEqual([]);
  });

  test("of both lines equals that of line A, if A lost nothing", () => {
    const both = byTime(onLine("A", numbersTo(3000)), onLine("B", numbersTo(3000, 7, 8), 30));
    expect(differences(certified(both), whole())).toEqual([]);
    expect(certified(both).digest).toBe(whole().digest);
  });

  test("tells of each line what it brought, lost, and led by", () => {
    const both = byTime(onLine("A", numbersTo(100, 50)), onLine("B", numbersTo(100, 7, 8), 30));
    const [a, b] = certified(both).lines;
    expect(a).toEqual({
      line: "A",
      packets: 99,
      messages: 99,
      first_arrivals: 99,
      duplicates: 0,
      conflicts: 0,
      late: 0,
      loss: 1,
      lead_mean_ns: 30_000,
      lead_max_ns: 30_000,
    });
    expect(b).toMatchObject({ line: "B", first_arrivals: 1, duplicates: 97, loss: 2 });
    expect(b.lead_mean_ns).toBeNull();
  });

  test("names every lost range, and the ledger the same", () => {
    const bench = new CertifyBench();
    const { certificates, gaps } = bench
      .push(onLine("A", numbersTo(5000, 41, 42, 43, 44, 90)))
      .finish();
    expect(certificates[0]).toMatchObject({
      delivered: 4995,
      lost: 5,
      delivered_ranges: [
        ["1", "40"],
        ["45", "89"],
        ["91", "5000"],
      ],
      lost_ranges: [
        ["41", "44"],
        ["90", "90"],
      ],
    });
    expect(contradictions(certificates[0])).toEqual([]);
    expect(gaps).toMatchObject([
      { from: "41", to: "44", count: 4, state: "lost", cause: "line A", end: "window" },
      { from: "90", to: "90", count: 1, state: "lost", repaired_by: null },
    ]);
  });

  test("tells what is lost from what a snapshot brought, also side by side", () => {
    const tally = new EpochTally(0);
    tally.lose(5, false);
    tally.lose(9, true);
    tally.lose(11, true);
    tally.lose(13, false);
    const { delivered, recovered, bySnapshot, lost } = tally.ranges(14);
    expect(delivered.total).toBe(0);
    expect(lost.toArray()).toEqual([
      [5, 8],
      [13, 14],
    ]);
    expect(bySnapshot.toArray()).toEqual([[9, 12]]);
    expect(recovered.toArray()).toEqual([[9, 12]]);
  });

  test("tells what was recovered, without another digest for it", () => {
    const bench = new CertifyBench().push(onLine("A", numbersTo(300, 41, 42)));
    const { certificates, gaps } = bench.recover(onLine("A", [41, 42], 27_000)).finish();
    expect(certificates[0]).toMatchObject({
      delivered: 298,
      recovered: 2,
      lost: 0,
      recovered_ranges: [["41", "42"]],
    });
    const other = certified(onLine("A", numbersTo(300)));
    expect(differences(certificates[0], other)).toEqual([]);
    expect(differences(certificates[0], other, true)).toContain(
      "recovered is 2 in here, 0 in there",
    );
    expect(gaps).toMatchObject([
      { from: "41", to: "42", state: "repaired", repaired_by: "recovery" },
    ]);
  });

  test("of a late start counts from the first number, and says so", () => {
    const late = certified(onLine("A", numbersTo(900).slice(499)));
    expect(late).toMatchObject({ first: "500", joined_late_from: "500", delivered: 401, lost: 0 });
    expect(contradictions(late)).toEqual([]);
  });

  test("while a gap is open, tells what is held", () => {
    const bench = new CertifyBench().push(onLine("A", numbersTo(300, 200)));
    const [open] = bench.now().certificates;
    expect(open).toMatchObject({ delivered: 199, lost: 0, held: 101, high_water_mark: "300" });
    expect(contradictions(open)).toEqual([]);
    expect(bench.now().gaps).toMatchObject([{ from: "200", state: "held", closed: null }]);
  });

  test("stands for one epoch: after a restart the numbers and the lines begin again", () => {
    const again: Datagram[] = numbersTo(40).map((number) => ({
      line: "A",
      atUsec: 2_000_000 + number * 100,
      bytes: order(number, 7000, 2_000_000 + number),
    }));
    const datagrams = [...onLine("A", numbersTo(100, 60)), ...again];
    const { certificates } = new CertifyBench().push(datagrams).finish();
    expect(certificates).toMatchObject([
      { epoch: 0, high_water_mark: "100", lost: 1, messages: 99, lines: [{ loss: 1 }] },
      { epoch: 1, high_water_mark: "40", lost: 0, messages: 40, lines: [{ loss: 0 }] },
    ]);
    expect(certificates.flatMap(contradictions)).toEqual([]);
    const cut = new CertifyBench().push(datagrams, [1, 3]).finish().certificates;
    expect(cut.map(certificateText)).toEqual(certificates.map(certificateText));
  });
});

describe("two certificates differ", () => {
  test("not by a doubled message, which only its line's figures show", () => {
    const twice = byTime(onLine("A", numbersTo(3000)), onLine("A", [1700], 5));
    expect(differences(certified(twice), whole())).toEqual([]);
    expect(differences(certified(twice), whole(), true)).toContain(
      "lines.A.duplicates is 1 in here, 0 in there",
    );
  });

  test("by a dropped message: range, type, digest, and where", () => {
    const dropped = certified(onLine("A", numbersTo(3000, 1700)));
    expect(differences(dropped, whole())).toEqual([
      "lost is 1 in here, 0 in there",
      "messages is 2999 in here, 3000 in there",
      "lost_ranges hold 1700 only in here",
      "types.X is 999 in here, 1000 in there",
      `digest is ${dropped.digest} in here, ${whole().digest} in there: ` +
        "messages differ within 1024..2047",
    ]);
  });

  test("by one changed byte: the digest, and where", () => {
    const datagrams = onLine("A", numbersTo(3000));
    datagrams[2499] = { ...datagrams[2499], bytes: order(2500, 7001) };
    const found = differences(certified(datagrams), whole());
    expect(found).toHaveLength(1);
    expect(found[0]).toEndWith("messages differ within 2048..3000");
  });

  test("by two messages under each other's numbers", () => {
    const datagrams = onLine("A", numbersTo(3000));
    const swapped = (at: number, other: number) => {
      const bytes = order(at);
      bytes.set(order(other).subarray(8), 8);
      return { ...datagrams[at - 1], bytes };
    };
    datagrams[99] = swapped(100, 103);
    datagrams[102] = swapped(103, 100);
    expect(differences(certified(datagrams), whole())[0]).toStartWith("digest");
  });

  test("by an epoch that only one of them has", () => {
    const found = compareCertificates([], [whole()], { strict: false, sides });
    expect(found.map(differenceText)).toEqual([
      "nse-fo stream 1 epoch 0 (2026-05-28) is only in there",
    ]);
  });

  test("blocks of different sizes are held against each other", () => {
    const long = certified(onLine("A", numbersTo(400_000)));
    expect(long.digest_blocks.numbers).toBe(2048);
    expect(differences(long, whole())).toContain(
      `digest is ${long.digest} in here, ${whole().digest} in there: ` +
        "messages differ within 2048..400000",
    );
  });
});

describe("canary: one wrong number in a certificate is caught", () => {
  const good = JSON.parse(certificateText(certified(onLine("A", numbersTo(300, 41)))));
  const paths = leaves(good, []).filter((path) => path[0] !== "certificate");

  for (const path of paths) {
    test(path.join("."), () => {
      const bad = changed(good, path);
      const { length } = contradictions(bad);
      expect(length).toBeGreaterThan(0);
      // Sealed anew, it is caught by the certificate that it is held against.
      const resealed = { ...bad, seal: sealOf(bad) };
      if (path[0] === "seal") return;
      const others = compareCertificates([good], [resealed], { strict: true, sides });
      expect(others.length + contradictions(resealed).length).toBeGreaterThan(0);
    });
  }
});

/** Paths to every number and every string of digits or hex. */
function leaves(value: unknown, path: (string | number)[]): (string | number)[][] {
  if (Array.isArray(value)) return value.flatMap((inner, at) => leaves(inner, [...path, at]));
  if (typeof value === "object" && value !== null) {
    return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
  }
  const isNumber = typeof value === "number";
  return isNumber || (typeof value === "string" && /^[0-9a-f]+$/.test(value)) ? [path] : [];
}

function changed(good: Certificate, path: readonly (string | number)[]): Certificate {
  const copy = structuredClone(good);
  let parent = copy as unknown as Record<string | number, unknown>;
  for (const step of path.slice(0, -1)) parent = parent[step] as typeof parent;
  const last = path[path.length - 1];
  const old = parent[last];
  if (typeof old === "number") parent[last] = old + 1;
  else parent[last] = String(old).replace(/.$/, (digit) => (digit === "1" ? "2" : "1"));
  return copy;
}

describe("certificates as text", () => {
  test("one line, an array and the service's answer read alike", () => {
    const certificate = whole();
    const text = certificateText(certificate);
    for (const written of [`${text}\n`, `[${text}]`, `{"date":"x","certificates":[${text}]}`]) {
      expect(parseCertificates(written, "x")).toEqual([certificate]);
    }
    expect(parseCertificates(`${text}\n${text}\n`, "x")).toHaveLength(2);
  });

  test("what is none is refused with its place", () => {
    const cases: [string, RegExp][] = [
      ["", /no certificate/],
      ["{}\nnonsense", /line 2 is no JSON/],
      ["[1]", /number 1 is no JSON object/],
      ['{"certificate":9}', /version 1/],
      [certificateText({ ...whole(), lost: -1 }), /'lost'/],
    ];
    for (const [text, message] of cases) {
      expect(() => parseCertificates(text, "x")).toThrow(message);
      expect(() => parseCertificates(text, "x")).toThrow(CertificateError);
    }
  });
});
