import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ColumnsPacker, ColumnsUnpacker } from "./chunk-columns.ts";
import {
  batchOf,
  CHANNELS,
  type DrawnFrame,
  drawnFrames,
  framesOf,
  PLANS,
} from "./columns/test-frames.ts";
import { FrameBatch } from "./frame-batch.ts";

const MAP = Int32Array.from({ length: CHANNELS }, (_, i) => i);
const bytesOnly = (frames: readonly DrawnFrame[]) =>
  frames.map((frame) => ({ ...frame, bytes: new Uint8Array(frame.bytes) }));

describe.each(PLANS.map(([id, plan]) => ({ id, plan })))("in columns, $id", ({ plan }) => {
  const packer = new ColumnsPacker(plan);
  const unpacker = new ColumnsUnpacker(plan);
  const out = new FrameBatch(64);

  test("any frames come back byte for byte, with time and channel, chunk after chunk", () => {
    fc.assert(
      fc.property(drawnFrames(plan), (frames) => {
        const body = packer.pack(batchOf(frames), MAP);
        if (body === null) throw new Error("too many values");
        expect(packer.cuts.at(-1)).toBe(body.length);
        expect(unpacker.unpack(body, frames.length, MAP, out)).toBe(true);
        expect(framesOf(out)).toEqual(bytesOnly(frames));
      }),
      { numRuns: 250 },
    );
  });

  test("a body with any byte changed or cut off is read or refused, and never throws", () => {
    fc.assert(
      fc.property(
        drawnFrames(plan),
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }),
        fc.nat(),
        (frames, changes, cut) => {
          const body = packer.pack(batchOf(frames), MAP)?.slice() ?? new Uint8Array(1);
          expect(
            unpacker.unpack(body.subarray(0, cut % body.length), frames.length, MAP, out),
          ).toBe(false);
          for (const [where, value] of changes) body[where % body.length] = value;
          if (!unpacker.unpack(body, frames.length, MAP, out)) return;
          expect(out.count).toBe(frames.length);
        },
      ),
      { numRuns: 250 },
    );
  });

  test("a body of any bytes at all never throws", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(60), (body, count) => {
        expect(unpacker.unpack(body, count, MAP, out)).toBeBoolean();
      }),
      { numRuns: 300 },
    );
  });
});
