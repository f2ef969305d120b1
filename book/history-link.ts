/**
 * Edge: one browser's WebSocket to `/v1/replay`, passed on to the history server and back as it comes.
 * A reader that leaves 8 MiB unread is let go: a replay that is watched must not fill the memory.
 */
export interface HistorySide {
  send(text: string): unknown;
  waiting(): number;
  close(code: number, reason: string): void;
}

const WAITING_BYTES_LIMIT = 8 << 20;
/** Words of the client that came before the way was open. */
const EARLY_LIMIT = 16;

export class HistoryLink {
  private readonly upstream: WebSocket;
  private readonly early: string[] = [];

  /** @param url of the history server, with the client's parameters */
  constructor(url: string, side: HistorySide) {
    this.upstream = new WebSocket(url.replace(/^http/, "ws"));
    this.upstream.onopen = () => {
      for (const text of this.early.splice(0)) this.upstream.send(text);
    };
    this.upstream.onmessage = ({ data }) => {
      side.send(String(data));
      if (side.waiting() > WAITING_BYTES_LIMIT) {
        side.close(1013, "read faster, or replay slower");
        this.close();
      }
    };
    this.upstream.onclose = ({ code, reason }) => {
      side.close(code === 1000 ? 1000 : 1011, reason || "the history server is gone");
    };
  }

  message(text: string): void {
    if (this.upstream.readyState === WebSocket.OPEN) this.upstream.send(text);
    else if (this.early.length < EARLY_LIMIT) this.early.push(text);
  }

  close(): void {
    this.upstream.onclose = null;
    this.upstream.close();
  }
}
