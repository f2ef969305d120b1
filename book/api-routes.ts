/** Every path of the API: what it does, what may be asked, which shape it answers. */
import { z } from "zod";
import type { SHAPES } from "./api-shapes.ts";
import { LIVE_SCHEMAS } from "./live-subscriber.ts";

export interface Route {
  readonly method: "get" | "post";
  readonly path: string;
  /** Name of the operation, for clients that are generated. */
  readonly id: string;
  readonly summary: string;
  readonly parameters: Readonly<Record<string, z.ZodType>>;
  /** Type of an answer that is no JSON, or the shape that it has. */
  readonly answer: keyof typeof SHAPES | { readonly type: string };
  /** The list in the answer that `Accept: application/x-ndjson` gives row by row. */
  readonly rows?: string;
}

/** As they come in a query: digits. */
const limit = (most: number, fallback: number) =>
  z.coerce.number().int().min(1).max(most).default(fallback).describe("Rows at most.");
const feed = z.string().describe("Feed id, such as nse-fo.");
const token = z.string().describe("Instrument as its feed names it.");
const text = (does: string) => z.string().optional().describe(does);
const plain = { type: "text/plain" };

const HEALTH: readonly Route[] = [
  get("/ping", "ping", "Answers as soon as the process runs.", {}, plain),
  get("/ready", "ready", "200 once chunks may come; 503 before.", {}, "Ready"),
  get("/version", "version", "Name and version.", {}, "Version"),
  get("/metrics", "metrics", "Metrics in the Prometheus text format.", {}, plain),
];

const BOOKS: readonly Route[] = [
  {
    ...get("/v1/streams", "streams", "Every stream: state, rate, position, lines.", {}, "Streams"),
    rows: "streams",
  },
  {
    ...get(
      "/v1/books",
      "books",
      "Instruments with their best prices: the busiest, or all by name, page by page (`after`).",
      {
        search: text("Part of a token or symbol."),
        feed: text("Only this feed."),
        limit: limit(500, 50),
        after: text("All by feed and token: what `next` said, empty for the first page."),
      },
      "Books",
    ),
    rows: "books",
  },
  get(
    "/v1/books/{feed}/{token}",
    "book",
    "One book.",
    {
      feed,
      token,
      depth: z.coerce.number().int().min(1).max(1000).default(10).describe("Levels of each side."),
    },
    "Book",
  ),
  {
    ...get(
      "/v1/books/{feed}/{token}/queue",
      "queue",
      "The orders of one price level, next to be executed first.",
      {
        feed,
        token,
        side: z.enum(["B", "A"]).optional().describe("B or A; it has to be given."),
        price: text("Decimal, such as 70.20; it has to be given."),
      },
      "Queue",
    ),
    rows: "orders",
  },
  {
    ...get(
      "/v1/trades/{feed}/{token}",
      "trades",
      "Newest trades first, page by page (`before`).",
      { feed, token, limit: limit(1000, 50), before: text("Older ones: what `next` said.") },
      "Trades",
    ),
    rows: "trades",
  },
  {
    ...get(
      "/v1/gaps",
      "gaps",
      "Gaps that are open, lost or repaired; chunks that were lost.",
      {
        limit: limit(10_000, 1000),
        offset: z.coerce.number().int().min(0).default(0).describe("Gaps left out."),
      },
      "Gaps",
    ),
    rows: "gaps",
  },
];

const REST: readonly Route[] = [
  get(
    "/v1/system",
    "system",
    "The service itself: memory, delays, sources, shards, and the collectors it knows.",
    {},
    "System",
  ),
  get(
    "/v1/replay",
    "replay",
    "Rows of a recorded day from the history server of --history; a WebSocket can steer it.",
    {
      schema: text("mbo, mbp-10, trades and so on."),
      token: text("Only this instrument."),
      from: text("ISO 8601 or nanoseconds."),
      until: text("ISO 8601 or nanoseconds."),
      speed: text("1x, 50000pps, max."),
    },
    { type: "application/x-ndjson" },
  ),
  get("/v1/certificates", "dates", "The days of which there are certificates.", {}, "Dates"),
  get(
    "/v1/certificates/{date}",
    "certificates",
    "The day's certificates as they stand: one for each epoch of a stream.",
    { date: z.iso.date().describe("YYYY-MM-DD.") },
    "Day",
  ),
  get(
    "/v1/live",
    "live",
    "WebSocket, or NDJSON with 'Accept: application/x-ndjson': docs/API.md has the messages.",
    {
      format: z.enum(["json", "msgpack"]).optional().describe("Of a WebSocket's messages."),
      heartbeat_interval_s: z.coerce.number().int().min(1).max(1800).default(30),
      feed: text("NDJSON: what is subscribed to."),
      token: text("NDJSON: one, or several with commas."),
      schema: z.enum(LIVE_SCHEMAS).optional().describe("NDJSON; mbp-10 unless told."),
      start: text("NDJSON: nanoseconds since 1970 or 0; trades and mbo."),
      cursor: text("NDJSON: go on behind this row; trades and mbo."),
    },
    { type: "application/x-ndjson" },
  ),
  {
    ...get(
      "/v1/streams/{feed}/{stream}/clear",
      "clear",
      "Drops every book of a stream whose orders the exchange dropped without a word, at one " +
        "place for all who read its collector's chunks; by: null where only this service did.",
      { feed, stream: z.string().describe("The exchange's number of the stream.") },
      "Cleared",
    ),
    method: "post",
  },
];

export const ROUTES: readonly Route[] = [...HEALTH, ...BOOKS, ...REST];

function get(
  path: string,
  id: string,
  summary: string,
  parameters: Route["parameters"],
  answer: Route["answer"],
): Route {
  return { method: "get", path, id, summary, parameters, answer };
}
