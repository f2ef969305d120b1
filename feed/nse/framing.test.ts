import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Fault, PacketBatch, PacketKind } from "../packet-batch.ts";
import { NseFraming } from "./framing.ts";
import { heartbeat, joined, order, TIME_HI, TIME_LO, trade, unknown } from "./test-bytes.ts";

const framing = new NseFraming();

function read(bytes: Uint8Array): { fault: Fault; packets: string[]; batch: PacketBatch } {
  const batch = new PacketBatch(1, 1);
  batch.clear();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fault = framing.read(view, 0, bytes.length, 9, { stream: 0 }, batch);
  const packets: string[] = [];
  for (let i = 0; i < batch.count; i++) {
    const kind = batch.kind[i] === PacketKind.Heartbeat ? "Z" : "m";
    const messages = batch.firstMessage[i + 1] - batch.firstMessage[i];
    expect(batch.frame[i]).toBe(9);
    expect(batch.numbers[i]).toBe(messages);
    packets.push(`${kind} ${batch.stream[i]}:${batch.sequence[i]}x${messages}`);
  }
  return { fault, packets, batch };
}

describe("NSE datagrams", () => {
  test("one message is one packet with its stream and number", () => {
    expect(read(order("N", { sequence: 41 }))).toMatchObject({
      fault: Fault.None,
      packets: ["m 5:41x1"],
    });
    expect(read(trade("T", { sequence: 4_294_967_295 })).packets).toEqual(["m 5:4294967295x1"]);
    const { batch } = read(joined(order("N", { sequence: 1 }), trade("T", { sequence: 9 })));
    expect([...batch.messageOffset.subarray(0, 2)]).toEqual([0, 38]);
    expect([...batch.messageLength.subarray(0, 2)]).toEqual([38, 45]);
  });

  test("a heartbeat names the last number sent and takes none", () => {
    expect(read(heartbeat(3, 4_000_000_000))).toMatchObject({
      fault: Fault.None,
      packets: ["Z 3:4000000000x0"],
    });
  });

  test("several messages are one run as long as stream and number go on", () => {
    const datagram = joined(
      order("N", { sequence: 7 }),
      trade("T", { sequence: 8 }),
      order("X", { sequence: 10 }),
      order("X", { sequence: 11, stream: 6 }),
      heartbeat(6, 11),
      order("X", { sequence: 12, stream: 6 }),
    );
    expect(read(datagram)).toMatchObject({
      fault: Fault.None,
      packets: ["m 5:7x2", "m 5:10x1", "m 6:11x1", "Z 6:11x0", "m 6:12x1"],
    });
  });

  test("a length that its type cannot have ends the datagram, what stood before it counts", () => {
    const bad = order("N", { sequence: 2 });
    for (const length of [0, 8, -1, 13, 37, 39, 45]) {
      new DataView(bad.buffer).setInt16(0, length, true);
      const { fault, packets } = read(joined(order("N", { sequence: 1 }), bad, new Uint8Array(9)));
      expect(fault).toBe(Fault.BadLength);
      expect(packets).toEqual(["m 5:1x1"]);
    }
  });

  test("a datagram cut anywhere inside a message says so and keeps the whole ones", () => {
    const datagram = joined(order("N", { sequence: 1 }), trade("T", { sequence: 2 }));
    for (let length = 0; length < datagram.length; length++) {
      const { fault, packets } = read(datagram.slice(0, length));
      expect(packets).toEqual(length < 38 ? [] : ["m 5:1x1"]);
      if (length === 38) expect(fault).toBe(Fault.None);
      else if (length > 38 && length < 47) expect(fault).toBe(Fault.TrailingBytes);
      else expect(fault).toBe(Fault.Truncated);
    }
  });

  test("an unknown type is stepped over by its length, counted, and still has a number", () => {
    const datagram = joined(
      order("N", { sequence: 1 }),
      unknown(2, 21),
      order("M", { sequence: 3 }),
    );
    expect(read(datagram)).toMatchObject({ fault: Fault.UnknownType, packets: ["m 5:1x3"] });
    expect(read(unknown(2, 38))).toMatchObject({ fault: Fault.UnknownType, packets: ["m 5:2x1"] });
  });

  test("number 0 on anything but a heartbeat is set aside, the rest is read on", () => {
    const datagram = joined(order("N", { sequence: 0 }), order("N", { sequence: 1 }));
    expect(read(datagram)).toMatchObject({ fault: Fault.BadSequence, packets: ["m 5:1x1"] });
    expect(read(order("N", { sequence: 0 }))).toMatchObject({
      fault: Fault.BadSequence,
      packets: [],
    });
  });

  test("a negative stream is no stream of NSE", () => {
    expect(read(order("N", { stream: -2 }))).toMatchObject({
      fault: Fault.WrongProtocol,
      packets: [],
    });
  });

  test("any bytes give packets inside the datagram, and nothing is thrown", () => {
    const parts = fc.constantFrom(order("N"), trade("C"), heartbeat(5, 1), unknown(3, 9));
    const whole = fc.array(parts, { maxLength: 4 }).map((list) => joined(...list));
    const flips = fc.array(fc.tuple(fc.nat(200), fc.integer({ min: 0, max: 255 })), {
      maxLength: 4,
    });
    const any = fc.oneof(fc.uint8Array({ maxLength: 120 }), whole);
    fc.assert(
      fc.property(any, flips, (bytes, changes) => {
        const datagram = bytes.slice();
        for (const [at, value] of changes) if (at < datagram.length) datagram[at] = value;
        const { batch } = read(datagram);
        for (let i = 0; i < batch.messageCount; i++) {
          expect(batch.messageOffset[i] + batch.messageLength[i]).toBeLessThanOrEqual(bytes.length);
        }
      }),
      { numRuns: 2000 },
    );
  });

  test("a message's time is the exchange's, NaN where the message has none", () => {
    const bytes = order("N");
    const view = new DataView(bytes.buffer);
    expect(framing.messageTime(view, 0, 38)).toBe(TIME_HI * 2 ** 32 + (TIME_LO >>> 0));
    expect(framing.messageTime(view, 0, 16)).toBeNaN();
    expect(framing.messageTime(new DataView(unknown(1, 38).buffer), 0, 38)).toBeNaN();
    expect(framing.messageTime(new DataView(heartbeat(1, 1).buffer), 0, 13)).toBeNaN();
  });
});
