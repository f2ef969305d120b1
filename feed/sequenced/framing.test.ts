import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ChannelContext } from "../feed.ts";
import { MessageBatch, MessageKind } from "../message-batch.ts";
import { OpBatch, OpKind } from "../op-batch.ts";
import { Fault, PacketBatch, PacketKind } from "../packet-batch.ts";
import { sequenced } from "./feed.ts";

type Field = NonNullable<ChannelContext["sequenceField"]>;

const framing = sequenced.framing();

function read(hex: string, sequenceField?: Field, stream = 4) {
  const bytes = Uint8Array.from(hex.split(" "), (byte) => Number.parseInt(byte, 16));
  const out = new PacketBatch();
  out.clear();
  const view = new DataView(bytes.buffer);
  const channel = sequenceField === undefined ? { stream } : { stream, sequenceField };
  const fault = framing.read(view, 0, bytes.length, 0, channel, out);
  const packets: (string | number)[][] = [];
  for (let i = 0; i < out.count; i++) {
    const kind = out.kind[i] === PacketKind.Heartbeat ? "heartbeat" : "messages";
    packets.push([kind, out.stream[i], out.sequence[i], out.numbers[i], out.messageCount]);
  }
  return { fault, packets };
}

describe("sequenced datagrams", () => {
  test("the number is read at any width in either byte order, the datagram is one message", () => {
    const bytes = "ff 01 02 03 04 05 06 07 08";
    const at = (width: number, littleEndian: boolean) =>
      read(bytes, { offset: 1, width, littleEndian }).packets;
    expect(at(1, true)).toEqual([["messages", 4, 1, 1, 1]]);
    expect(at(2, true)).toEqual([["messages", 4, 0x0201, 1, 1]]);
    expect(at(2, false)).toEqual([["messages", 4, 0x0102, 1, 1]]);
    expect(at(4, true)).toEqual([["messages", 4, 0x04030201, 1, 1]]);
    expect(at(4, false)).toEqual([["messages", 4, 0x01020304, 1, 1]]);
  });

  test("eight bytes are exact below 2^53, and no number from there on", () => {
    const field = { offset: 0, width: 8, littleEndian: false };
    expect(read("00 1f ff ff ff ff ff ff", field).packets[0][2]).toBe(Number.MAX_SAFE_INTEGER);
    expect(read("00 20 00 00 00 00 00 00", field)).toEqual({
      fault: Fault.BadSequence,
      packets: [],
    });
    const little = { ...field, littleEndian: true };
    expect(read("ff ff ff ff ff ff 1f 00", little).packets[0][2]).toBe(Number.MAX_SAFE_INTEGER);
    expect(read("00 00 00 00 00 00 00 80", little).fault).toBe(Fault.BadSequence);
    const counted = { ...little, count: { offset: 8, width: 1 } };
    expect(read("ff ff ff ff ff ff 1f 00 02", counted).fault).toBe(Fault.BadSequence);
  });

  test("a count says how many numbers the datagram covers; no more than it has bytes", () => {
    const field = { offset: 0, width: 4, littleEndian: false, count: { offset: 4, width: 2 } };
    expect(read("00 00 00 09 00 05", field).packets).toEqual([["messages", 4, 9, 5, 1]]);
    expect(read("00 00 00 09 00 07", field)).toEqual({ fault: Fault.BadLength, packets: [] });
  });

  test("a count of 0 is a heartbeat that names the next number: the last is one less", () => {
    const field = { offset: 0, width: 4, littleEndian: false, count: { offset: 4, width: 2 } };
    expect(read("00 00 00 09 00 00", field).packets).toEqual([["heartbeat", 4, 8, 0, 0]]);
    expect(read("00 00 00 00 00 00", field).packets).toEqual([["heartbeat", 4, 0, 0, 0]]);
  });

  test("number 0 on a message cannot be", () => {
    const field = { offset: 0, width: 4, littleEndian: true };
    expect(read("00 00 00 00 aa", field)).toEqual({ fault: Fault.BadSequence, packets: [] });
  });

  test("a datagram too short for its number or its count is truncated", () => {
    const field = { offset: 2, width: 4, littleEndian: true };
    expect(read("01 02 03 04 05", field).fault).toBe(Fault.Truncated);
    const counted = { ...field, count: { offset: 6, width: 2 } };
    expect(read("01 02 03 04 05 06 07", counted)).toEqual({ fault: Fault.Truncated, packets: [] });
  });

  test("without a word on where the number stands, nothing is read", () => {
    expect(read("01 02 03 04")).toEqual({ fault: Fault.WrongProtocol, packets: [] });
    expect(read("01 02 03 04", { offset: 0, width: 3, littleEndian: true }).fault).toBe(
      Fault.BadSequence,
    );
  });

  test("a channel without a stream is stream 1", () => {
    expect(read("07", { offset: 0, width: 1, littleEndian: true }, 0).packets[0][1]).toBe(1);
  });

  test("any bytes give a packet or a fault, never a throw", () => {
    const width = fc.constantFrom(1, 2, 4, 8);
    const place = fc.record({ offset: fc.nat(70), width });
    const field = fc.record({
      offset: fc.nat(70),
      width,
      littleEndian: fc.boolean(),
      count: place,
    });
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), field, (bytes, sequenceField) => {
        const out = new PacketBatch();
        out.clear();
        const view = new DataView(bytes.slice().buffer);
        const channel = { stream: 1, sequenceField };
        const fault = framing.read(view, 0, bytes.length, 0, channel, out);
        expect(out.count).toBe(fault === Fault.None ? 1 : 0);
      }),
    );
  });
});

test("a sequenced message touches no book", () => {
  const batch = new MessageBatch(4);
  batch.kind.set([MessageKind.Message, MessageKind.Epoch, MessageKind.Lost, MessageKind.Message]);
  const ops = new OpBatch(4);
  ops.kind.fill(OpKind.Add);
  sequenced.decoder({}).decodeRun(batch, 0, 4, ops);
  expect([...ops.kind]).toEqual([0, 0, 0, 0]);
  expect([...ops.instrument]).toEqual([-1, -1, -1, -1]);
});
