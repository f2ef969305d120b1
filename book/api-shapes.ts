/**
 * What the API takes and answers, as schemas: `/openapi.json` is made from them, tests hold every
 * answer against them, and the TypeScript client has its types from them.
 *
 * Times are strings of nanoseconds since 1970 UTC, prices decimal strings, sequence numbers and ids
 * strings: all of them can pass 2^53.
 */
import { z } from "zod";

const ns = z
  .string()
  .regex(/^\d{1,19}$/)
  .describe("Nanoseconds since 1970 UTC.");
const digits = z.string().regex(/^\d{1,20}$/);
const decimal = z
  .string()
  .regex(/^-?\d+(\.\d+)?$/)
  .describe("Exact decimal.");
const count = z.number().int().min(0);

export const Failure = z
  .object({ code: z.string(), message: z.string(), hint: z.string() })
  .describe("What is wrong, and how to mend it.");

export const Level = z.object({ price: decimal, size: count, orders: count });

const named = {
  feed: z.string(),
  token: z.string().describe("Instrument as its feed names it."),
  symbol: z.string().nullable(),
  stream: z.number().int(),
};
const state = z.enum(["silent", "live", "held", "lost", "joined_late"]);
const flags = z.string().describe("Set of letters: S V G J X L T.");

export const Book = z.object({
  ...named,
  sequence: digits.nullable(),
  ts_recv: ns.nullable(),
  ts_event: ns.nullable(),
  flags,
  state,
  doubtful: z.boolean().describe("A gap was lost, or the stream was joined late."),
  crossed: z.boolean(),
  bids: z.array(Level),
  asks: z.array(Level),
});

export const ListedBook = z.object({
  ...named,
  state,
  doubtful: z.boolean(),
  bid: Level.nullable(),
  ask: Level.nullable(),
});

export const Books = z.object({
  total: count.describe("Instruments that fit, on this page or not."),
  books: z.array(ListedBook),
  next: z.string().nullable().optional().describe("`after` of the next page; null: the last one."),
});

export const Trade = z.object({
  ts_recv: ns.nullable(),
  ts_event: ns.nullable(),
  stream: z.number().int(),
  sequence: digits,
  token: z.string(),
  price: decimal.nullable(),
  size: count,
  side: z.enum(["B", "A", "N"]),
  trade_id: digits.nullable(),
  buy_order_id: digits.nullable(),
  sell_order_id: digits.nullable(),
  action: z.enum(["T", "B"]),
  flags,
});

export const Trades = z.object({
  feed: z.string(),
  token: z.string(),
  total: count.describe("Trades there ever were; only the newest are kept."),
  trades: z.array(Trade),
  next: z.string().nullable().describe("`before` of the next page; null: nothing older is kept."),
});

export const Queue = z.object({
  feed: z.string(),
  token: z.string(),
  side: z.enum(["B", "A"]),
  price: decimal,
  orders: z.array(z.object({ order_id: digits, size: count, position: count })),
});

const Line = z.object({
  line: z.string(),
  first: count,
  share: z.number(),
  brought: count,
  missed: count,
  conflicts: count,
  late: count,
});

export const Stream = z.looseObject({
  feed: z.string(),
  stream: z.number().int(),
  epoch: count,
  state,
  doubtful: z.boolean(),
  flags,
  high_water_mark: digits.nullable(),
  position: digits.nullable(),
  messages: count,
  messages_per_second: z.number(),
  lost: count,
  open_gaps: count,
  held_messages: count,
  live_orders: count,
  instruments: count,
  lines: z.array(Line),
});

export const Streams = z.object({ streams: z.array(Stream) });

export const Gap = z.object({
  feed: z.string(),
  stream: z.number().int(),
  epoch: count,
  from: digits,
  to: digits,
  count,
  state: z.enum(["held", "repaired", "lost"]),
  detected: ns.nullable(),
  closed: ns.nullable(),
  cause: z.string(),
  end: z.enum(["filled", "window", "buffer", "epoch", "end"]).nullable(),
  repaired_by: z.string().nullable(),
});

const StreamEvent = z.looseObject({
  feed: z.string(),
  stream: z.number().int(),
  epoch: count,
  sequence: digits,
  at: ns,
});

export const Gaps = z.object({
  total: count.describe("Gaps in the ledger, on this page or not."),
  gaps: z.array(Gap).describe("Open ones first, then lost, then repaired ones, newest first."),
  lost_chunks: z.array(
    z.object({
      collector: z.string(),
      boot: digits,
      feed: z.string(),
      stream: z.number().int(),
      from: count,
      to: count,
    }),
  ),
  snapshots: z.array(StreamEvent),
  clears: z.array(StreamEvent),
});

export const Dates = z.object({ dates: z.array(z.string()) });
export const Day = z.object({ date: z.string(), certificates: z.array(z.looseObject({})) });
export const Ready = z.object({ ready: z.boolean(), reason: z.string() });
export const Version = z.object({ name: z.literal("edgebook"), version: z.string() });
export const System = z.looseObject({
  version: z.string(),
  uptime_seconds: z.number(),
  memory_bytes: count,
  clients: count,
});
export const Cleared = z.object({
  feed: z.string(),
  stream: z.number().int(),
  cleared: z.literal(true),
  by: z
    .string()
    .nullable()
    .describe("The collector whose chunk holds it; null: only this service."),
});

/** By the name that they have in `/openapi.json`. */
export const SHAPES = {
  Error: Failure,
  Level,
  Book,
  Books,
  ListedBook,
  Trade,
  Trades,
  Queue,
  Stream,
  Streams,
  Gap,
  Gaps,
  Dates,
  Day,
  Ready,
  Version,
  System,
  Cleared,
} as const;
