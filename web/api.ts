/** What the book service answers, as the page reads it, and the way to ask. */
import { signal } from "@preact/signals";

export interface Level {
  readonly price: string;
  readonly size: number;
  readonly orders: number;
}

export interface Named {
  readonly feed: string;
  readonly token: string;
  readonly symbol: string | null;
}

export interface Listed extends Named {
  readonly stream: number;
  readonly doubtful: boolean;
  readonly bid: Level | null;
  readonly ask: Level | null;
}

export interface Book extends Named {
  readonly stream: number;
  readonly sequence: string | null;
  readonly ts_recv: string | null;
  readonly ts_event: string | null;
  readonly flags: string;
  readonly state: string;
  readonly doubtful: boolean;
  readonly crossed: boolean;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

export interface Trade {
  readonly ts_event: string | null;
  readonly ts_recv: string;
  readonly sequence: string;
  readonly price: string | null;
  readonly size: number;
  readonly side: "B" | "A" | "N";
  readonly action: "T" | "B";
}

export interface StreamStatus {
  readonly feed: string;
  readonly stream: number;
  readonly epoch: number;
  readonly state: string;
  readonly doubtful: boolean;
  readonly high_water_mark: string | null;
  readonly position: string | null;
  readonly messages: number;
  readonly messages_per_second: number;
  readonly lost: number;
  readonly open_gaps: number;
  readonly held_messages: number;
  readonly live_orders: number;
  readonly instruments: number;
  readonly lines: readonly {
    readonly line: string;
    readonly share: number;
    readonly missed: number;
  }[];
}

export interface QueuedOrder {
  readonly order_id: string;
  readonly size: number;
  readonly position: number;
}

export interface Gap {
  readonly feed: string;
  readonly stream: number;
  readonly epoch: number;
  readonly from: string;
  readonly to: string;
  readonly count: number;
  readonly state: "held" | "repaired" | "lost";
  readonly detected: string | null;
  readonly closed: string | null;
  readonly cause: string;
  readonly end: string | null;
  readonly repaired_by: string | null;
}

export interface Gaps {
  readonly gaps: readonly Gap[];
  readonly lost_chunks: readonly object[];
  readonly snapshots: readonly StreamEvent[];
  readonly clears: readonly StreamEvent[];
}

/** A snapshot or a clear: something that was done to a stream's books. */
export interface StreamEvent {
  readonly feed: string;
  readonly stream: number;
  readonly sequence: string;
  readonly at: string;
}

export interface Certificate {
  readonly feed: string;
  readonly stream: number;
  readonly epoch: number;
  readonly delivered: number;
  readonly recovered: number;
  readonly lost: number;
  readonly held: number;
  readonly first_event: string | null;
  readonly last_event: string | null;
  readonly digest: string;
}

export interface Day {
  readonly date: string;
  readonly certificates: readonly Certificate[];
}

/** When something last came from the service; 0: nothing yet. */
export const answeredMs = signal(0);
/** The service asks for a token, and the session that we had for it is over. */
export const isLoggedOut = signal(false);

/** The JSON of a path; null when the service does not answer or says no. */
export async function ask<T>(path: string): Promise<T | null> {
  try {
    const answer = await fetch(path, { signal: AbortSignal.timeout(15_000) });
    const value = answer.ok ? ((await answer.json()) as T) : null;
    answeredMs.value = Date.now();
    isLoggedOut.value = answer.status === 401;
    return value;
  } catch {
    return null;
  }
}

export const bookPath = ({ feed, token }: Named): string =>
  `/v1/books/${encodeURIComponent(feed)}/${encodeURIComponent(token)}`;
