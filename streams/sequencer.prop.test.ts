/**
 * Random loss, duplication, delay, reordering, conflicts and heartbeats on two lines, against the
 * slow model; then restarts; then anything at all. A failure prints seed, path and the packets.
 */
import { expect, test } from "bun:test";
import fc from "fast-check";
import { MessageKind, RowFlag } from "../feed/message-batch.ts";
import { Model } from "./model.ts";
import { HEARTBEAT, ToyBench, type ToyPacket, toyFrames } from "./toy.ts";

const runs = Number(Bun.env.EDGEBOOK_RUNS ?? 300);

/** What happens to one packet on one line. */
const fate = fc.record({
  drop: fc.nat(9).map((n) => n < 3),
  delayMs: fc.oneof({ weight: 3, arbitrary: fc.constant(0) }, fc.nat(160)),
  copies: fc.nat(8).map((n) => (n === 0 ? 2 : 1)),
  conflict: fc.nat(30).map((n) => n === 0),
});
const sent = fc.record({
  messages: fc.integer({ min: 1, max: 4 }),
  pauseMs: fc.oneof({ weight: 4, arbitrary: fc.nat(3) }, fc.nat(120)),
  heartbeat: fc.nat(6).map((n) => n === 0),
  a: fate,
  b: fate,
});
const plan = fc.record({
  first: fc.oneof(fc.constant(1), fc.integer({ min: 1, max: 9000 })),
  lagMs: fc.nat(60),
  packets: fc.array(sent, { minLength: 1, maxLength: 40 }),
});
type Plan = typeof plan extends fc.Arbitrary<infer T> ? T : never;

/** A packet that prints as a person would say it. */
class Said {
  readonly packet: ToyPacket;
  constructor(packet: ToyPacket) {
    this.packet = packet;
  }
  toString(): string {
    const { at, line, kind, sequence, messages = 1, content } = this.packet;
    const what = kind === HEARTBEAT ? `last=${sequence}` : `${sequence}+${messages}`;
    return `${at}ms ${line} ${what}${content === undefined ? "" : "!"}`;
  }
}

/** The packets of a plan as they arrive, `times` giving the exchange's clock. */
function arrivals(chosen: Plan, timeOf = (sequence: number) => sequence, base = 0): ToyPacket[] {
  const out: ToyPacket[] = [];
  let sequence = chosen.first;
  let at = base;
  for (const packet of chosen.packets) {
    at += packet.pauseMs;
    for (const line of ["A", "B"] as const) {
      const { drop, delayMs, copies, conflict } = line === "A" ? packet.a : packet.b;
      const arrives = at + delayMs + (line === "B" ? chosen.lagMs : 0);
      const common = { line, sequence, messages: packet.messages, time: timeOf(sequence) };
      for (let i = 0; i < copies && !drop; i++) {
        const content = conflict && i === 1 ? { content: 1e6 } : {};
        out.push({ at: arrives + i, ...common, ...content });
      }
      const last = sequence + packet.messages - 1;
      if (packet.heartbeat && !drop) {
        out.push({ at: arrives + 2, line, sequence: last, kind: HEARTBEAT });
      }
    }
    sequence += packet.messages;
  }
  return out.sort((x, y) => x.at - y.at);
}

function say(packets: readonly ToyPacket[]): string {
  return packets.map((packet) => new Said(packet).toString()).join(", ");
}

const check = (property: fc.IProperty<never> | fc.IProperty<never[]> | unknown): void =>
  fc.assert(property as fc.IProperty<unknown>, { numRuns: runs });

/** Messages of one toy packet, as the toy feed writes them. */
const contentOf = (packet: ToyPacket) => (number: number) => packet.content ?? number;

test("what is delivered, lost, doubled, late and in conflict is what the slow model says", () => {
  const windows = fc.constantFrom(0, 5, 100);
  check(
    fc.property(plan, windows, (chosen, windowMs) => {
      const packets = arrivals(chosen);
      const bench = new ToyBench({ windowNs: windowMs * 1e6 });
      const model = new Model(windowMs);
      for (const packet of packets) {
        bench.push(packet);
        const messages = packet.kind === HEARTBEAT ? 0 : (packet.messages ?? 1);
        model.push({ ...packet, messages, content: contentOf(packet) });
      }
      bench.finish();
      model.finish();
      const rows = bench.delivered.filter((row) => row.kind === MessageKind.Message);
      const story = say(packets);
      const delivered = rows.map((row) => [row.sequence, row.content]);
      expect(delivered, story).toEqual(model.delivered);
      const { duplicates, conflicts, late, lost, messages, streams } = bench.sequencer.stats();
      expect({ duplicates, conflicts, late, lost }, story).toEqual({
        duplicates: model.duplicates,
        conflicts: model.conflicts,
        late: model.late,
        lost: model.lost.size,
      });
      if (streams.length === 0) return;
      expect(messages + lost, story).toBe(streams[0].highWaterMark - streams[0].first + 1);
      for (const row of rows) {
        const behindALoss = [...model.lost].some((number) => number < row.sequence);
        expect((row.flags & RowFlag.Gap) !== 0, story).toBe(behindALoss);
      }
    }),
  );
});

test("the ledger accounts for every number that was ever missing, exactly once", () => {
  check(
    fc.property(plan, (chosen) => {
      const packets = arrivals(chosen);
      const bench = new ToyBench();
      const model = new Model(100);
      for (const packet of packets) {
        bench.push(packet);
        const messages = packet.kind === HEARTBEAT ? 0 : (packet.messages ?? 1);
        model.push({ ...packet, messages, content: contentOf(packet) });
      }
      bench.finish();
      model.finish();
      const states = new Map<number, string>();
      for (const { from, to, state } of bench.sequencer.ledger.closedGaps()) {
        for (let number = from; number <= to; number++) {
          expect(states.has(number), say(packets)).toBe(false);
          states.set(number, state);
        }
      }
      const expected = [...model.missedAt.keys()].sort((x, y) => x - y);
      expect(
        [...states.keys()].sort((x, y) => x - y),
        say(packets),
      ).toEqual(expected);
      for (const [number, state] of states) {
        expect(state === "lost", say(packets)).toBe(model.lost.has(number));
      }
      const lines = bench.sequencer.stats().streams.flatMap((stream) => stream.lines);
      for (const line of lines) {
        const sum = line.firstArrivals + line.duplicates + line.conflicts + line.late;
        expect(sum, say(packets)).toBe(line.messages);
      }
    }),
  );
});

test("how the frames are cut into batches changes nothing", () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 7 }), { minLength: 1, maxLength: 20 });
  check(
    fc.property(plan, plan, cuts, fc.integer({ min: 1, max: 5 }), (one, two, sizes, rows) => {
      const packets = [
        ...arrivals(one),
        ...arrivals(two, (n) => 1e6 + n, 5000).map((packet) => ({ ...packet, content: 5 })),
      ];
      const whole = new ToyBench();
      whole.sequencer.push(toyFrames(packets));
      const cut = new ToyBench({ batchMessages: rows });
      for (let at = 0, i = 0; at < packets.length; i++) {
        const size = sizes[i % sizes.length];
        cut.sequencer.push(toyFrames(packets.slice(at, at + size)));
        at += size;
      }
      whole.finish();
      cut.finish();
      expect(cut.words, say(packets)).toBe(whole.words);
      const bare = (bench: ToyBench) => ({ ...bench.sequencer.stats(), heldMemoryBytes: 0 });
      expect(bare(cut), say(packets)).toEqual(bare(whole));
    }),
  );
});

test("a small buffer loses more, and never order, number or count", () => {
  const sizes = fc.record({
    windowMessages: fc.integer({ min: 1, max: 12 }),
    windowBytes: fc.constantFrom(0, 13_000, 1e6),
    fromStart: fc.boolean(),
  });
  check(
    fc.property(plan, sizes, (chosen, options) => {
      const packets = arrivals(chosen);
      const bench = new ToyBench(options).push(...packets).finish();
      const rows = bench.delivered.filter((row) => row.kind === MessageKind.Message);
      for (let i = 1; i < rows.length; i++) {
        expect(rows[i].sequence, say(packets)).toBeGreaterThan(rows[i - 1].sequence);
      }
      const [stream] = bench.sequencer.stats().streams;
      if (stream === undefined) return;
      expect(rows.length).toBe(stream.messages);
      const range = stream.highWaterMark - stream.first + 1;
      expect(stream.messages + stream.lost, say(packets)).toBe(range);
    }),
  );
});

test("a restart never mixes epochs, and its messages are delivered once, in order", () => {
  const pair = fc.record({ one: plan, two: plan, lagMs: fc.nat(300) });
  check(
    fc.property(pair, ({ one, two, lagMs }) => {
      const old = arrivals(one);
      const starts = (old.at(-1)?.at ?? 0) - lagMs;
      const fresh = arrivals({ ...two, first: 1 }, (n) => 1e6 + n, Math.max(0, starts));
      const marked = fresh.map((packet) =>
        packet.kind === HEARTBEAT ? packet : { ...packet, content: 2e6 },
      );
      const packets = [...old, ...marked].sort((x, y) => x.at - y.at);
      const bench = new ToyBench().push(...packets).finish();
      let isNew = false;
      let last = -1;
      for (const row of bench.delivered) {
        if (row.kind === MessageKind.Epoch) {
          isNew = true;
          last = -1;
        }
        if (row.kind !== MessageKind.Message) continue;
        expect(row.sequence, say(packets)).toBeGreaterThan(last);
        last = row.sequence;
        if (isNew) expect(row.content, say(packets)).toBe(2e6);
      }
      for (const epoch of bench.sequencer.ledger.epochs.list()) {
        const range = epoch.highWaterMark - epoch.first + 1;
        expect(epoch.delivered + epoch.lost, say(packets)).toBe(range);
      }
    }),
  );
});

test("a restart that one line brings whole is found, and all of it delivered", () => {
  const least = plan.filter((chosen) => chosen.packets.length >= 2);
  check(
    fc.property(plan, least, (one, two) => {
      const old = arrivals(one);
      fc.pre(old.some((packet) => packet.kind !== HEARTBEAT));
      const whole = { drop: false, delayMs: 0, copies: 1 as const, conflict: false };
      const packets = two.packets.map((packet) => ({ ...packet, a: whole }));
      const starts = (old.at(-1)?.at ?? 0) + 1;
      const fresh = arrivals({ ...two, packets, first: 1 }, (n) => 1e6 + n, starts);
      const marked = fresh.map((packet) =>
        packet.kind === HEARTBEAT ? packet : { ...packet, content: 2e6 },
      );
      const bench = new ToyBench().push(...old, ...marked).finish();
      const story = say([...old, ...marked]);
      expect(bench.sequencer.stats().restarts, story).toBe(1);
      const count = two.packets.reduce((sum, packet) => sum + packet.messages, 0);
      const delivered = bench.delivered.filter((row) => row.content === 2e6);
      expect(
        delivered.map((row) => row.sequence),
        story,
      ).toEqual(Array.from({ length: count }, (_, i) => i + 1));
    }),
  );
});

test("no packets whatever break order, counts or bounds", () => {
  const odd = fc.constantFrom(0, 1, 2, 3, 4, 5, 300, 301, 5000, 2 ** 31, 2 ** 32, 2 ** 53, -1, 0.5);
  const packet: fc.Arbitrary<ToyPacket> = fc.record({
    at: fc.oneof(fc.nat(400), fc.constantFrom(0, 1e9, -1e9)),
    line: fc.constantFrom("A" as const, "B" as const),
    stream: fc.nat(5),
    kind: fc.constantFrom(0, 0, 0, 1, 2),
    session: fc.constantFrom(0, 0, 0, 1, 2),
    sequence: fc.oneof(odd, fc.nat(30)),
    messages: fc.nat(3),
    numbers: fc.oneof(fc.nat(4), fc.nat(200)),
    time: fc.oneof(fc.nat(60), fc.constant(Number.NaN)),
  });
  const options = { windowMessages: 20, windowBytes: 60_000, maxStreams: 4 };
  check(
    fc.property(fc.array(packet, { maxLength: 120 }), (packets) => {
      const bench = new ToyBench(options);
      for (const each of packets) {
        bench.push(each);
        expect(bench.sequencer.stats().heldMemoryBytes).toBeLessThanOrEqual(60_000);
      }
      bench.finish();
      const last = new Map<number, number>();
      for (const row of bench.delivered) {
        if (row.kind === MessageKind.Epoch) last.delete(row.stream);
        if (row.kind !== MessageKind.Message) continue;
        expect(row.sequence).toBeGreaterThan(last.get(row.stream) ?? -1);
        last.set(row.stream, row.sequence);
      }
      expect(bench.sequencer.streams.length).toBeLessThanOrEqual(4);
      for (const epoch of bench.sequencer.ledger.epochs.list()) {
        expect(epoch.delivered + epoch.lost).toBe(epoch.highWaterMark - epoch.first + 1);
      }
    }),
  );
});
