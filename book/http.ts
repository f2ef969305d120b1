/**
 * The HTTP face of the book service: a Hono application over a `BookApi`. No sockets here; a request
 * goes in and a response comes out, so that tests ask it directly.
 *
 * Every answer carries a strict content security policy: the page runs nothing but its own files and
 * talks to nobody but this service.
 */
import { Hono } from "hono";
import type { ContentfulStatusCode } from "hono/utils/http-status";
import { integer } from "./api-number.ts";
import type { BookApi } from "./book-api.ts";
import { ApiError } from "./http-error.ts";
import { answered, gapsPage } from "./http-formats.ts";
import type { ServiceMetrics } from "./metrics.ts";
import { openApi } from "./openapi.ts";
import { rowsDescriptor, rowsProto } from "./rows/protobuf-schema.ts";

export interface HttpOptions {
  readonly version: string;
  /** False until chunks may come; then what is still missing. */
  readonly readiness: () => { readonly ready: boolean; readonly reason: string };
  readonly metrics: () => ServiceMetrics;
  /** What `/v1/system` says besides: sources, collectors. */
  readonly around?: () => Promise<object>;
  /** Answers `/v1/replay`; absent: there is no recorded day. */
  readonly replay?: (search: string, gone: AbortSignal) => Promise<Response>;
  /** Files of the page by path, with their type. */
  readonly page: ReadonlyMap<string, PageFile>;
  /** Told of what nobody expected; the client gets `failed`. */
  readonly onError: (error: Error) => void;
}

export interface PageFile {
  readonly type: string;
  readonly text: string;
}

const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** Gaps on one page of the ledger, and how far pages go. */
const GAPS_LIMIT = 10_000;
const GAPS_OFFSET_LIMIT = 1_000_000;

export function httpApp(api: BookApi, options: HttpOptions): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    await next();
    c.header("Content-Security-Policy", POLICY);
    c.header("X-Content-Type-Options", "nosniff");
    c.header("Referrer-Policy", "no-referrer");
    c.header("Cache-Control", "no-store");
  });
  serviceRoutes(app, api, options);
  apiRoutes(app, api);
  systemRoutes(app, api, options);
  for (const [path, { type, text }] of options.page) {
    app.get(path, (c) => c.body(text, 200, { "Content-Type": type }));
  }
  app.notFound((c) => {
    const error = new ApiError("not_found", `there is nothing at ${c.req.path}`);
    return c.json(error.body(), 404);
  });
  app.onError((error, c) => {
    const known = error instanceof ApiError ? error : new ApiError("failed", "the request failed");
    if (known !== error) options.onError(error);
    return c.json(known.body(), known.status as ContentfulStatusCode);
  });
  return app;
}

function serviceRoutes(app: Hono, api: BookApi, options: HttpOptions): void {
  app.get("/ping", (c) => c.text("pong"));
  app.get("/ready", (c) => {
    const { ready, reason } = options.readiness();
    return c.json({ ready, reason }, ready ? 200 : 503);
  });
  app.get("/version", (c) => c.json({ name: "edgebook", version: options.version }));
  app.get("/metrics", async (c) =>
    c.body(await api.metrics(options.metrics()), 200, {
      "Content-Type": "text/plain; version=0.0.4; charset=utf-8",
    }),
  );
  // By these anybody decodes the rows that `book --events` sends.
  app.get("/schemas", (c) => {
    const type = "application/x-protobuf; messageType=google.protobuf.FileDescriptorSet";
    return c.body(rowsDescriptor().slice().buffer, 200, { "Content-Type": type });
  });
  app.get("/schemas/rows.proto", (c) => c.text(rowsProto()));
  app.get("/openapi.json", (c) => c.json(openApi(options.version)));
}

function systemRoutes(app: Hono, api: BookApi, options: HttpOptions): void {
  app.get("/v1/system", async (c) => {
    const { uptimeSeconds, memoryBytes, clients } = options.metrics();
    const [books, around] = await Promise.all([api.system(), options.around?.()]);
    return c.json({
      version: options.version,
      uptime_seconds: uptimeSeconds,
      memory_bytes: memoryBytes,
      clients,
      ...{ sources: [], collectors: [], history: false },
      ...books,
      ...around,
    });
  });
  app.get("/v1/replay", (c) => {
    if (options.replay === undefined) {
      throw new ApiError("no_history", "this service knows no recorded day");
    }
    return options.replay(new URL(c.req.url).search, c.req.raw.signal);
  });
}

function apiRoutes(app: Hono, api: BookApi): void {
  app.get("/v1/streams", async (c) => answered(c, await api.streams(), "streams"));
  app.post("/v1/streams/:feed/:stream/clear", async (c) => {
    demandOwnOrigin(c.req.header("origin"), c.req.header("host"), c.req.header("sec-fetch-site"));
    return answered(c, await api.clear(c.req.param("feed"), c.req.param("stream")));
  });
  app.get("/v1/books", async (c) => {
    const { search = "", feed = "", limit = "", after } = c.req.query();
    return answered(c, await api.books(search, feed, limit, after), "books");
  });
  app.get("/v1/books/:feed/:token", async (c) => {
    const { feed, token } = c.req.param();
    return answered(c, await api.book(feed, token, c.req.query("depth") ?? ""));
  });
  app.get("/v1/books/:feed/:token/queue", async (c) => {
    const { feed, token } = c.req.param();
    const { side = "", price = "" } = c.req.query();
    return answered(c, await api.queue(feed, token, side, price), "orders");
  });
  app.get("/v1/trades/:feed/:token", async (c) => {
    const { feed, token } = c.req.param();
    const { limit = "", before = "" } = c.req.query();
    return answered(c, await api.trades(feed, token, limit, before), "trades");
  });
  app.get("/v1/gaps", async (c) => {
    const limit = integer("limit", c.req.query("limit") ?? "", 1000, GAPS_LIMIT);
    const offset = integer("offset", c.req.query("offset") ?? "", 0, GAPS_OFFSET_LIMIT, 0);
    return answered(c, gapsPage(await api.gaps(), limit, offset), "gaps");
  });
  app.get("/v1/certificates", async (c) => answered(c, await api.certificateDates()));
  app.get("/v1/certificates/:date", async (c) =>
    answered(c, await api.certificate(c.req.param("date"))),
  );
  app.get("/v1/live", () => {
    throw new ApiError("not_websocket", "/v1/live speaks WebSocket");
  });
}

/** A page of another origin must not give commands through an operator's browser. */
function demandOwnOrigin(
  origin: string | undefined,
  host: string | undefined,
  site: string | undefined,
): void {
  const isForeign = site !== undefined && site !== "same-origin" && site !== "none";
  const named = origin === undefined || (URL.canParse(origin) && new URL(origin).host === host);
  if (isForeign || !named) throw new ApiError("other_origin", "a page of another origin asked");
}
