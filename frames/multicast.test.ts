import { describe, expect, test } from "bun:test";
import { createSocket } from "node:dgram";
import { once } from "node:events";
import { FrameBatch } from "./frame-batch.ts";
import { findInterface, openReceiver, openSender } from "./multicast.ts";
import { DgramReceiver, DgramSender } from "./multicast-dgram.ts";
import { openLibc } from "./multicast-libc.ts";
import type { MulticastReceiver, MulticastSender } from "./multicast-port.ts";

const loopback = findInterface("127.0.0.1");
const BUFFER_BYTES = 8 << 20;
/** Each test its own port, so that tests of one machine do not hear each other. */
let nextPort = 20_000 + (process.pid % 20_000);

function groups() {
  const port = nextPort++;
  return [
    { group: "239.255.77.1", port, channel: 0 },
    { group: "239.255.77.2", port, channel: 1 },
  ];
}

/** `count` numbered frames, in turn on channel 0 and 1. */
function numberedFrames(count: number): FrameBatch {
  const frames = new FrameBatch(count);
  frames.reset(new Uint8Array(count * 40));
  for (let i = 0; i < count; i++) {
    frames.view.setUint32(i * 40, i);
    frames.add(i * 40, 4 + (i % 36), 0, 0, i % 2);
  }
  return frames;
}

/** What arrives within two seconds: number, length and channel of each datagram. */
async function listenFor(receiver: MulticastReceiver, count: number) {
  const seen: { number: number; length: number; channel: number; sec: number }[] = [];
  for (const end = performance.now() + 30_000; seen.length < count && performance.now() < end; ) {
    const batch = receiver.receive();
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
  return seen.sort((a, b) => a.number - b.number);
}

async function sendAndHear(receiver: MulticastReceiver, sender: MulticastSender, port: number) {
  const frames = numberedFrames(3000);
  sender.route(0, "239.255.77.1", port);
  sender.route(-1, "239.255.77.2", port);
  const hearing = listenFor(receiver, frames.count);
  await sender.send(frames, 0, frames.count);
  const seen = await hearing;
  expect(seen.length).toBe(frames.count);
  const now = Math.floor(Date.now() / 1000);
  seen.forEach((datagram, i) => {
    expect(datagram.number).toBe(i);
    expect(datagram.length).toBe(4 + (i % 36));
    expect(datagram.channel).toBe(i % 2);
    expect(Math.abs(datagram.sec - now)).toBeLessThan(60);
  });
  expect([receiver.kernelDrops, sender.failed]).toEqual([0, 0]);
  receiver.close();
  sender.close();
}

describe("multicast on loopback", () => {
  test("what is sent to two groups arrives whole, each on its channel", async () => {
    const joined = groups();
    const receiver = openReceiver({ groups: joined, networkInterface: loopback });
    const sender = openSender({ networkInterface: loopback });
    expect(receiver.kind).toBe(openLibc() === undefined ? "dgram" : "recvmmsg");
    await sendAndHear(receiver, sender, joined[0].port);
  });

  test("node:dgram does the same where the C library is not to be had", async () => {
    const joined = groups();
    const receiver = new DgramReceiver(joined, loopback, BUFFER_BYTES);
    await sendAndHear(receiver, new DgramSender(loopback, 0), joined[0].port);
  });

  test("a port that another process keeps to itself is a clear error", async () => {
    const [joined] = groups();
    const other = createSocket({ type: "udp4", reuseAddr: false });
    other.bind({ port: joined.port, address: joined.group, exclusive: true });
    await once(other, "listening");
    const options = { groups: [joined], networkInterface: loopback };
    expect(() => openReceiver(options)).toThrow(
      expect.objectContaining({
        code: "address_in_use",
        hint: expect.stringContaining("ss -ulpn"),
      }),
    );
    other.close();
  });

  test("an interface that is not there is answered with those that are", () => {
    expect(() => findInterface("colo9")).toThrow(
      expect.objectContaining({ code: "no_such_interface", hint: expect.stringContaining("lo (") }),
    );
  });
});

test("one thread hears dozens of groups, and a busy one keeps none of the others from it", async () => {
  const port = nextPort++;
  const groups = Array.from({ length: 36 }, (_, channel) => {
    return { group: `239.255.78.${channel + 1}`, port, channel };
  });
  const receiver = openReceiver({
    groups,
    networkInterface: loopback,
    receiveBufferBytes: 32 << 20,
  });
  const sender = openSender({ networkInterface: loopback });
  for (const { group, channel } of groups) sender.route(channel, group, port);
  // The first group has more than forty calls can take, before each of the others has one.
  const frames = new FrameBatch(12_000);
  frames.reset(new Uint8Array(frames.capacity * 8));
  for (let i = 0; i < frames.capacity; i++) {
    frames.view.setUint32(i * 8, i);
    frames.add(i * 8, 8, 0, 0, Math.max(0, i - (frames.capacity - 36)));
  }
  try {
    await sender.send(frames, 0, frames.count);
    const heard = new Set<number>();
    let count = 0;
    for (let call = 0; call < 40; call++) {
      const batch = receiver.receive();
      for (let i = 0; i < batch.count; i++) {
        expect(batch.channel[i]).toBe(frames.channel[batch.view.getUint32(batch.offset[i])]);
        heard.add(batch.channel[i]);
      }
      count += batch.count;
    }
    expect(heard.size).toBe(36);
    expect(count).toBeLessThan(frames.count);
    const rest = await listenFor(receiver, frames.count - count);
    expect(count + rest.length + receiver.kernelDrops).toBe(frames.count);
    expect(receiver.kernelDrops).toBe(0);
  } finally {
    receiver.close();
    sender.close();
  }
}, 60_000);

test.skipIf(openLibc() === undefined)(
  "what found no room in the receive buffer is counted, also when nothing comes behind it",
  async () => {
    const port = nextPort++;
    const groups = [{ group: "239.255.80.1", port, channel: 0 }];
    const receiver = openReceiver({
      groups,
      networkInterface: loopback,
      receiveBufferBytes: 65536,
    });
    const sender = openSender({ networkInterface: loopback });
    sender.route(-1, "239.255.80.1", port);
    try {
      await sender.send(numberedFrames(3000), 0, 3000);
      let heard = 0;
      for (let batch = receiver.receive(); batch.count > 0; batch = receiver.receive()) {
        heard += batch.count;
      }
      expect(heard).toBeLessThan(3000);
      expect(heard + receiver.kernelDrops).toBe(3000);
    } finally {
      receiver.close();
      sender.close();
    }
  },
);
