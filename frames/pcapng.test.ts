import { describe, expect, test } from "bun:test";
import {
  block,
  bytesOf,
  enhancedBlock,
  ethernet,
  interfaceBlock,
  ipv4,
  readCapture,
  sectionBlock,
  udp,
  wordBytes,
} from "../tests/capture-files.ts";
import { PcapngClock } from "./pcapng-clock.ts";

const ip = ipv4("239.1.1.1", udp(26400, bytesOf(7)));
const packet = ethernet(0x0800, ip);
const times = (file: Uint8Array) => readCapture(file).frames.map(({ sec, nsec }) => [sec, nsec]);

/** if_tsresol, and if_tsoffset where there is one, as little-endian options. */
function clockOptions(resolution: number, offsetSec?: bigint): Uint8Array {
  const offset = new DataView(new ArrayBuffer(8));
  offset.setBigInt64(0, offsetSec ?? 0n, true);
  const offsetOption = bytesOf(14, 0, 8, 0, new Uint8Array(offset.buffer));
  const resolutionOption = bytesOf(9, 0, 1, 0, resolution, 0, 0, 0);
  return bytesOf(resolutionOption, offsetSec === undefined ? [] : offsetOption, 0, 0, 0, 0);
}

describe("sections and interfaces", () => {
  test("each section has its own byte order and its own interfaces", () => {
    const file = bytesOf(
      sectionBlock(true),
      interfaceBlock(1),
      enhancedBlock(1_700_000_000_000_001n, packet),
      sectionBlock(false),
      interfaceBlock(101, new Uint8Array(0), false),
      interfaceBlock(1, new Uint8Array(0), false),
      enhancedBlock(1_700_000_000_000_002n, ip, 0, false),
      enhancedBlock(1_700_000_000_000_003n, packet, 1, false),
    );
    expect(times(file)).toEqual([
      [1_700_000_000, 1000],
      [1_700_000_000, 2000],
      [1_700_000_000, 3000],
    ]);
  });

  test("each interface has its own clock", () => {
    const file = bytesOf(
      sectionBlock(),
      interfaceBlock(1, clockOptions(9)),
      interfaceBlock(1, clockOptions(0x80 | 10, -5n)),
      enhancedBlock(1_700_000_000_123_456_789n, packet, 0),
      enhancedBlock(100n * 1024n + 512n, packet, 1),
    );
    expect(times(file)).toEqual([
      [1_700_000_000, 123_456_789],
      [95, 500_000_000],
    ]);
  });

  test("a time beyond 32 bits of seconds is clamped and counted", () => {
    const file = bytesOf(
      sectionBlock(),
      interfaceBlock(1, clockOptions(0, -10n)),
      enhancedBlock(5n, packet),
      enhancedBlock(1n << 40n, packet),
    );
    const { frames, counters } = readCapture(file);
    expect(frames.map(({ sec }) => sec)).toEqual([0, 0xffffffff]);
    expect(counters.damagedTimes).toBe(2);
  });
});

describe("packet blocks", () => {
  test("simple packets have no time and end at the snap length", () => {
    const limited = block(1, wordBytes([1, packet.length], true));
    const simple = block(3, bytesOf(wordBytes([500], true), packet));
    const { frames, counters } = readCapture(bytesOf(sectionBlock(), limited, simple));
    expect(frames.map(({ sec, payload }) => [sec, payload])).toEqual([[0, "07"]]);
    expect([counters.packets, counters.timed]).toEqual([1, 0]);
  });

  test("obsolete packets are read", () => {
    const head = wordBytes([0, 0, 2_000_005, packet.length, packet.length], true);
    const file = bytesOf(sectionBlock(), interfaceBlock(1), block(2, bytesOf(head, packet)));
    expect(times(file)).toEqual([[2, 5000]]);
  });

  test("unknown blocks and packet options are passed over, across any block boundary", () => {
    const head = wordBytes([0, 0, 1, packet.length, packet.length], true);
    const padding = new Uint8Array(-packet.length & 3);
    const options = bytesOf(
      1,
      0,
      4,
      0,
      "abcd".split("").map((c) => c.charCodeAt(0)),
      0,
      0,
      0,
      0,
    );
    const file = bytesOf(
      sectionBlock(),
      block(0x0bad, new Uint8Array(10_000)),
      interfaceBlock(1),
      block(6, bytesOf(head, packet, padding, options)),
      block(4, new Uint8Array(40)),
    );
    for (const sizes of [[], [1], [5], [999, 1]]) {
      const { frames, counters } = readCapture(file, sizes);
      expect([frames.length, counters.packets, counters.truncated]).toEqual([1, 1, false]);
    }
  });

  test("a packet that does not fit in its block is damage, and the next one is read", () => {
    const tooLong = block(6, bytesOf(wordBytes([0, 0, 1, 999, 999], true), packet));
    const noInterface = enhancedBlock(1n, packet, 4);
    const file = bytesOf(
      sectionBlock(),
      interfaceBlock(1),
      tooLong,
      noInterface,
      enhancedBlock(3n, packet),
    );
    const { frames, counters } = readCapture(file);
    expect([frames.length, counters.packets, counters.damaged]).toEqual([1, 3, 2]);
    expect(counters.truncated).toBe(false);
  });

  test("two lengths that differ end the file, after all that stood before", () => {
    const broken = enhancedBlock(2n, packet);
    broken[broken.length - 4] ^= 4;
    const before = bytesOf(sectionBlock(), interfaceBlock(1), enhancedBlock(1n, packet));
    const { counters } = readCapture(bytesOf(before, broken, enhancedBlock(3n, packet)));
    expect(counters.packets).toBe(2);
    expect(counters.stoppedAtByte).toBe(before.length + broken.length - 4);
  });
});

describe("a clock", () => {
  const stamps = [0n, 1n, 999n, 1_700_000_000_123_456_789n, 0x7fff_ffff_ffff_ffffn];
  const resolutions = [0, 1, 3, 6, 9, 10, 12, 18, 0x80, 0x8a, 0x94, 0xa0, 0xa1, 0xbf];

  test("is exact to the nanosecond for every unit", () => {
    for (const resolution of resolutions) {
      const unit = (resolution & 0x80 ? 2n : 10n) ** BigInt(resolution & 0x7f);
      for (const stamp of stamps) {
        const clock = new PcapngClock(resolution, 0);
        const within = clock.set(Number(stamp >> 32n), Number(stamp & 0xffffffffn));
        expect(within).toBe(stamp / unit < 1n << 32n);
        if (within) expect(clock.sec).toBe(Number(stamp / unit));
        expect(clock.nsec).toBe(Number(((stamp % unit) * 1_000_000_000n) / unit));
      }
    }
  });
});
