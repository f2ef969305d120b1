/**
 * What HTTP asks of the books: the core in this process (`LiveApi`) answers at once, shards in
 * workers a moment later.
 */
import type { ServiceMetrics } from "./metrics.ts";

export type Answer = object | Promise<object>;

/**
 * Arguments are the words of a request as they came; answers have the shapes of `api-shapes.ts`.
 * Every method throws or rejects with an `ApiError` for what cannot be answered.
 */
export interface BookApi {
  /** Every stream: its state, position, rates and lines. */
  streams(): Answer;
  /** @param after given: by feed and token, those behind this one; else the busiest */
  books(search: string, feed: string, limit: string, after?: string): Answer;
  /** @param depth levels a side; empty: ten */
  book(feed: string, token: string, depth: string): Answer;
  /** @param before a cursor: only older ones */
  trades(feed: string, token: string, limit: string, before?: string): Answer;
  /** The orders of a price, first come first. @param side `B` or `A` */
  queue(feed: string, token: string, side: string, price: string): Answer;
  /** The ledgers of all streams, with lost chunks, snapshots and clears. */
  gaps(): Answer;
  /** Days of which there are certificates, oldest first. */
  certificateDates(): Answer;
  /** @param date `2026-11-23` */
  certificate(date: string): Answer;
  /** How the service itself is doing. */
  system(): Answer;
  /** Asks the stream's collector to drop its books, here and wherever its chunks go. */
  clear(feed: string, stream: string): Answer;
  /** Text in the Prometheus exposition format. */
  metrics(service: ServiceMetrics): string | Promise<string>;
}
