import { expect, test } from "bun:test";
import fc from "fast-check";
import { nasdaqItch50 } from "../feed/nasdaq/feed.ts";
import { PacketBatch } from "../feed/packet-batch.ts";
import { OwnFileReader } from "./own-file.ts";

/** Deletes and executions: messages of 19 and 31 bytes behind their lengths. */
function fileOf(kinds: readonly boolean[]): Uint8Array {
  return Uint8Array.from(
    kinds.flatMap((long, at) => {
      const length = long ? 31 : 19;
      const body = new Array<number>(length).fill(at & 255);
      body[0] = (long ? "E" : "D").charCodeAt(0);
      return [0, length, ...body];
    }),
  );
}

/** Reads the file in blocks of these sizes; gives each message as text. */
function readIn(file: Uint8Array, sizes: readonly number[]): { messages: string[]; end: string } {
  const messages: string[] = [];
  const packets = new PacketBatch(1, 64);
  const reader = new OwnFileReader(nasdaqItch50, {
    fileBytes(bytes, from, to) {
      const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      packets.clear();
      const next = nasdaqItch50.file?.split(view, from, to, packets) ?? to;
      for (let i = 0; i < packets.messageCount; i++) {
        const start = packets.messageOffset[i];
        messages.push(bytes.subarray(start, start + packets.messageLength[i]).toHex());
      }
      return next;
    },
  });
  let at = 0;
  for (let i = 0; at < file.length; i++) {
    const block = file.slice(at, at + sizes[i % sizes.length]);
    at += block.length;
    if (!reader.push(block)) break;
    block.fill(0xee);
  }
  return { messages, end: reader.end() };
}

test("however a file is cut into blocks, its messages are the same", () => {
  fc.assert(
    fc.property(
      fc.array(fc.boolean(), { maxLength: 300 }),
      fc.array(fc.integer({ min: 1, max: 9000 }), { minLength: 1, maxLength: 5 }),
      (kinds, sizes) => {
        const file = fileOf(kinds);
        expect(readIn(file, sizes)).toEqual(readIn(file, [file.length + 1]));
        expect(readIn(file, sizes).messages).toHaveLength(kinds.length);
      },
    ),
  );
});

test("a file that ends inside a message says so, one that ends with the end mark does not", () => {
  const file = fileOf([true, false]);
  expect(readIn(file.slice(0, -3), [10]).end).toContain("inside a message");
  expect(readIn(Uint8Array.from([...file, 0, 0]), [10]).end).toBe("");
});

test("a length that no message has ends the reading where it stands", () => {
  const file = Uint8Array.from([...fileOf([true, false]), 0xff, 0xff, 1, 2, 3]);
  const { messages, end } = readIn(file, [7]);
  expect(messages).toHaveLength(2);
  expect(end).toBe("damaged at byte 54: no message has this length");
});
