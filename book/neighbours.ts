/**
 * Edge: processes that the page shows besides this service: collectors with `--http`, a history
 * server (`replay --serve`). The page itself may ask nobody but its own service, so that asks them.
 * They are named by whoever starts the service, never by a request.
 */
import { ApiError } from "./http-error.ts";

export interface NeighbourOptions {
  /** Where collectors answer, as `http://HOST:PORT`; may grow after the start. */
  readonly collectors: () => readonly string[];
  /** A history server, as `http://HOST:PORT`. */
  readonly history: () => string | undefined;
}

export interface CollectorAnswer {
  readonly url: string;
  /** Null where it did not answer; then `error` says why. */
  readonly status: object | null;
  readonly error: string;
}

const ANSWER_MS = 2000;
const STATUS_BYTES_LIMIT = 4 << 20;

export class Neighbours {
  private readonly options: NeighbourOptions;

  constructor(options: NeighbourOptions) {
    this.options = options;
  }

  /** What every collector says of itself. */
  collectors(): Promise<CollectorAnswer[]> {
    return Promise.all(this.options.collectors().map(askCollector));
  }

  /** Where the history server is. @throws ApiError there is none */
  history(): string {
    const url = this.options.history();
    if (url === undefined) throw new ApiError("no_history", "this service knows no recorded day");
    return url;
  }

  get hasHistory(): boolean {
    return this.options.history() !== undefined;
  }

  /** The rows of `/v1/replay`, as the history server says them. */
  async replay(search: string, gone: AbortSignal): Promise<Response> {
    const url = `${this.history()}/v1/replay${search}`;
    try {
      const { status, body, headers } = await fetch(url, { signal: gone });
      const type = headers.get("content-type") ?? "application/x-ndjson";
      return new Response(body, { status, headers: { "Content-Type": type } });
    } catch {
      throw new ApiError("no_history", "the history server does not answer");
    }
  }
}

async function askCollector(url: string): Promise<CollectorAnswer> {
  try {
    const answer = await fetch(`${url}/v1/collector`, { signal: AbortSignal.timeout(ANSWER_MS) });
    const text = await answer.text();
    if (!answer.ok || text.length > STATUS_BYTES_LIMIT)
      throw new Error(`answered ${answer.status}`);
    return { url, status: JSON.parse(text) as object, error: "" };
  } catch (error) {
    return { url, status: null, error: (error as Error).message };
  }
}
