/**
 * Streaks of packets that are next on their stream, with all that may end one between them. What is
 * given frame by frame knows no streaks: both ways must come to the same.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import type { FrameBatch } from "../frames/frame-batch.ts";
import { HEARTBEAT, ToyBench, type ToyPacket, toyFrames } from "./toy.ts";

/** Content of a packet of which only some bytes come. */
const CUT = 999_999;

/** What stands where the next packet of a streak would: by how it differs from that packet. */
const oddity = fc.constantFrom<Partial<ToyPacket> & { readonly back?: number }>(
  { stream: 2 },
  { session: 1 },
  { kind: HEARTBEAT },
  { kind: 2 },
  { messages: 2 },
  { messages: 2, numbers: 1 },
  { numbers: 2 },
  { back: 1 },
  { back: 3, content: 77 },
  { back: -1 },
  // Half a number back, so that it takes none.
  { content: CUT, back: 0.5 },
);
const packet = fc.record({
  isB: fc.nat(5).map((n) => n === 0),
  stepMs: fc.oneof(
    { weight: 12, arbitrary: fc.nat(2) },
    { weight: 1, arbitrary: fc.constantFrom(-500, -1, 90, 200) },
  ),
  odd: fc.oneof({ weight: 12, arbitrary: fc.constant({}) }, { weight: 2, arbitrary: oddity }),
});
const packets = fc.array(packet, { minLength: 20, maxLength: 80 }).map((list) => {
  let at = 1000;
  let sequence = 1;
  return list.map(({ isB, stepMs, odd }): ToyPacket => {
    at += stepMs;
    const { back = 0, ...rest }: Partial<ToyPacket> & { back?: number } = odd;
    const chosen: ToyPacket = {
      ...{ at, line: isB ? "B" : "A", sequence: Math.max(1, sequence - back) },
      ...rest,
    };
    // Only some oddities take the number: after the others the streak could go on.
    if (chosen.kind === undefined && back === 0 && chosen.stream === undefined) {
      sequence += chosen.numbers ?? chosen.messages ?? 1;
    }
    return chosen;
  });
});

/** Where the plan says so, the frame is cut so short that no packet is in it. */
function framesOf(list: readonly ToyPacket[]): FrameBatch {
  const frames = toyFrames(list);
  list.forEach(({ content }, at) => {
    if (content === CUT) frames.length[at] = 3;
  });
  return frames;
}

test("a streak of packets is taken as each of them would be alone", () => {
  const rows = fc.integer({ min: 1, max: 5 });
  fc.assert(
    fc.property(packets, rows, fc.constantFrom(5, 100), (list, batchMessages, windowMs) => {
      const options = { batchMessages, windowNs: windowMs * 1e6 };
      const together = new ToyBench(options);
      together.sequencer.push(framesOf(list));
      const alone = new ToyBench(options);
      for (const one of list) alone.sequencer.push(framesOf([one]));
      together.finish();
      alone.finish();
      expect(together.delivered).toEqual(alone.delivered);
      const bare = (bench: ToyBench) => ({ ...bench.sequencer.stats(), heldMemoryBytes: 0 });
      expect(bare(together)).toEqual(bare(alone));
      expect(together.sequencer.nowNs).toBe(alone.sequencer.nowNs);
    }),
    { numRuns: 400 },
  );
});
