/** For the tests of columns: datagrams of each feed's shape, well formed or not, as fast-check draws them. */
import fc from "fast-check";
import { FEEDS } from "../../feed/registry.ts";
import { FrameBatch } from "../frame-batch.ts";
import { type FeedPlan, planOf } from "./plan.ts";

export interface DrawnFrame {
  readonly bytes: Uint8Array;
  readonly sec: number;
  readonly nsec: number;
  readonly channel: number;
}

export const CHANNELS = 3;

/** Every feed that has a plan. */
export const PLANS: readonly (readonly [string, FeedPlan])[] = FEEDS.flatMap((feed) => {
  const plan = planOf(feed.table);
  return plan === undefined ? [] : [[feed.id, plan] as const];
});

/** Few values come often, so that contexts are hit; others are anything. */
const aByte = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 0, 0, 1, 66, 83, 255) },
  { weight: 1, arbitrary: fc.nat(255) },
);
const aMessage = fc.record({
  type: fc.nat(31),
  bytes: fc.array(aByte, { minLength: 24, maxLength: 24 }),
});

/** A datagram as the plan's shape says, with any field values. */
function built(plan: FeedPlan, messages: readonly { type: number; bytes: number[] }[]): Uint8Array {
  const { shape, layouts, typeOffset } = plan;
  const parts: Uint8Array[] = [Uint8Array.from({ length: shape.headerBytes }, (_, i) => i & 3)];
  for (const { type, bytes } of messages) {
    const layout = layouts[type % layouts.length];
    const part = new Uint8Array(shape.lengthBytes + layout.length);
    const view = new DataView(part.buffer, shape.lengthBytes);
    for (let i = 0; i < layout.length; i++) view.setUint8(i, bytes[i % bytes.length]);
    view.setUint8(typeOffset, layout.type);
    if (shape.lengthBytes === 2) {
      new DataView(part.buffer).setUint16(0, layout.length, shape.littleEndian);
    }
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function mutated(bytes: Uint8Array, where: number, flip: number): Uint8Array {
  const copy = new Uint8Array(bytes);
  if (copy.length > 0) copy[where % copy.length] ^= flip;
  return copy;
}

/** Datagrams of the plan's shape, some with a byte changed, some cut, and some that are anything. */
export function drawnFrames(plan: FeedPlan): fc.Arbitrary<DrawnFrame[]> {
  const sound = fc.array(aMessage, { maxLength: 4 }).map((messages) => built(plan, messages));
  const bytes = fc.oneof(
    { weight: 6, arbitrary: sound },
    {
      weight: 2,
      arbitrary: fc
        .tuple(sound, fc.nat(), fc.integer({ min: 1, max: 255 }))
        .map(([frame, where, flip]) => mutated(frame, where, flip)),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(sound, fc.nat())
        .map(([frame, length]) => frame.slice(0, length % (frame.length + 1))),
    },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 100 }) },
  );
  const aSecond = fc.oneof(
    fc.integer({ min: 1_700_000_000, max: 1_700_000_003 }),
    fc.nat(0xffffffff),
  );
  const aNanosecond = fc.oneof(
    fc.nat(999).map((ms) => ms * 1_000_000),
    fc.nat(999_999_999),
    fc.nat(0xffffffff),
  );
  const aFrame = fc.record({
    bytes,
    sec: aSecond,
    nsec: aNanosecond,
    channel: fc.nat(CHANNELS - 1),
  });
  return fc.array(aFrame, { maxLength: 40 });
}

export function batchOf(frames: readonly DrawnFrame[]): FrameBatch {
  const batch = new FrameBatch(Math.max(1, frames.length));
  batch.reset(Buffer.concat(frames.map((frame) => frame.bytes)));
  let offset = 0;
  for (const { bytes, sec, nsec, channel } of frames) {
    batch.add(offset, bytes.length, sec, nsec, channel);
    offset += bytes.length;
  }
  return batch;
}

export function framesOf(batch: FrameBatch): DrawnFrame[] {
  return Array.from({ length: batch.count }, (_, i) => ({
    bytes: batch.bytes.slice(batch.offset[i], batch.offset[i] + batch.length[i]),
    sec: batch.sec[i],
    nsec: batch.nsec[i],
    channel: batch.channel[i],
  }));
}
