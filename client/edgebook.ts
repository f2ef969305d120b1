/**
 * A typed client of the book service for TypeScript: anything with `fetch` runs it (Bun, Node, a
 * browser), and it imports nothing at run time. Types come from the shapes that the service's own
 * description is made from.
 *
 *   const edgebook = new Edgebook("http://127.0.0.1:8080");
 *   const book = await edgebook.book("nse-fo", "35001", 5);
 *   for await (const message of edgebook.live({ feed: "nse-fo", token: "35001", schema: "trades" }))
 *     if (message.type === "trades") for (const trade of message.rows) console.log(trade.price);
 */
import type { z } from "zod";
import type { SHAPES } from "../book/api-shapes.ts";

type Shape<Name extends keyof typeof SHAPES> = z.output<(typeof SHAPES)[Name]>;

export type Book = Shape<"Book">;
export type ListedBook = Shape<"ListedBook">;
export type Books = Shape<"Books">;
export type Trade = Shape<"Trade">;
export type Trades = Shape<"Trades">;
export type Queue = Shape<"Queue">;
export type Stream = Shape<"Stream">;
export type Gap = Shape<"Gap">;
export type Gaps = Shape<"Gaps">;

export type LiveSchema = "mbp-10" | "mbp-1" | "bbo" | "trades" | "tbbo" | "mbo";

export interface LiveQuery {
  readonly feed: string;
  readonly token: string;
  readonly schema?: LiveSchema;
  /** Nanoseconds since 1970, or "0" for all that is kept: `trades` and `mbo`. */
  readonly start?: string;
  /** Go on behind this row: `trades` and `mbo`. */
  readonly cursor?: string;
  readonly heartbeatSeconds?: number;
}

/** An order event of `mbo`. */
export interface OrderEvent {
  readonly ts_recv: string;
  readonly ts_event: string | null;
  readonly stream: number;
  readonly sequence: string;
  readonly token: string;
  readonly action: "A" | "M" | "C" | "R" | "T" | "F" | "B" | "N";
  readonly side: "B" | "A" | "N";
  readonly price: string | null;
  readonly size: number;
  readonly order_id: string | null;
  readonly flags: string;
}

interface Rows<Type extends string, Row> {
  readonly type: Type;
  readonly feed: string;
  readonly token: string;
  /** Rows before these that were overwritten before they could be sent. */
  readonly missed: number;
  readonly rows: readonly Row[];
}

export type LiveMessage =
  | ({ readonly type: "mbp-10" | "mbp-1" | "bbo" } & Book)
  | (Rows<"trades", Trade> & { readonly cursor: string })
  | (Rows<"mbo", OrderEvent> & { readonly cursor?: string })
  | Rows<"tbbo", Trade & { readonly quote: object | null }>
  | ({ readonly type: "gap" } & Gap)
  | {
      readonly type: "replay_completed";
      readonly feed: string;
      readonly token: string;
      readonly schema: "trades" | "mbo";
      readonly count: number;
      /** Nothing of what was asked for had been overwritten. */
      readonly complete: boolean;
      readonly cursor?: string;
    }
  | { readonly type: "slow"; readonly skipped_ticks: number; readonly missed: number }
  | { readonly type: "heartbeat"; readonly ts: string }
  | { readonly type: "ack"; readonly op: string; readonly id: string | number | null }
  | ({ readonly type: "error"; readonly id: string | number | null } & Shape<"Error">);

export interface EdgebookOptions {
  /** A line's token of the service's token file. */
  readonly token?: string;
  /** Before a stream that broke off is asked for again; 1 s unless told. */
  readonly retryMs?: number;
}

/** The service said no: `code` is one of a closed list. */
export class EdgebookError extends Error {
  readonly code: string;
  readonly hint: string;
  readonly status: number;

  constructor(status: number, { code, message, hint }: Shape<"Error">) {
    super(message);
    this.name = "EdgebookError";
    this.code = code;
    this.hint = hint;
    this.status = status;
  }
}

type Query = Readonly<Record<string, string | number | undefined>>;

export class Edgebook {
  private readonly url: string;
  private readonly headers: Readonly<Record<string, string>>;
  private readonly retryMs: number;

  /** @param url where the page is: `http://127.0.0.1:8080` */
  constructor(url: string, { token, retryMs = 1000 }: EdgebookOptions = {}) {
    this.url = url.replace(/\/+$/, "");
    this.headers = token === undefined ? {} : { Authorization: `Bearer ${token}` };
    this.retryMs = retryMs;
  }

  /** What answers: product and version. @throws EdgebookError, as every question here */
  version(): Promise<Shape<"Version">> {
    return this.get("/version");
  }

  /** Every stream with its state, position, rates (messages a second) and lines. */
  async streams(): Promise<Stream[]> {
    return (await this.get<Shape<"Streams">>("/v1/streams")).streams;
  }

  /** The busiest instruments, or those whose token or symbol contains `search`. */
  books(query: { search?: string; feed?: string; limit?: number } = {}): Promise<Books> {
    return this.get("/v1/books", query);
  }

  /** Every instrument by name, page by page. */
  async *allBooks(query: { search?: string; feed?: string } = {}): AsyncGenerator<ListedBook> {
    for (let after: string | null | undefined = ""; typeof after === "string"; ) {
      const page: Books = await this.get("/v1/books", { ...query, limit: 500, after });
      yield* page.books;
      after = page.next;
    }
  }

  /**
   * One book as it stands: levels from the best on, prices as decimal strings, times as strings of
   * nanoseconds since 1970 UTC; `doubtful` says that it may be wrong.
   * @param depth levels a side, at most 1,000
   * @throws EdgebookError `unknown_token`, also of an instrument nothing has come of yet
   */
  book(feed: string, token: string, depth = 10): Promise<Book> {
    return this.get(pathOf("books", feed, token), { depth });
  }

  /** Who waits at a price, first come first. @param price as in the book: `"82.65"` */
  queue(feed: string, token: string, side: "B" | "A", price: string): Promise<Queue> {
    return this.get(`${pathOf("books", feed, token)}/queue`, { side, price });
  }

  /** Newest first; `before` is what the page before said as `next`. */
  trades(feed: string, token: string, limit = 50, before?: string): Promise<Trades> {
    return this.get(pathOf("trades", feed, token), { limit, before });
  }

  /** The ledger: open gaps first, then lost ones, then those that were repaired. */
  gaps(query: { limit?: number; offset?: number } = {}): Promise<Gaps> {
    return this.get("/v1/gaps", query);
  }

  /**
   * Drops every book of a stream, in every service and archive that takes its chunks. Needs a token
   * with the role `operate` where there are tokens.
   */
  clear(feed: string, stream: number): Promise<Shape<"Cleared">> {
    const path = `/v1/streams/${encodeURIComponent(feed)}/${stream}/clear`;
    return this.ask(path, { method: "POST" });
  }

  /**
   * Messages of one instrument for as long as they are taken. A stream that breaks off is asked for
   * again; rows go on behind the last one that was handed out, so that none is lost or doubled while
   * the service still keeps them.
   * @throws EdgebookError the service refuses
   */
  async *live(query: LiveQuery, signal?: AbortSignal): AsyncGenerator<LiveMessage> {
    let { cursor } = query;
    const isWanted = () => signal?.aborted !== true;
    while (isWanted()) {
      const { feed, token, schema, start, heartbeatSeconds } = query;
      const beginning = cursor === undefined ? { start } : { cursor };
      const asked = { feed, token, schema, ...beginning, heartbeat_interval_s: heartbeatSeconds };
      try {
        for await (const message of this.lines(`/v1/live${searchOf(asked)}`, signal)) {
          if (message.type === "error") throw new EdgebookError(400, message);
          if ("cursor" in message && message.cursor) cursor = message.cursor;
          yield message;
        }
      } catch (error) {
        if (error instanceof EdgebookError && error.code !== "restarting") throw error;
      }
      if (isWanted()) await new Promise((go) => setTimeout(go, this.retryMs));
    }
  }

  private async *lines(path: string, signal?: AbortSignal): AsyncGenerator<LiveMessage> {
    const headers = { ...this.headers, Accept: "application/x-ndjson" };
    const answer = await fetch(this.url + path, { headers, ...(signal && { signal }) });
    if (!answer.ok) throw await refusalOf(answer);
    const decoder = new TextDecoder();
    let rest = "";
    for await (const bytes of answer.body ?? []) {
      const lines = (rest + decoder.decode(bytes, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) yield JSON.parse(line) as LiveMessage;
    }
  }

  private get<Answer>(path: string, query: Query = {}): Promise<Answer> {
    return this.ask(path + searchOf(query), {});
  }

  private async ask<Answer>(path: string, init: RequestInit): Promise<Answer> {
    const answer = await fetch(this.url + path, { ...init, headers: this.headers });
    if (!answer.ok) throw await refusalOf(answer);
    return (await answer.json()) as Answer;
  }
}

function pathOf(kind: string, feed: string, token: string): string {
  return `/v1/${kind}/${encodeURIComponent(feed)}/${encodeURIComponent(token)}`;
}

function searchOf(query: Query): string {
  const given = Object.entries(query).filter(([, value]) => value !== undefined);
  const search = new URLSearchParams(given.map(([name, value]) => [name, String(value)]));
  return given.length === 0 ? "" : `?${search}`;
}

async function refusalOf(answer: Response): Promise<EdgebookError> {
  const nothing = { code: "failed", message: `HTTP ${answer.status}`, hint: "" };
  const said = (await answer.json().catch(() => nothing)) as Shape<"Error">;
  return new EdgebookError(answer.status, said);
}
