import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { MessageKind, RowFlag } from "../feed/message-batch.ts";
import { sequenced } from "../feed/sequenced/feed.ts";
import { captureFrames } from "../frames/capture.ts";
import { CaptureCounters } from "../frames/capture-counters.ts";
import { Channels } from "../frames/channels.ts";
import { openInput } from "../frames/input.ts";
import { capturePath } from "../tests/feed-reading.ts";
import { Sequencer, type SequencerOptions } from "./sequencer.ts";
import { ToyBench, type ToyPacket } from "./toy.ts";

/** Numbers of the delivered messages that carry `T`. */
function doubtful({ delivered }: ToyBench): number[] {
  return delivered
    .filter(({ kind }) => kind === MessageKind.Message)
    .filter(({ flags }) => (flags & RowFlag.ClockDoubtful) !== 0)
    .map(({ sequence }) => sequence);
}

function doubtfulOf(packets: readonly ToyPacket[], options: Partial<SequencerOptions> = {}) {
  return doubtful(new ToyBench(options).push(...packets).finish());
}

/** Numbers from 1, captured at these times, ms. */
const at = (...times: number[]) => times.map((ms, i) => ({ at: ms, sequence: i + 1 }));

describe("a capture's clock", () => {
  test("that steps back beyond the window is doubtful until it has caught up", () => {
    expect(doubtfulOf(at(0, 500, 300, 399, 400, 450, 501))).toEqual([3, 4]);
  });

  test("that steps back within the window is ordinary reordering", () => {
    expect(doubtfulOf(at(0, 100, 50, 0, 160, 60))).toEqual([]);
  });

  test("is measured by the window that was asked for", () => {
    expect(doubtfulOf(at(0, 50, 20, 60), { windowNs: 10e6 })).toEqual([3]);
    expect(doubtfulOf(at(0, 500, 100, 600), { windowNs: 1e9 })).toEqual([]);
  });

  test("is not doubtful for small steps where there is no window", () => {
    expect(doubtfulOf(at(0, 50, 20, 60), { windowNs: 0 })).toEqual([]);
  });

  test("far ahead is doubtful in the one frame that nobody agrees with", () => {
    expect(doubtfulOf(at(0, 2.4e12, 1, 2))).toEqual([2]);
  });

  test("far ahead is believed from the second frame on", () => {
    expect(doubtfulOf(at(0, 2.4e12, 2.4e12 + 1, 2.4e12 + 2))).toEqual([2]);
  });

  test("that was wrong before is not doubtful for ever", () => {
    const after = Array.from({ length: 100 }, (_, i) => 10 + i);
    // 60 s ahead, then right: 63 frames are marked, and the 64th shows who was wrong.
    const marked = doubtfulOf(at(0, 60_000, ...after));
    expect(marked).toEqual(Array.from({ length: 63 }, (_, i) => i + 3));
  });

  test("is judged by channel: another line's later frames make nobody doubtful", () => {
    const packets: ToyPacket[] = [
      { at: 0, line: "A", sequence: 1 },
      { at: 0, line: "B", sequence: 1 },
      { at: 900, line: "A", sequence: 3 },
      { at: 300, line: "B", sequence: 2 },
    ];
    expect(doubtfulOf(packets)).toEqual([]);
  });

  test("marks held messages with their own frame's doubt, and only those", () => {
    const packets: ToyPacket[] = [
      { at: 1000, sequence: 1 },
      { at: 500, sequence: 3 },
      { at: 1001, sequence: 4 },
      { at: 1002, sequence: 2 },
    ];
    expect(doubtfulOf(packets)).toEqual([3]);
  });

  test("an answer to a request carries no doubt of the frame before it", () => {
    const bench = new ToyBench().push({ at: 1000, sequence: 1 }, { at: 500, sequence: 3 });
    bench.recover(0, { at: 400, sequence: 2 }).finish();
    expect(doubtful(bench)).toEqual([3]);
  });

  test("is judged alike however the frames are cut into batches", () => {
    const packets = fc.array(
      fc.record({
        at: fc.oneof(fc.nat(2000), fc.constantFrom(0, 5e7, 2.4e12)),
        line: fc.constantFrom("A" as const, "B" as const),
        messages: fc.integer({ min: 1, max: 3 }),
      }),
      { minLength: 1, maxLength: 150 },
    );
    fc.assert(
      fc.property(packets, fc.integer({ min: 1, max: 7 }), (drawn, size) => {
        let sequence = 1;
        const all = drawn.map((packet) => {
          const numbered = { ...packet, sequence };
          sequence += packet.messages;
          return numbered;
        });
        const whole = new ToyBench().push(...all).finish();
        const cut = new ToyBench();
        for (let from = 0; from < all.length; from += size) {
          cut.push(...all.slice(from, from + size));
        }
        expect(cut.finish().delivered).toEqual(whole.delivered);
      }),
    );
  });
});

const cme = capturePath("captures/other/Cme.Mdp3.Sbe.v8.1.Example.pcap.gz");

test.if(cme !== undefined)("CME's 612 small steps back make no row doubtful", async () => {
  const channels = new Channels();
  for (const [line, group] of ["224.0.31.11", "224.0.32.11"].entries()) {
    const sequenceField = { offset: 0, width: 4, littleEndian: true };
    const port = 14_320 + line * 1000;
    channels.add({ group, port, feed: sequenced.id, stream: 1, line, sequenceField });
  }
  let rows = 0;
  let marked = 0;
  const sink = {
    deliver: ({ count, flags }: { count: number; flags: Uint8Array }) => {
      rows += count;
      for (let i = 0; i < count; i++) if (flags[i] & RowFlag.ClockDoubtful) marked++;
    },
  };
  const sequencer = new Sequencer(sequenced.framing(), channels, sink);
  const input = await openInput(cme ?? "");
  await captureFrames(input, channels, new CaptureCounters(), (batch) => sequencer.push(batch));
  sequencer.finish();
  expect(rows).toBeGreaterThanOrEqual(5000);
  expect(marked).toBe(0);
});
