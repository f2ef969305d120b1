/**
 * Edge: the listener of the book service. HTTP goes to the Hono application, `/v1/live` becomes a
 * WebSocket, and a timer lets every subscriber look for news 20 times a second.
 */
import type { ServerWebSocket } from "bun";
import type { Hono } from "hono";
import { type AccessToken, isLoopback } from "./access.ts";
import type { Client, ClientPort } from "./centre.ts";
import { Gate } from "./gate.ts";
import { HistoryLink, type HistorySide } from "./history-link.ts";
import { ApiError, type ApiErrorCode } from "./http-error.ts";
import {
  heartbeatOf,
  LiveConnection,
  type LiveFormat,
  TICK_MS,
  type Wire,
} from "./live-connection.ts";
import { MESSAGE_BYTES_LIMIT, readMessage } from "./live-message.ts";
import { ndjsonAnswer, parseLiveQuery } from "./live-ndjson.ts";
import { unreadable } from "./live-subscriber.ts";
import { listenError } from "./service-error.ts";

const CLIENTS_LIMIT = 1000;
/** Beyond this a connection drops; the subscriber stops long before. */
const WAITING_BYTES_LIMIT = 8 << 20;

interface Connection {
  readonly format: LiveFormat;
  readonly heartbeatSeconds: number;
  live: LiveConnection | undefined;
  /** Of `/v1/replay`: where that leads, and the way when it is open. */
  readonly history: string | undefined;
  link: HistoryLink | undefined;
}

export interface HttpListener {
  readonly url: string;
  readonly clients: number;
  close(): Promise<void>;
}

/** Where to listen, and for whom. */
export interface HttpAddress {
  readonly host: string;
  readonly port: number;
  /** PEM texts; absent: unencrypted. */
  readonly tls?: { readonly cert: string; readonly key: string };
  /** Absent: nobody is asked who they are. */
  readonly tokens?: readonly AccessToken[];
}

/** @throws ServiceError if nobody may listen there */
export function listenHttp(
  app: () => Hono,
  connect: (port: ClientPort) => Client,
  { host, port, tls, tokens }: HttpAddress,
  historyUrl: () => string | undefined = () => undefined,
): HttpListener {
  const open = new Set<ServerWebSocket<Connection>>();
  /** Answers that go on: how each is ended. */
  const streams = new Map<LiveConnection, () => void>();
  const gate = new Gate({ tokens, isLoopback: isLoopback(host), isTls: tls !== undefined });
  const stream = (asked: URLSearchParams): Response => {
    try {
      const { response, connection, end } = ndjsonAnswer(connect, parseLiveQuery(asked), (gone) =>
        streams.delete(gone),
      );
      streams.set(connection, end);
      return response;
    } catch (error) {
      if (error instanceof ApiError) return refused(error.code, error.message);
      throw error;
    }
  };
  let server: Bun.Server<Connection>;
  try {
    server = Bun.serve<Connection>({
      hostname: host,
      port,
      idleTimeout: 30,
      maxRequestBodySize: 1 << 16,
      ...(tls && { tls: { cert: tls.cert, key: tls.key } }),
      fetch(request, self) {
        const refusal = gate.check(request);
        if (refusal !== undefined) return refusal;
        const { pathname, searchParams, search } = new URL(request.url);
        const upgrade = request.headers.get("upgrade")?.toLowerCase() === "websocket";
        const history = pathname === "/v1/replay" ? historyUrl() : undefined;
        const isSocket = upgrade && (pathname === "/v1/live" || history !== undefined);
        const isStream = pathname === "/v1/live" && !upgrade && wantsNdjson(request);
        if (!isSocket && !isStream) return app().fetch(request);
        if (!isSameOrigin(request))
          return refused("other_origin", "a page of another origin asked");
        if (open.size + streams.size >= CLIENTS_LIMIT) {
          return refused("busy", `${CLIENTS_LIMIT} clients are connected already`);
        }
        if (isStream) {
          self.timeout(request, 0);
          return stream(searchParams);
        }
        const format = searchParams.get("format") === "msgpack" ? "msgpack" : "json";
        const heartbeatSeconds = heartbeatOf(searchParams.get("heartbeat_interval_s"));
        if (heartbeatSeconds === undefined) {
          return refused("bad_parameter", "heartbeat_interval_s is no number from 1 to 1800");
        }
        const leads = history === undefined ? undefined : `${history}/v1/replay${search}`;
        const data: Connection = {
          format,
          heartbeatSeconds,
          live: undefined,
          history: leads,
          link: undefined,
        };
        return self.upgrade(request, { data })
          ? undefined
          : new Response("no WebSocket", { status: 400 });
      },
      websocket: {
        maxPayloadLength: MESSAGE_BYTES_LIMIT,
        backpressureLimit: WAITING_BYTES_LIMIT,
        open(socket) {
          open.add(socket);
          const { history, format, heartbeatSeconds } = socket.data;
          if (history === undefined) {
            socket.data.live = new LiveConnection(
              connect,
              format,
              heartbeatSeconds,
              wireOf(socket),
            );
          } else socket.data.link = new HistoryLink(history, historySide(socket));
        },
        message(socket, message) {
          const { live, link } = socket.data;
          if (link !== undefined) {
            link.message(String(message));
            return;
          }
          const value = readMessage(message);
          if (value === undefined) live?.send(unreadable());
          else live?.message(value);
        },
        close(socket) {
          open.delete(socket);
          socket.data.live?.close();
          socket.data.link?.close();
        },
      },
    });
  } catch (error) {
    throw listenError("http", host, port, error as Error);
  }
  const timer = setInterval(() => {
    for (const socket of open) socket.data.live?.tick();
    for (const connection of streams.keys()) connection.tick();
  }, TICK_MS);
  return {
    url: `${tls === undefined ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${server.port}`,
    get clients() {
      return open.size + streams.size;
    },
    async close() {
      clearInterval(timer);
      for (const socket of open) socket.close(1001, "the service ends");
      for (const end of streams.values()) end();
      await server.stop(true);
    },
  };
}

/** Pages of other origins may not read the books through a visitor's browser. */
function isSameOrigin(request: Request): boolean {
  const origin = request.headers.get("origin");
  if (origin === null) return true;
  return URL.canParse(origin) && new URL(origin).host === request.headers.get("host");
}

function historySide(socket: ServerWebSocket<Connection>): HistorySide {
  return {
    send: (text) => socket.sendText(text),
    waiting: () => socket.getBufferedAmount(),
    close: (code, reason) => socket.close(code, reason),
  };
}

function wireOf(socket: ServerWebSocket<Connection>): Wire {
  return {
    // 0: dropped; -1: it waits in the connection, which is as good as sent.
    send: (message) => socket.send(message) !== 0,
    waiting: () => socket.getBufferedAmount(),
  };
}

const wantsNdjson = (request: Request): boolean =>
  (request.headers.get("accept") ?? "").includes("application/x-ndjson");

function refused(code: ApiErrorCode, message: string): Response {
  const error = new ApiError(code, message);
  return Response.json(error.body(), { status: error.status });
}
