import { describe, expect, test } from "bun:test";
import { messageBytes } from "../../tests/feed-reading.ts";
import { Fault, PacketBatch, PacketKind } from "../packet-batch.ts";
import { iexDeep, iexTops } from "./feed.ts";

interface Segment {
  readonly version?: number;
  readonly protocol?: number;
  readonly channel?: number;
  readonly session?: number;
  readonly sequence?: bigint;
  readonly payloadBytes?: number;
  readonly count?: number;
  readonly messages?: readonly Uint8Array[];
}

function segment(set: Segment): Uint8Array {
  const messages = set.messages ?? [];
  const payload = messages.reduce((sum, each) => sum + each.length + 2, 0);
  const bytes = new Uint8Array(40 + payload);
  const view = new DataView(bytes.buffer);
  bytes[0] = set.version ?? 1;
  view.setUint16(2, set.protocol ?? 0x8004, true);
  view.setUint32(4, set.channel ?? 1, true);
  view.setUint32(8, set.session ?? 1_150_681_088, true);
  view.setUint16(12, set.payloadBytes ?? payload, true);
  view.setUint16(14, set.count ?? messages.length, true);
  view.setBigUint64(24, set.sequence ?? 1n, true);
  let at = 40;
  for (const message of messages) {
    view.setUint16(at, message.length, true);
    bytes.set(message, at + 2);
    at += 2 + message.length;
  }
  return bytes;
}

function read(bytes: Uint8Array, feed = iexDeep, framing = feed.framing(), stream = 0) {
  const out = new PacketBatch(1, 1);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const fault = framing.read(view, 0, bytes.length, 3, { stream }, out);
  const packets = Array.from({ length: out.count }, (_, i) => ({
    frame: out.frame[i],
    kind: out.kind[i],
    stream: out.stream[i],
    session: framing.sessions[out.session[i]],
    sequence: out.sequence[i],
    numbers: out.numbers[i],
    lengths: [...out.messageLength.subarray(out.firstMessage[i], out.firstMessage[i + 1])],
  }));
  return { fault, packets };
}

const TIME = 1_696_248_000_194_933_178n;
const level = messageBytes(iexDeep, "8", { timestamp: TIME });
const event = messageBytes(iexDeep, "S", {});

describe("IEX-TP", () => {
  test("a segment is its messages, numbered from its sequence, in its channel's stream", () => {
    const bytes = segment({ sequence: 8_589_934_592n, channel: 2, messages: [level, event] });
    expect(read(bytes)).toEqual({
      fault: Fault.None,
      packets: [
        {
          frame: 3,
          kind: PacketKind.Messages,
          stream: 2,
          session: "1150681088",
          sequence: 8_589_934_592,
          numbers: 2,
          lengths: [30, 10],
        },
      ],
    });
    expect(read(bytes, iexDeep, iexDeep.framing(), 7).packets[0].stream).toBe(7);
  });

  test("a heartbeat names the next number, so that the last is one less", () => {
    const [packet] = read(segment({ sequence: 370n })).packets;
    expect(packet).toMatchObject({ kind: PacketKind.Heartbeat, sequence: 369, numbers: 0 });
  });

  test("each feed takes its own protocol and no other", () => {
    for (const [feed, protocols] of [
      [iexDeep, [0x8004]],
      [iexTops, [0x8002, 0x8003]],
    ] as const) {
      for (const protocol of [0, 0x8001, 0x8002, 0x8003, 0x8004, 0x8005]) {
        const { fault, packets } = read(segment({ protocol, messages: [event] }), feed);
        const isOurs = (protocols as readonly number[]).includes(protocol);
        expect(fault).toBe(isOurs ? Fault.None : Fault.WrongProtocol);
        expect(packets.length).toBe(isOurs ? 1 : 0);
      }
    }
    expect(read(segment({ version: 2, messages: [event] })).fault).toBe(Fault.WrongProtocol);
  });

  test("sessions are told apart, and known again", () => {
    const framing = iexDeep.framing();
    for (const session of [5, 4_294_967_295, 5]) {
      const [packet] = read(segment({ session, messages: [event] }), iexDeep, framing).packets;
      expect(packet.session).toBe(String(session));
    }
    expect(framing.sessions).toEqual(["", "5", "4294967295"]);
  });

  test("noise in place of sessions is refused before it fills the memory", () => {
    const framing = iexDeep.framing();
    for (let session = 1; session <= 5000; session++) read(segment({ session }), iexDeep, framing);
    expect(read(segment({ session: 6000 }), iexDeep, framing).fault).toBe(Fault.WrongProtocol);
    expect(framing.sessions.length).toBeLessThan(5000);
  });

  test("a cut datagram brings the whole messages before the cut", () => {
    const whole = segment({ messages: [level, level, level] });
    for (let length = 0; length < whole.length; length++) {
      const { fault, packets } = read(whole.slice(0, length));
      expect(fault).toBe(Fault.Truncated);
      const found = Math.max(0, Math.floor((length - 40) / 32));
      expect(packets.length).toBe(found > 0 ? 1 : 0);
      if (found > 0) expect(packets[0].numbers).toBe(found);
    }
  });

  test("the payload's length cuts what its count would take from beyond", () => {
    const messages = [level, level];
    const short = read(segment({ messages, payloadBytes: 40 }));
    expect(short.fault).toBe(Fault.Truncated);
    expect(short.packets[0].numbers).toBe(1);
    const long = read(segment({ messages, payloadBytes: 32, count: 1 }));
    expect(long.fault).toBe(Fault.TrailingBytes);
    expect(long.packets[0].numbers).toBe(1);
    expect(read(segment({ messages, count: 0 })).fault).toBe(Fault.TrailingBytes);
  });

  test("numbers that cannot be are refused", () => {
    for (const sequence of [0n, 1n << 53n, 1n << 63n]) {
      const { fault, packets } = read(segment({ sequence, messages: [event] }));
      expect({ fault, packets }).toEqual({ fault: Fault.BadSequence, packets: [] });
    }
  });

  test("a message's time is within 256 ns of its 64 bits", () => {
    const time = iexDeep.framing().messageTime(new DataView(level.buffer), 0, level.length);
    expect(time).toBe(Number(TIME));
    expect(iexDeep.framing().messageTime(new DataView(level.buffer), 0, 9)).toBeNaN();
  });
});
