/**
 * What HTTP asks of the books: the core in this process (`LiveApi`) answers at once, shards in
 * workers a moment later.
 */
import type { ServiceMetrics } from "./metrics.ts";

export type Answer = object | Promise<object>;

/** Every method throws or rejects with an `ApiError` for what cannot be answered. */
export interface BookApi {
  streams(): Answer;
  /** @param after given: by feed and token, those behind this one; else the busiest */
  books(search: string, feed: string, limit: string, after?: string): Answer;
  book(feed: string, token: string, depth: string): Answer;
  /** @param before a cursor: only older ones */
  trades(feed: string, token: string, limit: string, before?: string): Answer;
  queue(feed: string, token: string, side: string, price: string): Answer;
  gaps(): Answer;
  certificateDates(): Answer;
  certificate(date: string): Answer;
  system(): Answer;
  clear(feed: string, stream: string): Answer;
  /** Text in the Prometheus exposition format. */
  metrics(service: ServiceMetrics): string | Promise<string>;
}
