/**
 * Random worlds for the as-of join: streams of messages that give events and quotes, how they reach
 * the join, and the rows that come out. `AsOfWorld.items` is the plain list that models and DuckDB
 * are given.
 */
import fc from "fast-check";
import { AsOfJoin, type AsOfStats } from "../book/asof/asof-join.ts";
import { AsOfEvent, AsOfFlag, AsOfQuote, type JoinedBatch } from "../book/asof/joined-batch.ts";
import type { AsOfOptions } from "../book/asof/options.ts";

/** One message of a stream; time in ns after the stream's message before it (it may step back). */
export interface WorldMessage {
  readonly stepNs: number;
  /** Keys that events of the message ask for. */
  readonly events: readonly number[];
  /** Keys whose quote the message moves; only the stream's own are used. */
  readonly quotes: readonly number[];
  readonly before: "nothing" | "gap" | "epoch";
}

export interface World {
  readonly streams: readonly (readonly WorldMessage[])[];
  /** Places of the streams at equal times. */
  readonly orders: readonly number[];
  readonly options: Partial<AsOfOptions>;
  /** Which stream delivers next; the clock goes on at each. */
  readonly turns: readonly { readonly stream: number; readonly waitNs: number }[];
}

/** Keys 0 to 5; key `k` is quoted by stream `k % streams`. */
export const KEYS = 6;
/** Seconds differ too: times lie around this one's end. */
const BASE_NS = 1_700_000_000_999_999_990n;

export interface Item {
  readonly kind: "event" | "quote" | "gap";
  readonly id: number;
  readonly stream: number;
  readonly order: number;
  readonly key: number;
  /** Exchange time as the exchange says it. */
  readonly timeNs: bigint;
  readonly sequence: number;
  /** Position of its message in its stream, over all epochs; an item's place in it. */
  readonly ordinal: number;
}

const message: fc.Arbitrary<WorldMessage> = fc.record({
  stepNs: fc.oneof({ weight: 6, arbitrary: fc.nat(4) }, fc.constantFrom(-3, 40, 1_000_000_000)),
  events: fc.array(fc.nat(KEYS - 1), { maxLength: 2 }),
  quotes: fc.uniqueArray(fc.nat(KEYS - 1), { maxLength: 3 }),
  before: fc.oneof(
    { weight: 12, arbitrary: fc.constant("nothing" as const) },
    fc.constantFrom("gap" as const, "epoch" as const),
  ),
});

/** @param perStream messages of a stream, at most */
export function worlds(perStream: number, more: fc.Arbitrary<Partial<AsOfOptions>>) {
  return fc.record({
    streams: fc.array(fc.array(message, { maxLength: perStream, size: "max" }), {
      minLength: 1,
      maxLength: 3,
    }),
    orders: fc.constantFrom([1, 2, 3], [3, 1, 2], [7, 5, 2]),
    options: fc
      .tuple(
        fc.record({
          strategy: fc.constantFrom("backward" as const, "forward" as const, "nearest" as const),
          toleranceNs: fc.constantFrom(Number.POSITIVE_INFINITY, 0, 1, 5, 1_000_000_002),
          allowExactMatches: fc.boolean(),
          batchRows: fc.constantFrom(1, 7, 1024),
        }),
        more,
      )
      .map(([common, rest]) => ({ ...common, ...rest })),
    turns: fc.array(fc.record({ stream: fc.nat(2), waitNs: fc.constantFrom(0, 0, 0, 400, 1500) }), {
      maxLength: perStream * 4,
    }),
  });
}

/** Every item of the world in its stream's order. */
export function itemsOf({ streams, orders }: World): Item[][] {
  let id = 0;
  return streams.map((messages, stream) => {
    const items: Item[] = [];
    let timeNs = BASE_NS;
    let sequence = 0;
    messages.forEach(({ stepNs, events, quotes, before }, at) => {
      timeNs += BigInt(stepNs);
      sequence = before === "epoch" ? 1 : sequence + 1;
      const common = { stream, order: orders[stream], timeNs, sequence, ordinal: at + 1 };
      if (before === "gap") items.push({ ...common, kind: "gap", id: -1, key: -1 });
      for (const key of events) items.push({ ...common, kind: "event", id: id++, key });
      for (const key of quotes) {
        if (key % streams.length === stream) {
          items.push({ ...common, kind: "quote", id: id++, key });
        }
      }
    });
    return items;
  });
}

export interface Answer {
  /** Id of the quote; -1: none. */
  readonly quote: number;
  /** `AsOfFlag` bits. */
  readonly verdict: number;
}

/** Runs the join over the world; answers by the event's id. */
export function joinWorld(world: World): { answers: Map<number, Answer>; stats: AsOfStats } {
  const answers = new Map<number, Answer>();
  const take = (batch: JoinedBatch) => {
    for (let row = 0; row < batch.count; row++) {
      const verdict = batch.verdict[row];
      const id = batch.price[row];
      if (answers.has(id)) throw new Error(`event ${id} was answered twice`);
      const quote = verdict & AsOfFlag.Matched ? batch.bidPrice[row] : -1;
      answers.set(id, { quote, verdict });
    }
  };
  const join = new AsOfJoin({ write: take }, world.options);
  for (const order of world.orders.slice(0, world.streams.length)) join.addStream(order);
  for (let key = 0; key < KEYS; key++) join.addKey();
  const next = world.streams.map(() => 0);
  const items = itemsOf(world);
  let nowNs = 0;
  const deliver = (stream: number) => {
    const at = next[stream]++;
    if (world.streams[stream][at].before === "epoch") join.epoch(stream);
    for (const item of items[stream]) if (item.ordinal === at + 1) push(join, item);
  };
  for (const { stream, waitNs } of world.turns) {
    nowNs += waitNs;
    if (waitNs > 0) join.advance(nowNs);
    if (stream < next.length && next[stream] < world.streams[stream].length) deliver(stream);
  }
  for (let stream = 0; stream < next.length; stream++) {
    while (next[stream] < world.streams[stream].length) deliver(stream);
  }
  join.finish();
  return { answers, stats: join.stats };
}

const event = new AsOfEvent();
const quote = new AsOfQuote();

function push(join: AsOfJoin, item: Item): void {
  if (item.kind === "gap") {
    join.gap(item.stream);
    return;
  }
  const target = item.kind === "event" ? event : quote;
  target.stream = item.stream;
  target.key = item.key;
  target.sec = Number(item.timeNs / 1_000_000_000n);
  target.nsec = Number(item.timeNs % 1_000_000_000n);
  target.sequence = item.sequence;
  if (target === event) {
    event.price = item.id;
    join.event(event);
  } else {
    quote.bidPrice = item.id;
    join.quote(quote);
  }
}
