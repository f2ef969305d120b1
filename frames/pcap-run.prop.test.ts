import { expect, test } from "bun:test";
import fc from "fast-check";
import { bytesOf, ethernet, ipv4, ipv6, pcapFile, udp } from "../tests/capture-files.ts";
import { CaptureCounters } from "./capture-counters.ts";
import { Channels } from "./channels.ts";
import { FrameBatch } from "./frame-batch.ts";
import { LinkParser } from "./link.ts";
import { PcapReader } from "./pcap.ts";

const group = fc.constantFrom("239.1.1.1", "239.1.1.2", "239.1.1.3");
const port = fc.constantFrom(26_400, 26_401);
const payload = fc.uint8Array({ maxLength: 12 });
const plain = fc
  .tuple(group, port, payload)
  .map(([to, at, bytes]) => ethernet(0x0800, ipv4(to, udp(at, bytes))));
const padded = plain.map((packet) => bytesOf(packet, 0, 0, 0, 0, 0));
const odd = fc.oneof(
  plain.map((packet) => packet.slice(0, -3)),
  fc.tuple(plain, fc.nat(50), fc.nat(255)).map(([bytes, at, value]) => changed(bytes, at, value)),
  group.map((to) => ethernet(0x0800, ipv4(to, udp(26_400, bytesOf(7), 200)))),
  group.map((to) => ethernet(0x0800, ipv4(to, udp(26_400, bytesOf(7)), { fragment: 0x2000 }))),
  group.map((to) => ethernet(0x0800, ipv4(to, udp(26_400, bytesOf(7)), { total: 0 }))),
  group.map((to) =>
    ethernet(0x0800, ipv4(to, udp(26_400, bytesOf(7)), { options: bytesOf(1, 1, 1, 0) })),
  ),
  fc.constant(ethernet(0x0800, ipv4("239.1.1.1", udp(26_400, bytesOf(1)), { protocol: 6 }))),
  fc
    .tuple(group, fc.nat(12), fc.integer({ min: 20, max: 34 }))
    .map(([to, length, total]) =>
      ethernet(0x0800, ipv4(to, udp(26_400, bytesOf(1, 2, 3, 4), length), { total })),
    ),
  fc.constant(ethernet(0x86dd, ipv6("ff02::1", udp(26_400, bytesOf(9))))),
  fc.uint8Array({ maxLength: 60 }),
);
const bytes = fc.oneof(
  { weight: 8, arbitrary: plain },
  { weight: 2, arbitrary: padded },
  { weight: 3, arbitrary: odd },
);
/** Steps of time, mostly forward. */
const step = fc.oneof(
  { weight: 9, arbitrary: fc.nat(400_000) },
  fc.integer({ min: -2_000_000, max: 0 }),
);
const fraction = fc.oneof({ weight: 30, arbitrary: fc.constant(0) }, fc.constant(1_500_000));
const packets = fc
  .array(fc.tuple(bytes, step, fraction), { minLength: 1, maxLength: 60 })
  .map((list) => {
    let time = 1_700_000_000e6;
    return list.map(([packet, micros, beyond]) => {
      time += micros;
      const sec = Math.floor(time / 1e6);
      return { sec, fraction: (time % 1e6) + beyond, bytes: packet };
    });
  });

function changed(packet: Uint8Array, at: number, value: number): Uint8Array {
  const copy = packet.slice();
  if (at < copy.length) copy[at] = value;
  return copy;
}

/** All that a reader makes of a file: a line for each frame, then its counters. */
function readingOf(file: Uint8Array, blockBytes: number, inRuns: boolean): string[] {
  const channels = new Channels();
  const counters = new CaptureCounters();
  // Where checksums are verified no packet is read in a run: the slow way, for comparison.
  const reader = new PcapReader(new LinkParser(channels, !inRuns), counters);
  const batch = new FrameBatch(9);
  const lines: string[] = [];
  for (let at = 0; at < file.length; at += blockBytes) {
    reader.push(file.slice(at, at + blockBytes));
    while (reader.next(batch)) {
      for (let i = 0; i < batch.count; i++) {
        const [from, to] = [batch.offset[i], batch.offset[i] + batch.length[i]];
        const place = `${batch.sec[i]}.${batch.nsec[i]} ${batch.channel[i]}`;
        lines.push(`${place} ${batch.bytes.slice(from, to).toHex()}`);
      }
    }
    lines.push(`read to ${reader.nextRecordAt}`);
  }
  reader.end();
  counters.badChecksums = 0;
  return [...lines, JSON.stringify({ ...counters, byVerdict: [...counters.byVerdict] })];
}

test("packets read in runs are the frames and counts that they are one by one", () => {
  const form = fc.constantFrom<[number, boolean]>(
    [0xa1b2c3d4, true],
    [0xa1b2c3d4, false],
    [0xa1b23c4d, true],
    [0xa1b2cd34, true],
  );
  fc.assert(
    fc.property(
      packets,
      form,
      fc.integer({ min: 40, max: 4000 }),
      (list, [magic, little], block) => {
        const file = pcapFile(list, { magic, littleEndian: little });
        expect(readingOf(file, block, true)).toEqual(readingOf(file, block, false));
      },
    ),
    { numRuns: 400 },
  );
});
