import { expect, test } from "bun:test";
import fc from "fast-check";
import { bytesOf, readCapture } from "../tests/capture-files.ts";
import { Channels } from "./channels.ts";
import { FrameBatch } from "./frame-batch.ts";
import { LinkParser, LinkType, Verdict } from "./link.ts";
import { PcapWriter } from "./pcap-writer.ts";

const group = fc.oneof(
  fc.tuple(fc.nat(255), fc.nat(255), fc.nat(255)).map((tail) => `239.${tail.join(".")}`),
  fc.constantFrom("ff15::1", "ff05::1:2:3", "ff3e:40:2001:db8::4", "127.0.0.1", "::1"),
);
const frame = fc.record({
  group,
  port: fc.integer({ min: 1, max: 65_535 }),
  sec: fc.nat(0xffffffff),
  nsec: fc.nat(999_999_999),
  payload: fc.uint8Array({ maxLength: 300 }),
});
type Frame = typeof frame extends fc.Arbitrary<infer T> ? T : never;

function written(frames: readonly Frame[], link: "ethernet" | "raw"): Uint8Array {
  const channels = new Channels();
  const batch = new FrameBatch(Math.max(1, frames.length));
  batch.reset(bytesOf(...frames.map(({ payload }) => payload)));
  let at = 0;
  for (const { group, port, sec, nsec, payload } of frames) {
    const channel = channels.add({ group, port, feed: "", stream: 0, line: -1 });
    batch.add(at, payload.length, sec, nsec, channel);
    at += payload.length;
  }
  const writer = new PcapWriter(channels, { link });
  return bytesOf(writer.fileHeader(), writer.packets(batch).slice());
}

const expected = (frames: readonly Frame[]) =>
  frames.map(({ group, port, sec, nsec, payload }) => ({
    sec,
    nsec,
    channel: `${group}:${port}`,
    payload: payload.toHex(),
  }));

test("what is written is read back to the byte and the nanosecond, in blocks of any size", () => {
  fc.assert(
    fc.property(
      fc.array(frame, { maxLength: 20 }),
      fc.constantFrom("ethernet" as const, "raw" as const),
      fc.array(fc.integer({ min: 1, max: 400 }), { minLength: 1, maxLength: 5 }),
      (frames, link, sizes) => {
        const { frames: found, counters } = readCapture(written(frames, link), sizes);
        expect(found).toEqual(expected(frames));
        expect([counters.packets, counters.truncated]).toEqual([frames.length, false]);
      },
    ),
    { numRuns: 300 },
  );
});

test("a written packet has right checksums", () => {
  fc.assert(
    fc.property(frame, (one) => {
      const file = written([one], "raw");
      const link = new LinkParser(new Channels(), true);
      expect(link.parse(file, 40, file.length, LinkType.Raw)).toBe(Verdict.Frame);
      expect(link.badChecksums).toBe(0);
    }),
    { numRuns: 300 },
  );
});

test("a cut file gives every packet before the cut", () => {
  fc.assert(
    fc.property(
      fc.array(frame, { minLength: 1, maxLength: 8 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (frames, where) => {
        const file = written(frames, "ethernet");
        const length = Math.floor(where * file.length);
        const { frames: found, counters } = readCapture(file.subarray(0, length), [97]);
        expect(found).toEqual(expected(frames).slice(0, found.length));
        const whole = length === file.length || isEnd(file, length, found.length);
        expect(counters.truncated).toBe(!whole);
      },
    ),
    { numRuns: 300 },
  );
});

/** Whether the file header and so many packets are just `length` bytes. */
function isEnd(file: Uint8Array, length: number, packets: number): boolean {
  const view = new DataView(file.buffer, file.byteOffset);
  let at = 24;
  for (let i = 0; i < packets; i++) at += 16 + view.getUint32(at + 8, true);
  return at === length;
}

test("a frame that no datagram can hold is left out and counted", () => {
  const channels = new Channels();
  channels.add({ group: "239.1.1.1", port: 1, feed: "", stream: 0, line: -1 });
  const batch = new FrameBatch(2);
  batch.reset(new Uint8Array(70_000));
  batch.add(0, 65_508, 1, 1, 0);
  batch.add(0, 65_507, 1, 1, 0);
  const writer = new PcapWriter(channels);
  expect(writer.packets(batch).length).toBe(16 + 14 + 65_535);
  expect(writer.tooLong).toBe(1);
});

test("a channel without an address is an error that names it", () => {
  const channels = new Channels();
  channels.add({ group: "", port: 1, feed: "", stream: 0, line: -1 });
  const batch = new FrameBatch(1);
  batch.add(0, 0, 1, 1, 0);
  expect(() => new PcapWriter(channels).packets(batch)).toThrow('channel 0 has the group ""');
});
