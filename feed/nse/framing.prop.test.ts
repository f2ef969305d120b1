import { expect, test } from "bun:test";
import fc from "fast-check";
import { Fault, PacketBatch } from "../packet-batch.ts";
import { NseFraming } from "./framing.ts";
import { heartbeat, joined, order, trade, unknown } from "./test-bytes.ts";

const framing = new NseFraming();
const sequence = fc.oneof(fc.nat(5), fc.constantFrom(0, 2 ** 31, 2 ** 32 - 1));
const stream = fc.constantFrom(1, 5, 5, 32_767, -1);
const single = fc.tuple(fc.boolean(), stream, sequence).map(([isOrder, id, number]) => {
  const values = { stream: id, sequence: number };
  return isOrder ? order("N", values) : trade("T", values);
});
const odd = fc.oneof(
  fc.tuple(single, single).map((two) => joined(...two)),
  single.map((bytes) => bytes.slice(0, 37)),
  fc.tuple(single, fc.nat(8), fc.nat(255)).map(([bytes, at, value]) => bytes.with(at, value)),
  fc.constant(heartbeat(5, 7)),
  fc.constant(unknown(3, 38)),
  fc.uint8Array({ maxLength: 60 }),
);
const weighted = fc.oneof({ weight: 8, arbitrary: single }, { weight: 1, arbitrary: odd });

interface Datagrams {
  readonly view: DataView;
  readonly offsets: Int32Array;
  readonly lengths: Int32Array;
}

function laidOut(list: readonly Uint8Array[]): Datagrams {
  const bytes = joined(...list);
  const lengths = Int32Array.from(list, ({ length }) => length);
  const offsets = new Int32Array(list.length);
  for (let at = 1; at < list.length; at++) offsets[at] = offsets[at - 1] + lengths[at - 1];
  return { view: new DataView(bytes.buffer), offsets, lengths };
}

function readOne({ view, offsets, lengths }: Datagrams, at: number, out: PacketBatch): number {
  return framing.read(view, offsets[at], lengths[at], at, { stream: 0 }, out);
}

/** Every packet and message of a batch, as text. */
function batchText(batch: PacketBatch): string[] {
  const lines: string[] = [];
  for (let i = 0; i < batch.count; i++) {
    const [from, to] = [batch.firstMessage[i], batch.firstMessage[i + 1]];
    const places = [...batch.messageOffset.subarray(from, to)].join(" ");
    const sizes = [...batch.messageLength.subarray(from, to)].join(" ");
    const head = [batch.frame[i], batch.kind[i], batch.stream[i], batch.session[i]].join();
    lines.push(`${head} ${batch.sequence[i]}x${batch.numbers[i]} at ${places} of ${sizes}`);
  }
  return lines;
}

test("datagrams read in runs give the packets that they give one by one", () => {
  fc.assert(
    fc.property(fc.array(weighted, { minLength: 1, maxLength: 80 }), (list) => {
      const datagrams = laidOut(list);
      const alone = new PacketBatch(1, 1);
      const faults = list.map((_, at) => readOne(datagrams, at, alone));
      const runs = new PacketBatch(1, 1);
      const { view, offsets, lengths } = datagrams;
      let fast = 0;
      for (let at = 0; at < list.length; at++) {
        const next = framing.readRun(view, offsets, lengths, at, list.length, runs);
        for (; at < next; at++, fast++) expect(faults[at]).toBe(0);
        if (at < list.length) expect(readOne(datagrams, at, runs)).toBe(faults[at]);
      }
      expect(batchText(runs)).toEqual(batchText(alone));
      const sound = list.filter(({ length }, at) => faults[at] === 0 && length < 46 && length > 13);
      expect(fast).toBe(sound.length);
    }),
    { numRuns: 300 },
  );
});

test("messages behind one another in a datagram make packets of consecutive numbers", () => {
  const step = fc.record({
    isOrder: fc.boolean(),
    stream: fc.oneof({ weight: 9, arbitrary: fc.constant(5) }, fc.constant(6)),
    skips: fc.oneof({ weight: 9, arbitrary: fc.constant(0) }, fc.nat(3)),
  });
  const first = fc.constantFrom(1, 2 ** 31 - 3, 2 ** 32 - 20);
  fc.assert(
    fc.property(first, fc.array(step, { minLength: 2, maxLength: 60 }), (start, steps) => {
      let number = start;
      const expected: { stream: number; sequence: number; numbers: number }[] = [];
      const list: Uint8Array[] = [];
      for (const { isOrder, stream: id, skips } of steps) {
        number += 1 + skips;
        if (number >= 2 ** 32) break;
        const values = { stream: id, sequence: number };
        list.push(isOrder ? order("N", values) : trade("T", values));
        const open = expected.at(-1);
        const continues = open?.stream === id && open.sequence + open.numbers === number;
        if (continues) open.numbers++;
        else expected.push({ ...values, numbers: 1 });
      }
      const bytes = joined(...list);
      const out = new PacketBatch(1, 1);
      const view = new DataView(bytes.buffer);
      expect(framing.read(view, 0, bytes.length, 0, { stream: 0 }, out)).toBe(0);
      const found = expected.map((_, at) => ({
        stream: out.stream[at],
        sequence: out.sequence[at],
        numbers: out.numbers[at],
      }));
      expect(found).toEqual(expected);
      expect(out.count).toBe(expected.length);
      const lengths = list.map(({ length }) => length);
      expect([...out.messageLength.subarray(0, out.messageCount)]).toEqual(lengths);
      const ends = lengths.map((_, at) => lengths.slice(0, at).reduce((sum, one) => sum + one, 0));
      expect([...out.messageOffset.subarray(0, out.messageCount)]).toEqual(ends);
      expect(out.firstMessage[out.count]).toBe(list.length);
    }),
    { numRuns: 300 },
  );
});

test("the number behind the last one is 0, which no message has", () => {
  const last = order("N", { stream: 5, sequence: 2 ** 32 - 1 });
  const bytes = joined(last, order("N", { stream: 5, sequence: 0 }));
  const out = new PacketBatch(1, 1);
  const view = new DataView(bytes.buffer);
  expect(framing.read(view, 0, bytes.length, 0, { stream: 0 }, out)).toBe(Fault.BadSequence);
  expect(out.messageCount).toBe(1);
});

test("behind a sound message any bytes are read as they are alone", () => {
  const odder = fc.oneof(
    odd,
    fc.constantFrom(255, 0xffff, 46, 37).chain((length) =>
      fc.tuple(single, fc.constantFrom(0, 45, 120, 300)).map(([bytes, more]) => {
        const wrong = new Uint8Array(bytes.length + more);
        wrong.set(bytes);
        new DataView(wrong.buffer).setUint16(0, length, true);
        return wrong;
      }),
    ),
  );
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 30 }),
      odder,
      fc.constantFrom(0, 0x3f, 0x5a),
      (sound, tail, type) => {
        const list = Array.from({ length: sound }, (_, at) =>
          order("N", { stream: 5, sequence: at + 1 }),
        );
        const last = tail.slice();
        // It continues the others, but for what is wrong with it.
        if (last.length > 8) {
          const view = new DataView(last.buffer);
          view.setInt16(2, 5, true);
          view.setUint32(4, sound + 1, true);
          if (type !== 0) last[8] = type;
        }
        const bytes = joined(...list, last);
        const out = new PacketBatch(1, 1);
        const found = framing.read(
          new DataView(bytes.buffer),
          0,
          bytes.length,
          0,
          { stream: 0 },
          out,
        );
        const alone = new PacketBatch(1, 1);
        const fault = framing.read(
          new DataView(last.buffer),
          0,
          last.length,
          0,
          { stream: 0 },
          alone,
        );
        const isCut = last.length < 9 && last.length > 0;
        expect(found).toBe(isCut ? Fault.TrailingBytes : last.length === 0 ? Fault.None : fault);
        expect(out.messageCount).toBe(sound + alone.messageCount);
        for (let at = 0; at < alone.messageCount; at++) {
          expect(out.messageLength[sound + at]).toBe(alone.messageLength[at]);
          expect(out.messageOffset[sound + at]).toBe(
            bytes.length - last.length + alone.messageOffset[at],
          );
        }
      },
    ),
    { numRuns: 1000 },
  );
});
