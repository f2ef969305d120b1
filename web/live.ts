/**
 * The WebSocket to `/v1/live`: one instrument at a time. Comes back by itself when the service was
 * away, and subscribes again.
 */
import { signal } from "@preact/signals";
import { answeredMs, type Book, type Named, type Trade } from "./api.ts";
import { Market } from "./market.ts";

const RETRY_MS = 1000;

export const connection = signal<"connecting" | "live" | "gone">("connecting");
export const liveMarket = new Market();
/** Why the service does not show the instrument; empty: it does. */
export const refusal = signal("");

let socket: WebSocket | undefined;
let watched: Named | undefined;

export function watch(instrument: Named): void {
  if (watched?.feed === instrument.feed && watched.token === instrument.token) return;
  say("unsubscribe");
  watched = instrument;
  liveMarket.clear();
  refusal.value = "";
  say("subscribe");
}

export function connect(): void {
  const scheme = location.protocol === "https:" ? "wss" : "ws";
  socket = new WebSocket(`${scheme}://${location.host}/v1/live`);
  socket.onopen = () => {
    connection.value = "live";
    liveMarket.forgetTrades();
    say("subscribe");
  };
  socket.onmessage = ({ data }) => take(JSON.parse(String(data)));
  socket.onclose = () => {
    connection.value = "gone";
    setTimeout(connect, RETRY_MS);
  };
}

interface Message {
  readonly type: string;
  readonly token?: string;
  readonly rows?: Trade[];
  readonly code?: string;
  readonly message?: string;
}

function take(message: Message): void {
  answeredMs.value = Date.now();
  if (message.type === "error" && message.code === "unknown_token") {
    refusal.value = message.message ?? "";
    // It may be that nothing of it has come yet.
    setTimeout(() => say("subscribe"), RETRY_MS * 2);
  }
  // What was on its way for the instrument before is of no interest any more.
  if (message.token !== watched?.token) return;
  if (message.type === "mbp-10") {
    refusal.value = "";
    liveMarket.put(message as unknown as Book);
  }
  if (message.type === "trades") liveMarket.add(message.rows ?? []);
}

function say(op: "subscribe" | "unsubscribe"): void {
  if (watched === undefined || socket?.readyState !== WebSocket.OPEN) return;
  const { feed, token } = watched;
  for (const schema of ["mbp-10", "trades"]) {
    socket.send(JSON.stringify({ op, feed, token, schema }));
  }
}
