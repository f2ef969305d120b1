/**
 * Edge: `replay --serve HOST:PORT`: history for many clients, each at its own place and speed. GET
 * /v1/replay answers rows as NDJSON; the same address as a WebSocket takes pause, resume, step,
 * speed and seek besides. A lost gap is a record of its own among the rows.
 */
import type { ServerWebSocket } from "bun";
import { Hono } from "hono";
import { listenError } from "../book/service-error.ts";
import { asCliError, CliError } from "./errors.ts";
import { type HistoryQuery, parseHistoryQuery } from "./history-query.ts";
import { type HistoryOut, HistorySession, type HistorySource } from "./history-session.ts";
import { errorBody, jsonObject, stateOf, steer } from "./replay-control.ts";
import type { Listener, ReplayDoor } from "./replay-door.ts";

const SESSIONS_LIMIT = 16;
const WAITING_BYTES_LIMIT = 1 << 20;
const MESSAGE_BYTES_LIMIT = 16 << 10;

interface Connection {
  readonly query: HistoryQuery;
  session: HistorySession | undefined;
  readonly abort: AbortController;
  drained: () => void;
}

export class HistoryServer {
  private readonly source: HistorySource;
  private readonly open = new Set<AbortController>();

  constructor(source: HistorySource) {
    this.source = source;
  }

  app(): Hono {
    const app = new Hono();
    app.get("/ping", (c) => c.text("pong"));
    app.get("/v1/replay", (c) => this.stream(new URL(c.req.url).searchParams, c.req.raw.signal));
    app.notFound((c) => {
      const hint = "GET /v1/replay?schema=mbo&speed=max, or open it as a WebSocket.";
      const error = new CliError("bad_argument", `There is nothing at ${c.req.path}.`, hint);
      return c.json(errorBody(error), 404);
    });
    app.onError((thrown) => refusal(thrown));
    return app;
  }

  /** @throws ServiceError if nobody may listen there */
  listen(door: ReplayDoor): Listener {
    const { hostname, port } = door.address;
    const app = this.app();
    try {
      const server = Bun.serve<Connection>({
        ...door.address,
        idleTimeout: 0,
        maxRequestBodySize: 1 << 14,
        fetch: (request, self) => {
          const refusal = door.check(request);
          if (refusal !== undefined) return refusal;
          return this.isUpgrade(request) ? this.upgrade(request, self) : app.fetch(request);
        },
        websocket: {
          maxPayloadLength: MESSAGE_BYTES_LIMIT,
          backpressureLimit: WAITING_BYTES_LIMIT * 8,
          open: (socket) => void this.serve(socket),
          message: (socket, message) => hear(socket, String(message)),
          drain: (socket) => socket.data.drained(),
          close: (socket) => {
            socket.data.abort.abort();
            socket.data.drained();
          },
        },
      });
      return {
        url: door.urlOf(server.port),
        close: async () => {
          for (const abort of this.open) abort.abort();
          await server.stop(true);
        },
      };
    } catch (cause) {
      throw listenError(door.flag, hostname, port, cause as Error);
    }
  }

  /** Rows as the body of an answer; what is wrong before the first of them is the answer. */
  private async stream(asked: URLSearchParams, gone: AbortSignal): Promise<Response> {
    const query = parseHistoryQuery(asked);
    const abort = this.begin();
    gone.addEventListener("abort", () => abort.abort());
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
    const writer = writable.getWriter();
    writer.closed.catch(() => abort.abort());
    const session = this.session(query, (lines) => writer.write(lines));
    const running = session
      .run(abort.signal)
      .catch((error) => writer.write(errorLine(error)))
      .then(() => writer.close())
      .catch(() => {})
      .finally(() => this.open.delete(abort));
    try {
      await session.opened;
    } catch (error) {
      readable.cancel().catch(() => {});
      await running;
      return refusal(error);
    }
    return new Response(readable, { headers: { "Content-Type": "application/x-ndjson" } });
  }

  private isUpgrade(request: Request): boolean {
    const { pathname } = new URL(request.url);
    const upgrade = request.headers.get("upgrade")?.toLowerCase();
    return pathname === "/v1/replay" && upgrade === "websocket";
  }

  private upgrade(request: Request, server: Bun.Server<Connection>): Response | undefined {
    try {
      const query = parseHistoryQuery(new URL(request.url).searchParams);
      const abort = this.begin();
      const data: Connection = { query, session: undefined, abort, drained: () => {} };
      if (server.upgrade(request, { data })) return undefined;
      this.open.delete(abort);
      return new Response("no WebSocket", { status: 400 });
    } catch (error) {
      return refusal(error);
    }
  }

  private async serve(socket: ServerWebSocket<Connection>): Promise<void> {
    const { data } = socket;
    try {
      data.session = this.session(data.query, (lines) => sent(socket, lines));
      await data.session.run(data.abort.signal);
      if (!data.abort.signal.aborted) {
        socket.send(JSON.stringify(stateOf(data.session.control)));
        socket.close(1000, "that was all");
      }
    } catch (error) {
      socket.send(JSON.stringify({ error: errorBody(asCliError(error)) }));
      socket.close(1011, "failed");
    } finally {
      this.open.delete(data.abort);
    }
  }

  private session(query: HistoryQuery, out: HistoryOut): HistorySession {
    return new HistorySession(this.source, query, out);
  }

  private begin(): AbortController {
    if (this.open.size >= SESSIONS_LIMIT) {
      const hint = "Close one of them, or start another server.";
      throw new CliError("service_refused", `${SESSIONS_LIMIT} clients are served already.`, hint);
    }
    const abort = new AbortController();
    this.open.add(abort);
    return abort;
  }
}

/** Rows as one text message; waits while the client has too much unread. */
async function sent(socket: ServerWebSocket<Connection>, lines: Uint8Array): Promise<void> {
  const { data } = socket;
  if (data.abort.signal.aborted) return;
  socket.sendText(new TextDecoder().decode(lines));
  while (socket.getBufferedAmount() > WAITING_BYTES_LIMIT && !data.abort.signal.aborted) {
    await new Promise<void>((resolve) => {
      data.drained = resolve;
    });
  }
}

/** `{"op":"pause"}` and so on; answered by how the replay then stands. */
function hear(socket: ServerWebSocket<Connection>, message: string): void {
  const { session } = socket.data;
  if (session === undefined) return;
  try {
    const asked = jsonObject(message);
    steer(session.control, String(asked.op ?? ""), asked);
    socket.send(JSON.stringify(stateOf(session.control)));
  } catch (error) {
    socket.send(JSON.stringify({ error: errorBody(asCliError(error)) }));
  }
}

function errorLine(error: unknown): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify({ error: errorBody(asCliError(error)) })}\n`);
}

function refusal(thrown: unknown): Response {
  const error = asCliError(thrown);
  const busy = error.code === "service_refused";
  const status = busy ? 429 : error.code === "unexpected" ? 500 : 400;
  return Response.json(errorBody(error), { status });
}
