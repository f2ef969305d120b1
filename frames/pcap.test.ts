import { describe, expect, test } from "bun:test";
import { bytesOf, ethernet, ipv4, pcapFile, readCapture, udp } from "../tests/capture-files.ts";
import { MAX_PACKET_BYTES } from "./capture-reader.ts";

const packet = (n: number) =>
  ethernet(0x0800, ipv4("239.1.1.1", udp(26400, bytesOf(n, new Uint8Array(n)))));
const packets = [
  { sec: 1_700_000_000, fraction: 999_999, bytes: packet(1) },
  { sec: 4_000_000_000, fraction: 7, bytes: ethernet(0x0806, bytesOf(1)) },
  { sec: 1_700_000_001, fraction: 0, bytes: packet(90) },
];

describe("a classic pcap", () => {
  const forms: [string, number, boolean, number][] = [
    ["microseconds, little endian", 0xa1b2c3d4, true, 1000],
    ["microseconds, big endian", 0xa1b2c3d4, false, 1000],
    ["nanoseconds, little endian", 0xa1b23c4d, true, 1],
    ["nanoseconds, big endian", 0xa1b23c4d, false, 1],
    ["the modified form", 0xa1b2cd34, true, 1000],
  ];
  test.each(forms)("%s: times and payloads are exact", (_, magic, littleEndian, unitNs) => {
    const { frames, counters } = readCapture(pcapFile(packets, { magic, littleEndian }));
    expect(frames.map(({ sec, nsec }) => [sec, nsec])).toEqual([
      [1_700_000_000, 999_999 * unitNs],
      [1_700_000_001, 0],
    ]);
    expect(frames.map(({ payload }) => payload.length / 2)).toEqual([2, 91]);
    expect([counters.packets, counters.frames, counters.otherProtocols]).toEqual([3, 2, 1]);
    expect([counters.firstSec, counters.lastSec]).toEqual([1_700_000_000, 4_000_000_000]);
    expect(counters.truncated).toBe(false);
  });

  test("upper bits of the link type (frame check sequence) are no part of it", () => {
    const { counters } = readCapture(pcapFile(packets, { linkType: 0x1400_0001 }));
    expect(counters.frames).toBe(2);
  });

  test("an unknown link type is counted and named", () => {
    const { counters } = readCapture(pcapFile(packets, { linkType: 147 }));
    expect(counters.unknownLinkType).toBe(3);
    expect([...counters.unknownLinkTypes]).toEqual([147]);
  });

  test("a fraction of a second or more is counted and carried over", () => {
    const late = [{ sec: 10, fraction: 2_500_000, bytes: packet(1) }];
    const { frames, counters } = readCapture(pcapFile(late));
    expect([frames[0].sec, frames[0].nsec]).toEqual([12, 500_000_000]);
    expect(counters.damagedTimes).toBe(1);
  });
});

describe("a damaged pcap gives what stands before the damage", () => {
  const file = pcapFile(packets);
  const starts = [24, 24 + 16 + packets[0].bytes.length];

  test("cut inside a packet", () => {
    const { counters } = readCapture(file.subarray(0, starts[1] + 3));
    expect([counters.packets, counters.truncated, counters.stoppedAtByte]).toEqual([
      1,
      true,
      starts[1],
    ]);
  });

  test("cut between packets is whole", () => {
    const { counters } = readCapture(file.subarray(0, starts[1]));
    expect([counters.packets, counters.truncated]).toEqual([1, false]);
  });

  test("cut inside the file header", () => {
    const { counters } = readCapture(file.subarray(0, 20));
    expect([counters.packets, counters.truncated, counters.stoppedAtByte]).toEqual([0, true, 0]);
  });

  test("a length that cannot be ends it, and is said where", () => {
    const broken = file.slice();
    new DataView(broken.buffer).setUint32(starts[1] + 8, MAX_PACKET_BYTES + 1, true);
    const { counters } = readCapture(broken);
    expect([counters.packets, counters.stoppedAtByte]).toEqual([1, starts[1]]);
    expect(counters.stopReason).toContain("262145 bytes");
  });
});
