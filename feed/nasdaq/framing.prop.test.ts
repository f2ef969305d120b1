/** No bytes make a framing throw or point outside its datagram: MoldUDP64, the file, IEX-TP. */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { Feed } from "../feed.ts";
import { iexDeep, iexTops } from "../iex/feed.ts";
import { MessageBatch } from "../message-batch.ts";
import { OpBatch } from "../op-batch.ts";
import { PacketBatch, PacketKind } from "../packet-batch.ts";
import { nasdaqItch50 } from "./feed.ts";

const LITTLE = { protocol: [1, 0, 4, 0x80], countAt: 14, headerBytes: 40 };
const HEADS = new Map<Feed, typeof LITTLE>([
  [nasdaqItch50, { protocol: [], countAt: 18, headerBytes: 20 }],
  [iexDeep, LITTLE],
  [iexTops, { ...LITTLE, protocol: [1, 0, 3, 0x80] }],
]);

/** Bytes with enough of a header that they are looked into, and lengths that are often small. */
const aDatagram = fc.record({
  feed: fc.constantFrom(...HEADS.keys()),
  bytes: fc.uint8Array({ maxLength: 200, size: "max" }),
  blocks: fc.array(fc.record({ type: fc.nat(255), length: fc.nat(90) }), { maxLength: 6 }),
  sequence: fc.nat(255),
  isPlain: fc.boolean(),
});

type Datagram = typeof aDatagram extends fc.Arbitrary<infer T> ? T : never;

function shaped({ feed, bytes, blocks, sequence, isPlain }: Datagram): Uint8Array {
  const head = HEADS.get(feed) ?? LITTLE;
  if (isPlain || bytes.length < head.headerBytes) return bytes;
  const shape = bytes.slice();
  const isLittle = head === HEADS.get(iexDeep) || head === HEADS.get(iexTops);
  shape.set(head.protocol);
  const numberAt = isLittle ? 24 : 10;
  shape.fill(0, numberAt, numberAt + 8);
  shape[isLittle ? numberAt : numberAt + 7] = sequence;
  shape.set(isLittle ? [blocks.length, 0] : [0, blocks.length], head.countAt);
  if (isLittle) shape.set([bytes.length - head.headerBytes, 0], 12);
  let at = head.headerBytes;
  for (const { type, length } of blocks) {
    if (at + 3 > shape.length) break;
    shape.set(isLittle ? [length, 0, type] : [0, length, type], at);
    at += 2 + length;
  }
  return shape;
}

test("a packet's messages lie within the datagram and are as many as its numbers", () => {
  let withMessages = 0;
  fc.assert(
    fc.property(aDatagram, (datagram) => {
      const bytes = shaped(datagram);
      // The datagram stands at the end of its buffer, where reading too far throws.
      const buffer = new Uint8Array(7 + bytes.length);
      buffer.set(bytes, 7);
      const view = new DataView(buffer.buffer);
      const out = new PacketBatch(1, 1);
      datagram.feed.framing().read(view, 7, bytes.length, 0, { stream: 0 }, out);
      for (let i = 0; i < out.count; i++) {
        const found = out.firstMessage[i + 1] - out.firstMessage[i];
        expect(out.numbers[i]).toBe(found);
        expect(found > 0).toBe(out.kind[i] === PacketKind.Messages);
      }
      for (let i = 0; i < out.messageCount; i++) {
        expect(out.messageOffset[i]).toBeGreaterThanOrEqual(7);
        expect(out.messageOffset[i] + out.messageLength[i]).toBeLessThanOrEqual(buffer.length);
      }
      withMessages += out.messageCount;
      decodeAll(datagram.feed, buffer, view, out);
    }),
    { numRuns: 2000 },
  );
  // The shapes are of use only if many datagrams hold messages.
  expect(withMessages).toBeGreaterThan(200);
});

test("no bytes make the file's splitter throw or point outside", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300, size: "max" }), fc.nat(100), (bytes, from) => {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
      const out = new PacketBatch(1, 1);
      const start = Math.min(from, bytes.length);
      const end = nasdaqItch50.file?.split(view, start, bytes.length, out) ?? 0;
      const stop = end < 0 ? -1 - end : end;
      expect(stop).toBeGreaterThanOrEqual(start);
      expect(stop).toBeLessThanOrEqual(bytes.length);
      decodeAll(nasdaqItch50, bytes, view, out);
    }),
    { numRuns: 1000 },
  );
});

/** The decoder stands behind the framing, and must take whatever that lets pass. */
function decodeAll(feed: Feed, bytes: Uint8Array, view: DataView, packets: PacketBatch): void {
  const batch = new MessageBatch(Math.max(1, packets.messageCount));
  batch.bytes = bytes;
  batch.view = view;
  batch.count = packets.messageCount;
  batch.offset.set(packets.messageOffset.subarray(0, batch.count));
  batch.length.set(packets.messageLength.subarray(0, batch.count));
  feed.decoder({}).decodeRun(batch, 0, batch.count, new OpBatch(batch.capacity));
}
