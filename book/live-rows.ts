/**
 * Rows of one instrument on their way to one client: trades, joined trades, or order events, in their
 * order and none twice. Keeps no rows: what the client has not had yet is read from the ring when there
 * is room, and what the ring has overwritten by then is counted as missed.
 */
import { ApiError } from "./http-error.ts";
import type { Place } from "./live.ts";
import type { LiveApi } from "./live-api.ts";
import {
  cursorOf,
  parseCursor,
  parseStart,
  type Unseen,
  unseenFrom,
  unseenSince,
} from "./live-cursor.ts";
import { eventsJson, tradesJson } from "./live-json.ts";
import type { RowRing } from "./row-ring.ts";

export const ROW_SCHEMAS = ["trades", "tbbo", "mbo"] as const;
export type RowSchema = (typeof ROW_SCHEMAS)[number];

/** In one message. */
const ROWS_LIMIT = 500;
/** What a client that names no beginning gets to begin with. */
const FIRST_ROWS = 20;

/** Where a subscription begins: a capture time, or behind a row. */
export interface Beginning {
  /** Nanoseconds since 1970; "0": all that is kept. */
  readonly start: string | undefined;
  readonly cursor: string | undefined;
}

export interface RowStep {
  readonly message: object;
  /** What `took` is told when the message went out. */
  readonly seen: number;
}

export class LiveRows {
  private readonly api: LiveApi;
  private readonly place: Place;
  private readonly schema: RowSchema;
  /** Rows of the instrument that are behind us, of all there ever were. */
  private seen: number;
  /** Rows there were when a replay began; -1: none is under way. */
  private replayTo = -1;
  private readonly replayed: Unseen = { rows: 0, complete: false };

  /** @throws ApiError if the beginning is none, or there is nothing to begin anew with */
  constructor(api: LiveApi, place: Place, schema: RowSchema, { start, cursor }: Beginning) {
    this.api = api;
    this.place = place;
    this.schema = schema;
    if (schema === "mbo") place.stream.watch(place.instrument);
    const count = this.count();
    this.seen = schema === "mbo" ? count : Math.max(0, count - FIRST_ROWS);
    if (start === undefined && cursor === undefined) return;
    try {
      this.replayed = this.beginning(start, cursor);
    } catch (error) {
      this.release();
      throw error;
    }
    this.seen = count - this.replayed.rows;
    this.replayTo = count;
  }

  release(): void {
    if (this.schema === "mbo") this.place.stream.unwatch(this.place.instrument);
  }

  /** Rows that were overwritten before they were sent. */
  get overwritten(): number {
    const { ring } = this;
    if (ring === null) return 0;
    const unseen = this.count() - this.seen;
    return unseen - ring.latest(this.place.instrument, unseen).length;
  }

  /** The next message; undefined where there is nothing new. */
  next(): RowStep | undefined {
    const count = this.count();
    if (this.replayTo >= 0 && this.seen >= this.replayTo) return this.completed();
    const until = this.replayTo >= 0 ? this.replayTo : count;
    if (until <= this.seen) return undefined;
    const missed = Math.min(this.overwritten, until - this.seen);
    const from = this.seen + missed;
    const to = Math.min(until, from + ROWS_LIMIT);
    const rows = this.rows(to - from, count - to).reverse();
    const cursor = this.cursorAt(count - to);
    return { message: { ...this.head(), missed, ...cursor, rows }, seen: to };
  }

  took({ seen }: RowStep): void {
    if (this.replayTo >= 0 && this.seen >= this.replayTo) this.replayTo = -1;
    this.seen = seen;
  }

  private completed(): RowStep {
    const { rows, complete } = this.replayed;
    const { type, ...of } = this.head();
    const cursor = this.cursorAt(this.count() - this.seen);
    const message = {
      type: "replay_completed",
      ...of,
      schema: type,
      count: rows,
      complete,
      ...cursor,
    };
    return { message, seen: this.seen };
  }

  private head() {
    const { feed, stream, instrument } = this.place;
    const token = stream.stream.decoder.instruments.names[instrument];
    return { type: this.schema, feed: feed.feed.id, token };
  }

  private cursorAt(newer: number): object {
    const { ring } = this;
    return ring === null ? {} : { cursor: cursorOf(ring, this.place.instrument, newer) };
  }

  private beginning(start: string | undefined, cursor: string | undefined): Unseen {
    const { ring, place } = this;
    if (this.schema === "tbbo") {
      throw new ApiError("bad_message", "start and cursor are for trades and mbo");
    }
    const at = cursor === undefined || cursor === "" ? undefined : parseCursor(cursor);
    const time = parseStart(start ?? "0");
    if (ring === null) return { rows: 0, complete: false };
    const unseen =
      at === undefined
        ? unseenFrom(ring, place.instrument, time.sec, time.nsec)
        : unseenSince(ring, place.instrument, at);
    // Order events are kept from when somebody first watched: of what was before nobody knows.
    const isWhole = this.schema === "trades" || at !== undefined || time.sec > 0;
    return { rows: unseen.rows, complete: unseen.complete && isWhole };
  }

  /** Newest first, but for the `skipped` newest. */
  private rows(limit: number, skipped: number): object[] {
    const { place, schema } = this;
    const { live, midnight } = this.api;
    if (schema === "mbo") return eventsJson(place, limit, midnight, skipped);
    if (schema === "trades") return tradesJson(place, limit, midnight, skipped);
    const { stream } = place.stream;
    return live.asOf?.rowsJson(stream, place.instrument, limit + skipped).slice(skipped) ?? [];
  }

  /** Null for joined trades, which are kept elsewhere, and before anybody watched. */
  private get ring(): RowRing | null {
    if (this.schema === "tbbo") return null;
    return this.schema === "mbo" ? this.place.stream.events : this.place.stream.trades;
  }

  /** Rows that there ever were. */
  private count(): number {
    const { stream, instrument } = this.place;
    if (this.schema === "tbbo") return this.api.live.asOf?.countOf(stream.stream, instrument) ?? 0;
    return this.ring?.countOf(instrument) ?? 0;
  }
}
