/**
 * The WebSocket to `/v1/live`: one instrument at a time. Comes back by itself when the service was
 * away, and subscribes again.
 */
import type { Book, Named, Trade } from "./api.ts";

export interface LiveListener {
  connected(now: boolean): void;
  book(book: Book): void;
  /** Oldest first. */
  trades(rows: readonly Trade[]): void;
}

const RETRY_MS = 1000;

export class LiveLink {
  private readonly listener: LiveListener;
  private socket: WebSocket | undefined;
  private watched: Named | undefined;

  constructor(listener: LiveListener) {
    this.listener = listener;
    this.connect();
  }

  watch(instrument: Named): void {
    this.say("unsubscribe");
    this.watched = instrument;
    this.say("subscribe");
  }

  private connect(): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}/v1/live`);
    this.socket = socket;
    socket.onopen = () => {
      this.listener.connected(true);
      this.say("subscribe");
    };
    socket.onmessage = ({ data }) => this.take(JSON.parse(String(data)));
    socket.onclose = () => {
      this.listener.connected(false);
      setTimeout(() => this.connect(), RETRY_MS);
    };
  }

  private take(message: { type: string; token?: string; rows?: Trade[] }): void {
    // What was on its way for the instrument before is of no interest any more.
    if (message.token !== this.watched?.token) return;
    if (message.type === "mbp-10") this.listener.book(message as unknown as Book);
    if (message.type === "trades") this.listener.trades(message.rows ?? []);
  }

  private say(op: "subscribe" | "unsubscribe"): void {
    if (this.watched === undefined || this.socket?.readyState !== WebSocket.OPEN) return;
    const { feed, token } = this.watched;
    for (const schema of ["mbp-10", "trades"]) {
      this.socket.send(JSON.stringify({ op, feed, token, schema }));
    }
  }
}
