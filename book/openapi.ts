/** What `/openapi.json` says: every path, its parameters, its answers. */
import { LIVE_SCHEMAS } from "./live-subscriber.ts";

interface Parameter {
  readonly name: string;
  readonly place: "path" | "query";
  readonly doc: string;
}

const FEED: Parameter = { name: "feed", place: "path", doc: "Feed id, such as nse-fo." };
const TOKEN: Parameter = { name: "token", place: "path", doc: "Instrument as its feed names it." };
const LIMIT: Parameter = { name: "limit", place: "query", doc: "Rows at most." };

const PATHS: readonly (readonly [path: string, does: string, parameters: readonly Parameter[]])[] =
  [
    ["/ping", "Answers as soon as the process runs.", []],
    ["/ready", "200 once chunks may come; 503 before.", []],
    ["/version", "Name and version.", []],
    ["/metrics", "Metrics in the Prometheus text format.", []],
    ["/v1/streams", "Every stream: state, rate, position, lines.", []],
    [
      "/v1/books",
      "Instruments with their best prices.",
      [
        { name: "search", place: "query", doc: "Part of a token or symbol." },
        { name: "feed", place: "query", doc: "Only this feed." },
        LIMIT,
      ],
    ],
    [
      "/v1/books/{feed}/{token}",
      "One book.",
      [FEED, TOKEN, { name: "depth", place: "query", doc: "Levels of each side; 10 unless told." }],
    ],
    [
      "/v1/books/{feed}/{token}/queue",
      "The orders of one price level, next to be executed first.",
      [
        FEED,
        TOKEN,
        { name: "side", place: "query", doc: "B or A." },
        { name: "price", place: "query", doc: "Decimal, such as 70.20." },
      ],
    ],
    ["/v1/trades/{feed}/{token}", "Newest trades first.", [FEED, TOKEN, LIMIT]],
    ["/v1/gaps", "Gaps that are open, repaired or lost; chunks that were lost.", []],
    [
      "/v1/system",
      "The service itself: memory, delays, sources, shards, and the collectors it knows.",
      [],
    ],
    [
      "/v1/replay",
      "Rows of a recorded day from the history server of --history; a WebSocket can steer it.",
      [
        { name: "schema", place: "query", doc: "mbo, mbp-10, trades and so on." },
        { name: "token", place: "query", doc: "Only this instrument." },
        { name: "from", place: "query", doc: "ISO 8601 or nanoseconds." },
        { name: "until", place: "query", doc: "ISO 8601 or nanoseconds." },
        { name: "speed", place: "query", doc: "1x, 50000pps, max." },
      ],
    ],
    ["/v1/certificates", "The days of which there are certificates.", []],
    [
      "/v1/certificates/{date}",
      "The day's certificates as they stand: one for each epoch of a stream.",
      [{ name: "date", place: "path", doc: "YYYY-MM-DD." }],
    ],
    [
      "/v1/live",
      `WebSocket: subscribe by feed, token and schema (${LIVE_SCHEMAS.join(", ")}).`,
      [{ name: "format", place: "query", doc: "json (default) or msgpack." }],
    ],
  ];

/** What an operator may change. */
const COMMANDS: typeof PATHS = [
  [
    "/v1/streams/{feed}/{stream}/clear",
    "Drops every book of a stream whose orders the exchange dropped without a word, at one place " +
      "for all who read its collector's chunks; by: null where only this service did.",
    [FEED, { name: "stream", place: "path", doc: "The exchange's number of the stream." }],
  ],
];

function operation(summary: string, parameters: readonly Parameter[]): object {
  return {
    summary,
    parameters: parameters.map(({ name, place, doc }) => ({
      name,
      in: place,
      required: place === "path",
      description: doc,
      schema: { type: "string" },
    })),
    responses: {
      "200": { description: "The answer." },
      default: {
        description: "What is wrong, and how to mend it.",
        content: { "application/json": { schema: { $ref: "#/components/schemas/Error" } } },
      },
    },
  };
}

export function openApi(version: string): object {
  const paths: Record<string, object> = {};
  for (const [path, summary, parameters] of PATHS) {
    paths[path] = { get: operation(summary, parameters) };
  }
  for (const [path, summary, parameters] of COMMANDS) {
    paths[path] = { post: operation(summary, parameters) };
  }
  const text = { type: "string" };
  return {
    openapi: "3.1.0",
    info: {
      title: "edgebook",
      version,
      description: "Times are strings of nanoseconds since 1970 UTC, prices decimal strings.",
    },
    paths,
    components: {
      schemas: {
        Error: {
          type: "object",
          required: ["code", "message", "hint"],
          properties: { code: text, message: text, hint: text },
        },
      },
    },
  };
}

/** The paths of the description, for the test that asks each of them. */
export const API_PATHS: readonly string[] = PATHS.map(([path]) => path);

/** Those that change something: POST. */
export const COMMAND_PATHS: readonly string[] = COMMANDS.map(([path]) => path);
