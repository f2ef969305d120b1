import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { capturePath, messageBytes } from "../../tests/feed-reading.ts";
import { Fault, PacketBatch, PacketKind } from "../packet-batch.ts";
import { nasdaqItch50 as feed } from "./feed.ts";

const SESSION = "000010059B";

interface Mold {
  readonly session?: string;
  readonly sequence?: bigint;
  readonly count?: number;
  readonly messages?: readonly Uint8Array[];
}

function mold({ session = SESSION, sequence = 1n, count, messages = [] }: Mold): Uint8Array {
  const bytes = new Uint8Array(20 + messages.reduce((sum, each) => sum + each.length + 2, 0));
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < 10; i++) bytes[i] = session.charCodeAt(i);
  view.setBigUint64(10, sequence);
  view.setUint16(18, count ?? messages.length);
  let at = 20;
  for (const message of messages) {
    view.setUint16(at, message.length);
    bytes.set(message, at + 2);
    at += 2 + message.length;
  }
  return bytes;
}

function read(bytes: Uint8Array, framing = feed.framing(), stream = 0) {
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

const deleted = messageBytes(feed, "D", {});
const event = messageBytes(feed, "S", {});

describe("MoldUDP64", () => {
  test("a packet is its messages, numbered from its sequence", () => {
    const { fault, packets } = read(mold({ sequence: 5n, messages: [deleted, event, deleted] }));
    expect(fault).toBe(Fault.None);
    expect(packets).toEqual([
      {
        frame: 3,
        kind: PacketKind.Messages,
        stream: 1,
        session: SESSION,
        sequence: 5,
        numbers: 3,
        lengths: [19, 12, 19],
      },
    ]);
  });

  test("the channel's stream is the packet's", () => {
    expect(read(mold({ messages: [event] }), feed.framing(), 9).packets[0].stream).toBe(9);
  });

  test("a heartbeat names the next number, so that the last is one less", () => {
    const [packet] = read(mold({ sequence: 42n })).packets;
    expect(packet).toMatchObject({ kind: PacketKind.Heartbeat, sequence: 41, numbers: 0 });
  });

  test("the end of the session names the next number too", () => {
    const [packet] = read(mold({ sequence: 42n, count: 0xffff })).packets;
    expect(packet).toMatchObject({ kind: PacketKind.EndOfSession, sequence: 41, numbers: 0 });
  });

  test("sessions are told apart by name, and known again", () => {
    const framing = feed.framing();
    for (const session of ["AAAAAAAAAA", "AAAAAAAAAB", "AAAAAAAAAA", "B         "]) {
      const [packet] = read(mold({ session, messages: [event] }), framing).packets;
      expect(packet.session).toBe(session.trim());
    }
    expect(framing.sessions).toEqual(["", "AAAAAAAAAA", "AAAAAAAAAB", "B"]);
  });

  test("noise in place of sessions is refused before it fills the memory", () => {
    const framing = feed.framing();
    for (let i = 0; i < 5000; i++) {
      read(mold({ session: String(i).padStart(10), messages: [event] }), framing);
    }
    const more = mold({ session: "more noise", messages: [event] });
    expect(read(more, framing)).toEqual({ fault: Fault.WrongProtocol, packets: [] });
    expect(framing.sessions.length).toBeLessThan(5000);
  });

  test("a cut datagram brings the whole messages before the cut", () => {
    const whole = mold({ messages: [deleted, deleted, deleted] });
    for (let length = 0; length < whole.length; length++) {
      const { fault, packets } = read(whole.slice(0, length));
      expect(fault).toBe(Fault.Truncated);
      const found = Math.max(0, Math.floor((length - 20) / 21));
      expect(packets.length).toBe(found > 0 ? 1 : 0);
      if (found > 0) expect(packets[0].numbers).toBe(found);
    }
  });

  test("bytes behind the last message are told, and the messages kept", () => {
    const { fault, packets } = read(mold({ count: 1, messages: [event, event] }));
    expect(fault).toBe(Fault.TrailingBytes);
    expect(packets[0].numbers).toBe(1);
    const heartbeat = mold({ count: 0, messages: [event] });
    expect(read(heartbeat).fault).toBe(Fault.TrailingBytes);
  });

  test("numbers that cannot be are refused", () => {
    for (const sequence of [0n, 1n << 53n, (1n << 64n) - 1n]) {
      const { fault, packets } = read(mold({ sequence, messages: [event] }));
      expect({ fault, packets }).toEqual({ fault: Fault.BadSequence, packets: [] });
    }
  });

  test("short and unknown messages are told, and keep their numbers", () => {
    const short = deleted.subarray(0, 18);
    const unknown = Uint8Array.of(0x7a, 0, 0);
    const empty = new Uint8Array(0);
    expect(read(mold({ messages: [unknown, event] })).fault).toBe(Fault.UnknownType);
    for (const messages of [[unknown, short], [short, unknown], [empty]]) {
      const { fault, packets } = read(mold({ messages }));
      expect(fault).toBe(Fault.BadLength);
      expect(packets[0].numbers).toBe(messages.length);
    }
  });

  test("a message's time is its 48 bits", () => {
    const timed = messageBytes(feed, "D", { timestamp: 0xffff_ffff_fffe });
    const view = new DataView(timed.buffer);
    expect(feed.framing().messageTime(view, 0, timed.length)).toBe(0xffff_ffff_fffe);
    expect(feed.framing().messageTime(view, 0, 10)).toBeNaN();
  });

  test("a foreign ITCH over MoldUDP64 is framed to its cut end", () => {
    const path = capturePath("captures/itch/bist-mold.sample.dat");
    if (path === undefined) return;
    const bytes = new Uint8Array(readFileSync(path));
    const view = new DataView(bytes.buffer);
    const framing = feed.framing();
    const out = new PacketBatch();
    const faults: Fault[] = [];
    let at = 0;
    // The three packets stand end to end in the file: each is read to where its messages end.
    while (at < bytes.length) {
      faults.push(framing.read(view, at, packetBytes(view, at), out.count, { stream: 0 }, out));
      at += packetBytes(view, at);
    }
    expect([...out.sequence.subarray(0, out.count)]).toEqual([1, 16, 29]);
    expect([...out.numbers.subarray(0, 2)]).toEqual([15, 13]);
    expect(faults[2]).toBe(Fault.Truncated);
    expect(out.numbers[2]).toBe(view.getUint16(out.messageOffset[28] - 4) - 1);
  });
});

/** Bytes from `at` to the end of the packet that starts there, or of the file. */
function packetBytes(view: DataView, at: number): number {
  let end = at + 20;
  for (let left = view.getUint16(at + 18); left > 0 && end + 2 <= view.byteLength; left--) {
    end += 2 + view.getUint16(end);
  }
  return Math.min(end, view.byteLength) - at;
}
