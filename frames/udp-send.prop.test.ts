import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FrameBatch } from "./frame-batch.ts";
import { findInterface, openReceiver } from "./multicast.ts";
import { openLibc } from "./multicast-libc.ts";
import { UdpSender } from "./udp-send.ts";
import { cutsSegments } from "./udp-send-libc.ts";

const loopback = findInterface("127.0.0.1");
const libc = openLibc();
if (libc === undefined) console.log("not run: no C library that we know");
const GROUPS = ["239.255.78.1", "239.255.78.2"];
const SLOT = 400;
const port = 20_000 + (process.pid % 20_000);

/** Lengths repeat, so that runs come about; each frame names itself. */
const lists = fc.array(
  fc.record({
    bytes: fc.constantFrom(8, 8, 8, 40, 40, 300),
    channel: fc.constantFrom(0, 0, 0, 1),
    times: fc.integer({ min: 1, max: 90 }),
  }),
  { minLength: 1, maxLength: 12 },
);

function framesOf(list: readonly { bytes: number; channel: number; times: number }[]): FrameBatch {
  const flat = list.flatMap(({ bytes, channel, times }) =>
    Array.from({ length: times }, () => ({ bytes, channel })),
  );
  const frames = new FrameBatch(flat.length);
  frames.reset(new Uint8Array(flat.length * SLOT));
  flat.forEach(({ bytes, channel }, i) => {
    frames.view.setUint32(i * SLOT, i);
    frames.view.setUint32(i * SLOT + 4, bytes);
    frames.add(i * SLOT, bytes, 0, 0, channel);
  });
  return frames;
}

describe.skipIf(libc === undefined)("the replay's sender", () => {
  for (const segments of [true, false]) {
    test(`${segments ? "runs" : "single datagrams"} arrive whole and in their order`, () => {
      if (libc === undefined) return;
      const groups = GROUPS.map((group, channel) => ({ group, port, channel }));
      const receiver = openReceiver({ groups, networkInterface: loopback });
      const sender = new UdpSender(libc, { networkInterface: loopback, segments, ttl: 0 });
      for (const [channel, group] of GROUPS.entries()) sender.route(channel, group, port);
      const check = fc.property(lists, (list) => {
        const frames = framesOf(list);
        sender.send(frames, 0, frames.count);
        // Two sockets: the order holds within each of them.
        const next = [0, 1].map((channel) => indicesOf(frames, channel));
        for (let seen = 0; seen < frames.count; ) {
          const batch = receiver.receive();
          expect(batch.count).toBeGreaterThan(0);
          for (let i = 0; i < batch.count; i++, seen++) {
            const index = next[batch.channel[i]].shift();
            expect(batch.view.getUint32(batch.offset[i])).toBe(index ?? -1);
            expect(batch.length[i]).toBe(frames.length[index ?? 0]);
          }
        }
      });
      try {
        fc.assert(check, { numRuns: 40 });
        expect([sender.failed, receiver.kernelDrops]).toEqual([0, 0]);
      } finally {
        receiver.close();
        sender.close();
      }
    });
  }

  test("a datagram that no route knows is an error that says how to give one", () => {
    if (libc === undefined) return;
    const sender = new UdpSender(libc, { networkInterface: loopback, segments: true, ttl: 0 });
    expect(() => sender.send(framesOf([{ bytes: 8, channel: 0, times: 1 }]), 0, 1)).toThrow(
      expect.objectContaining({ code: "bad_address" }),
    );
    sender.close();
  });

  test("a datagram that cannot be sent is counted, and those around it go", () => {
    if (libc === undefined) return;
    const sender = new UdpSender(libc, { networkInterface: loopback, segments: true, ttl: 0 });
    sender.route(-1, GROUPS[0], port);
    const frames = new FrameBatch(3);
    frames.reset(new Uint8Array(70_000));
    for (const bytes of [8, 66_000, 8]) frames.add(0, bytes, 0, 0, 0);
    sender.send(frames, 0, 3);
    expect(sender.failed).toBe(1);
    sender.close();
  });

  test("loopback passes runs on whole, so they are not its default", () => {
    expect(cutsSegments("lo")).toBe(false);
    expect(cutsSegments("no-such-thing")).toBe(false);
  });
});

function indicesOf(frames: FrameBatch, channel: number): number[] {
  return Array.from({ length: frames.count }, (_, i) => i).filter(
    (i) => frames.channel[i] === channel,
  );
}
