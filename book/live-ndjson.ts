/**
 * Edge: `/v1/live` as an HTTP answer that does not end: one JSON object a line, for whoever has no
 * WebSocket at hand. What to subscribe to stands in the query; messages are those of the WebSocket.
 */
import type { Client, ClientPort } from "./centre.ts";
import { ApiError } from "./http-error.ts";
import { heartbeatOf, LiveConnection } from "./live-connection.ts";
import { SUBSCRIPTIONS_LIMIT } from "./live-subscriber.ts";

/** Beyond this nothing more is put into a connection that nobody reads. */
const WAITING_BYTES_LIMIT = 4 << 20;
const PARAMETERS = ["feed", "token", "schema", "start", "cursor", "heartbeat_interval_s"];

export interface LiveStreamQuery {
  readonly subscriptions: readonly object[];
  readonly heartbeatSeconds: number;
}

/** @throws ApiError that names the parameter */
export function parseLiveQuery(asked: URLSearchParams): LiveStreamQuery {
  for (const name of asked.keys()) {
    if (PARAMETERS.includes(name)) continue;
    const message = `there is no parameter '${name.slice(0, 40)}' but ${PARAMETERS.join(", ")}`;
    throw new ApiError("bad_parameter", message);
  }
  const tokens = asked.getAll("token").flatMap((list) => list.split(","));
  if (tokens.length === 0) throw new ApiError("bad_parameter", "token is missing");
  if (tokens.length > SUBSCRIPTIONS_LIMIT) {
    throw new ApiError("too_many", `a client has at most ${SUBSCRIPTIONS_LIMIT} subscriptions`);
  }
  const heartbeatSeconds = heartbeatOf(asked.get("heartbeat_interval_s"));
  if (heartbeatSeconds === undefined) {
    throw new ApiError("bad_parameter", "heartbeat_interval_s is no number from 1 to 1800");
  }
  const given = (name: string) => {
    const value = asked.get(name);
    return value === null ? {} : { [name]: value };
  };
  const common = { op: "subscribe", ...given("feed"), ...given("schema") };
  const beginning = { ...given("start"), ...given("cursor") };
  return {
    subscriptions: tokens.map((token) => ({ ...common, token, ...beginning })),
    heartbeatSeconds,
  };
}

/** The answer, and what its owner calls 20 times a second until it is gone. */
export function ndjsonAnswer(
  connect: (port: ClientPort) => Client,
  { subscriptions, heartbeatSeconds }: LiveStreamQuery,
  onGone: (connection: LiveConnection) => void,
): { response: Response; connection: LiveConnection; end: () => void } {
  let out: ReadableStreamDefaultController<Uint8Array> | undefined;
  const encoder = new TextEncoder();
  const waiting = () => (out === undefined ? 0 : WAITING_BYTES_LIMIT - (out.desiredSize ?? 0));
  const body = new ReadableStream<Uint8Array>(
    {
      start(controller) {
        out = controller;
      },
      cancel() {
        out = undefined;
        gone();
      },
    },
    { highWaterMark: WAITING_BYTES_LIMIT, size: (chunk) => chunk?.byteLength ?? 0 },
  );
  const connection = new LiveConnection(connect, "json", heartbeatSeconds, {
    send(message) {
      if (out === undefined || waiting() > WAITING_BYTES_LIMIT) return false;
      out.enqueue(encoder.encode(`${message as string}\n`));
      return true;
    },
    waiting,
  });
  const gone = () => {
    connection.close();
    onGone(connection);
  };
  for (const subscription of subscriptions) connection.message(subscription);
  const end = () => {
    out?.close();
    out = undefined;
  };
  const headers = { "Content-Type": "application/x-ndjson", "Cache-Control": "no-store" };
  return { response: new Response(body, { headers }), connection, end };
}
