/**
 * The ring against a plain list: random chunks of random lengths in and out, around the end and
 * around the wrap of its counters. A failure prints seed and path.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { ByteRing } from "./byte-ring.ts";

const runs = Number(Bun.env.EDGEBOOK_RUNS ?? 200);

const plan = fc.record({
  capacityBytes: fc.constantFrom(64, 128, 1024),
  /** Where the positions stand at the beginning, as after long use. */
  startedAt: fc.constantFrom(0, 60, 2 ** 31 - 64, -64),
  lengths: fc.array(fc.nat(28), { maxLength: 100 }),
  takes: fc.array(fc.nat(4), { maxLength: 100 }),
});

test("chunks come out as they went in, in order, and never more than fit", () => {
  fc.assert(
    fc.property(plan, ({ capacityBytes, startedAt, lengths, takes }) => {
      const shared = ByteRing.allocate(capacityBytes);
      new Int32Array(shared)[0] = startedAt;
      new Int32Array(shared)[16] = startedAt;
      const producer = new ByteRing(shared);
      const consumer = new ByteRing(shared);
      const model: string[] = [];
      let highWaterMark = 0;
      lengths.forEach((length, turn) => {
        const chunk = Uint8Array.from({ length }, (_, place) => turn + place);
        const taken = producer.offer(chunk);
        if (taken) model.push(chunk.join());
        else expect(model.length).toBeGreaterThan(0);
        highWaterMark = Math.max(highWaterMark, model.length);
        for (let count = takes[turn] ?? 1; count > 0; count--) {
          expect(consumer.peek()?.join()).toBe(model.shift());
          consumer.release();
        }
        expect(producer.metrics).toEqual({ depth: model.length, highWaterMark, dropped: 0 });
        expect(producer.usedBytes).toBeLessThanOrEqual(capacityBytes);
      });
      consumer.recount();
      expect(consumer.depth).toBe(model.length);
      for (const text of model) {
        expect(consumer.peek()?.join()).toBe(text);
        consumer.release();
      }
      expect([consumer.peek(), consumer.usedBytes]).toEqual([undefined, 0]);
    }),
    { numRuns: runs },
  );
});

test("a count that a crash left behind is mended", () => {
  const ring = new ByteRing(ByteRing.allocate(64));
  for (const byte of [1, 2, 3]) ring.offer(Uint8Array.of(byte));
  ring.release();
  new Int32Array(ring.shared)[17] = 0;
  expect(ring.depth).toBe(3);
  ring.recount();
  expect(ring.depth).toBe(2);
});

test("a chunk that could never fit is refused with the way to mend it", () => {
  const ring = new ByteRing(ByteRing.allocate(64));
  expect(ring.offer(new Uint8Array(28))).toBe(true);
  expect(() => ring.offer(new Uint8Array(29))).toThrow("more than the ring takes (28)");
  expect(() => ByteRing.allocate(100)).toThrow("a power of two");
});

test("waiting ends with the room or the chunk, or with the time", async () => {
  const ring = new ByteRing(ByteRing.allocate(64));
  expect(ring.waitForChunk(1)).toBe(false);
  ring.offer(new Uint8Array(28));
  expect(ring.waitForChunk(1)).toBe(true);
  ring.offer(new Uint8Array(28));
  expect(ring.waitForRoom(4, 1)).toBe(false);
  expect(await ring.whenRoom(4, 1)).toBe(false);
  const room = ring.whenRoom(4, 10_000);
  ring.release();
  expect(await room).toBe(true);
  expect(ring.waitForRoom(4, 1)).toBe(true);
});
