/** The ring on the loopback interface: what sockets would hear, once each, and how it is chosen. */
import { describe, expect, test } from "bun:test";
import { FrameBatch } from "./frame-batch.ts";
import { findInterface, openReceiver, openSender } from "./multicast.ts";
import type { MulticastReceiver } from "./multicast-port.ts";
import { openCapture, ringObstacle } from "./ring-choice.ts";

const loopback = findInterface("127.0.0.1");
const obstacle = ringObstacle(loopback.name);
if (obstacle !== undefined) console.log(`not run: ${obstacle}`);
/** Each test its own port, so that tests of one machine do not hear each other. */
let nextPort = 21_000 + (process.pid % 20_000);
const STRIDE = 64;

function groupsOf(port: number) {
  return [
    { group: "239.255.78.1", port, channel: 3 },
    { group: "239.255.78.2", port, channel: 7 },
  ];
}

/** `count` numbered frames, in turn to two groups, and to a third that nobody asked for. */
function numberedFrames(count: number): FrameBatch {
  const frames = new FrameBatch(count);
  frames.reset(new Uint8Array(count * STRIDE));
  for (let i = 0; i < count; i++) {
    frames.view.setUint32(i * STRIDE, i);
    frames.add(i * STRIDE, 4 + (i % 60), 0, 0, i % 3);
  }
  return frames;
}

function senderTo(port: number) {
  const sender = openSender({ networkInterface: loopback });
  for (const which of [0, 1, 2]) sender.route(which, `239.255.78.${which + 1}`, port);
  return sender;
}

/** Nothing more comes: a busy machine may pause the one who sends. */
const QUIET_MS = 1000;

/** Number, length, channel and time of what arrives: until `count` have, or nothing more comes. */
async function hear(receiver: MulticastReceiver, count: number) {
  const seen: { number: number; length: number; channel: number; sec: number }[] = [];
  for (let end = performance.now() + 30_000; seen.length < count && performance.now() < end; ) {
    const batch = receiver.receive();
    if (batch.count > 0) end = performance.now() + QUIET_MS;
    for (let i = 0; i < batch.count; i++) {
      seen.push({
        number: batch.view.getUint32(batch.offset[i]),
        length: batch.length[i],
        channel: batch.channel[i],
        sec: batch.sec[i],
      });
    }
    if (batch.count === 0) await Bun.sleep(1);
  }
  return seen;
}

describe.skipIf(obstacle !== undefined)("a packet ring on loopback", () => {
  test("hears every datagram of its groups once, in order, with the kernel's time", async () => {
    const port = nextPort++;
    const { receiver } = openCapture({
      groups: groupsOf(port),
      networkInterface: loopback,
      way: "ring",
      receiveBufferBytes: 8 << 20,
    });
    const sender = senderTo(port);
    const frames = numberedFrames(30_000);
    const hearing = hear(receiver, 20_001);
    for (let at = 0; at < frames.count; at += 3000) {
      await sender.send(frames, at, at + 3000);
      await Bun.sleep(1);
    }
    const seen = await hearing;
    const now = Date.now() / 1000;
    const expected = Array.from({ length: frames.count }, (_, i) => i).filter((i) => i % 3 < 2);
    expect(seen.map(({ number }) => number)).toEqual(expected);
    for (const { number, length, channel, sec } of seen) {
      expect([length, channel]).toEqual([4 + (number % 60), number % 3 === 0 ? 3 : 7]);
      expect(Math.abs(sec - now)).toBeLessThan(60);
    }
    expect(receiver.kernelDrops).toBe(0);
    receiver.close();
    sender.close();
  });

  test("too small for what comes says how much the kernel dropped", async () => {
    const port = nextPort++;
    const groups = groupsOf(port);
    const { receiver } = openCapture({
      groups,
      networkInterface: loopback,
      way: "ring",
      receiveBufferBytes: 256 << 10,
    });
    const sender = senderTo(port);
    const frames = numberedFrames(30_000);
    await sender.send(frames, 0, frames.count);
    const seen = await hear(receiver, 20_000);
    expect(receiver.kernelDrops).toBeGreaterThan(0);
    expect(seen.length + receiver.kernelDrops).toBe(20_000);
    receiver.close();
    sender.close();
  });

  test("is what is taken where it can be, and a mirror port needs no joining", async () => {
    const port = nextPort++;
    const groups = groupsOf(port);
    const chosen = openCapture({ groups, networkInterface: loopback });
    expect([chosen.receiver.kind, chosen.why]).toEqual(["ring", "CAP_NET_RAW is there"]);
    chosen.receiver.close();
    const { receiver } = openCapture({ groups, networkInterface: loopback, mirror: true });
    const sender = senderTo(port);
    const frames = numberedFrames(300);
    await sender.send(frames, 0, frames.count);
    expect((await hear(receiver, 200)).length).toBe(200);
    receiver.close();
    sender.close();
  });

  test("closed twice, or read after closing, is quiet", () => {
    const groups = groupsOf(nextPort++);
    const { receiver } = openCapture({ groups, networkInterface: loopback, way: "ring" });
    receiver.close();
    receiver.close();
    expect([receiver.receive().count, receiver.kernelDrops]).toEqual([0, 0]);
  });

  test("on an interface that is not there is a clear error", () => {
    const networkInterface = { ...loopback, name: "colo9" };
    const open = () => openCapture({ groups: groupsOf(1), networkInterface, way: "ring" });
    expect(open).toThrow(expect.objectContaining({ code: "no_such_interface" }));
  });
});

describe("the choice of a capture", () => {
  test("is sockets where they are asked for, and then no mirror port", () => {
    const groups = groupsOf(nextPort++);
    const { receiver, why } = openCapture({ groups, networkInterface: loopback, way: "socket" });
    expect([receiver.kind, why]).toEqual([openedKind(), ""]);
    receiver.close();
    const mirror = { groups, networkInterface: loopback, way: "socket", mirror: true } as const;
    expect(() => openCapture(mirror)).toThrow("only groups that were joined");
  });
});

function openedKind(): string {
  const receiver = openReceiver({ groups: groupsOf(nextPort++), networkInterface: loopback });
  receiver.close();
  return receiver.kind;
}
