/**
 * Random losses, doubles and lags on two lines: the certificate holds what a plain set says, and is
 * the same text however the frames are cut. A failure prints seed and path.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { MessageBatch } from "../feed/message-batch.ts";
import { byTime, certified, type Datagram, numbersTo, onLine } from "../tests/nse-lines.ts";
import { certificateText } from "./certificate.ts";
import { contradictions } from "./certificate-check.ts";
import { SequenceDigest, textDigest } from "./digest.ts";

const runs = Number(Bun.env.EDGEBOOK_RUNS ?? 200);
const number = fc.integer({ min: 1, max: 400 });
const numbers = fc.uniqueArray(number, { maxLength: 60 });
const plan = fc.record({
  last: fc.integer({ min: 20, max: 400 }),
  lostA: numbers,
  lostB: numbers,
  twice: numbers,
  lagUsec: fc.integer({ min: 0, max: 5000 }),
  cuts: fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 8 }),
});
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

function traffic({ last, lostA, lostB, twice, lagUsec }: Plan): Datagram[] {
  const again = twice.filter((one) => one <= last && !lostA.includes(one));
  return byTime(
    onLine("A", numbersTo(last, ...lostA)),
    onLine("A", again, 20),
    onLine("B", numbersTo(last, ...lostB), lagUsec),
  );
}

test("a certificate does not depend on how the frames were cut", () => {
  fc.assert(
    fc.property(plan, (chosen) => {
      const datagrams = traffic(chosen);
      fc.pre(datagrams.length > 0);
      const cut = certified(datagrams, chosen.cuts);
      expect(certificateText(cut)).toBe(certificateText(certified(datagrams)));
    }),
    { numRuns: runs },
  );
});

test("every number from the first to the last is delivered or lost, as a plain set has it", () => {
  fc.assert(
    fc.property(plan, (chosen) => {
      const datagrams = traffic(chosen);
      const seen = numbersTo(chosen.last).filter(
        (one) => !chosen.lostA.includes(one) || !chosen.lostB.includes(one),
      );
      fc.pre(seen.length > 0);
      const certificate = certified(datagrams, chosen.cuts);
      expect(contradictions(certificate)).toEqual([]);
      expect(certificate.first).toBe(String(seen[0]));
      expect(certificate.high_water_mark).toBe(String(seen[seen.length - 1]));
      expect(certificate.delivered).toBe(seen.length);
      const listed = certificate.delivered_ranges.flatMap(([from, to]) =>
        numbersTo(Number(to)).slice(Number(from) - 1),
      );
      expect(listed).toEqual(seen);
      expect(certificate.digest).toBe(certified(onLine("B", seen)).digest);
    }),
    { numRuns: runs },
  );
});

test("a digest is the sum of its blocks, whatever numbers it has seen", () => {
  const rising = fc.array(fc.integer({ min: 1, max: 2 ** 40 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(rising, (found) => {
      const sorted = [...new Set(found)].sort((a, b) => a - b);
      const digest = digestOf(sorted);
      const { numbers: size, from, digests } = digest.toBlocks();
      expect(digests.length).toBeLessThanOrEqual(256);
      expect(from).toBe(Math.floor(sorted[0] / size) * size);
      digests.forEach((text, at) => {
        const start = from + at * size;
        const within = sorted.filter((one) => one >= start && one < start + size);
        expect(text).toBe(digestOf(within).text);
      });
    }),
    { numRuns: runs },
  );
});

test("texts that differ in one character have different digests", () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), fc.nat(), (text, place) => {
      const at = place % text.length;
      const other = `${text.slice(0, at)}${text[at] === "x" ? "y" : "x"}${text.slice(at + 1)}`;
      expect(textDigest(text) === textDigest(other)).toBe(text === other);
    }),
    { numRuns: runs },
  );
});

/** Of one byte under each number. */
function digestOf(sequences: readonly number[]): SequenceDigest {
  const digest = new SequenceDigest();
  const batch = batchOf(sequences);
  digest.add(batch, 0, batch.count);
  return digest;
}

function batchOf(sequences: readonly number[]): MessageBatch {
  const batch = new MessageBatch(Math.max(1, sequences.length));
  batch.bytes = new Uint8Array([7]);
  batch.view = new DataView(batch.bytes.buffer);
  batch.count = sequences.length;
  batch.sequence.set(sequences);
  batch.length.fill(1);
  return batch;
}
