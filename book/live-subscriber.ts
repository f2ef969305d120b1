/**
 * One WebSocket client of `/v1/live`: what it subscribed to, what it has seen, what it is told next.
 *
 *   client: {"op":"subscribe","id":1,"feed":"nse-fo","token":"35001","schema":"mbp-10"}
 *   server: {"type":"ack","id":1,...}, then {"type":"mbp-10",...} whenever the book moved
 *
 * Books are conflated: at each `tick` (about 20 a second) the newest state is sent once, and only if
 * it changed. Trades and order events are sent row by row. A reader that is too slow gets nothing
 * more until its connection has drained; then it is told how many rows it missed.
 */
import { API_ERRORS, ApiError } from "./http-error.ts";
import type { Place } from "./live.ts";
import type { LiveApi } from "./live-api.ts";
import { bookJson, eventsJson, tradesJson } from "./live-json.ts";
import { bookState } from "./live-status.ts";

export const LIVE_SCHEMAS = ["mbp-10", "mbp-1", "bbo", "trades", "tbbo", "mbo"] as const;
export type LiveSchema = (typeof LIVE_SCHEMAS)[number];

/** The connection: takes an object, packs it as the client asked, says how it went. */
export interface SubscriberPort {
  /** False: the connection dropped the message. */
  send(message: object): boolean;
  /** Bytes that wait in the connection. */
  waiting(): number;
  /** From here on MessagePack or JSON. */
  setFormat(format: "json" | "msgpack"): void;
}

interface Subscription {
  readonly place: Place;
  readonly schema: LiveSchema;
  /** Version of the book that was sent last; rows ever counted of row schemas. */
  seen: number;
  /** State and best levels that were sent last, to send `bbo` only when it changed. */
  shown: string;
}

const SUBSCRIPTIONS_LIMIT = 100;
/** Rows of one subscription in one tick. */
const ROWS_LIMIT = 500;
const WAITING_LIMIT = 1 << 20;
const NO_JOIN = "this service joins no trades with quotes";

export class Subscriber {
  readonly subscriptions = new Map<string, Subscription>();
  /** Messages that a full connection dropped, and rows that were overwritten unread. */
  missed = 0;
  private readonly api: LiveApi;
  private readonly port: SubscriberPort;
  private slowTicks = 0;

  constructor(api: LiveApi, port: SubscriberPort) {
    this.api = api;
    this.port = port;
  }

  /** What the client sent; never throws. */
  message(value: unknown): void {
    const id = isObject(value) ? (value.id ?? null) : null;
    try {
      this.obey(value, id);
    } catch (error) {
      const known =
        error instanceof ApiError
          ? error
          : new ApiError("failed", "the message was not understood");
      this.send({ type: "error", id, ...known.body() });
    }
  }

  /** Sends what is new; called about 20 times a second. */
  tick(): void {
    if (this.port.waiting() > WAITING_LIMIT) {
      this.slowTicks++;
      return;
    }
    if (this.slowTicks > 0) {
      this.send({ type: "slow", skipped_ticks: this.slowTicks, missed: this.missed });
      this.slowTicks = 0;
      this.missed = 0;
    }
    for (const subscription of this.subscriptions.values()) this.update(subscription);
  }

  close(): void {
    for (const subscription of this.subscriptions.values()) release(subscription);
    this.subscriptions.clear();
  }

  private obey(value: unknown, id: unknown): void {
    if (!isObject(value)) throw new ApiError("bad_message", "a message is one object");
    switch (value.op) {
      case "subscribe":
        this.subscribe(value, id);
        return;
      case "unsubscribe":
        this.unsubscribe(value, id);
        return;
      case "format":
        this.setFormat(value.format, id);
        return;
      case "ping":
        this.send({ type: "pong", id });
        return;
      default:
        throw new ApiError(
          "bad_message",
          `op is ${JSON.stringify(value.op)}, not subscribe, unsubscribe, format or ping`,
        );
    }
  }

  private subscribe(value: Readonly<Record<string, unknown>>, id: unknown): void {
    const { feed, token, schema } = wanted(value);
    const place = this.api.place(feed, token);
    if (schema === "tbbo" && this.api.live.asOf === null) throw new ApiError("no_join", NO_JOIN);
    const key = `${feed}/${token}/${schema}`;
    if (!this.subscriptions.has(key)) {
      if (this.subscriptions.size >= SUBSCRIPTIONS_LIMIT) {
        throw new ApiError("too_many", `a client has at most ${SUBSCRIPTIONS_LIMIT} subscriptions`);
      }
      if (schema === "mbo") place.stream.watch(place.instrument);
      const subscription = { place, schema, seen: -1, shown: "" };
      if (schema === "mbo") subscription.seen = this.countOf(subscription);
      this.subscriptions.set(key, subscription);
    }
    this.send({ type: "ack", id, op: "subscribe", feed, token, schema });
    const made = this.subscriptions.get(key);
    if (made !== undefined) this.update(made);
  }

  private unsubscribe(value: Readonly<Record<string, unknown>>, id: unknown): void {
    const { feed, token, schema } = wanted(value);
    const key = `${feed}/${token}/${schema}`;
    const subscription = this.subscriptions.get(key);
    if (subscription !== undefined) release(subscription);
    this.subscriptions.delete(key);
    this.send({ type: "ack", id, op: "unsubscribe", feed, token, schema });
  }

  private setFormat(format: unknown, id: unknown): void {
    if (format !== "json" && format !== "msgpack") {
      throw new ApiError("bad_message", "format is json or msgpack");
    }
    this.port.setFormat(format);
    this.send({ type: "ack", id, op: "format", format });
  }

  private update(subscription: Subscription): void {
    const { schema } = subscription;
    if (schema === "trades" || schema === "tbbo" || schema === "mbo") this.updateRows(subscription);
    else this.updateBook(subscription);
  }

  private updateBook(subscription: Subscription): void {
    const { place, schema } = subscription;
    const version = place.stream.isTouched(place.instrument)
      ? place.stream.version[place.instrument]
      : 0;
    const { state } = bookState(place);
    const unchanged = version === subscription.seen && subscription.shown.startsWith(`${state} `);
    if (unchanged) return;
    const book = bookJson(place, schema === "mbp-10" ? 10 : 1, this.api.midnight);
    const best = schema === "bbo" ? JSON.stringify([book.bids, book.asks]) : "";
    const shown = `${state} ${best}`;
    if (schema === "bbo" && shown === subscription.shown) {
      subscription.seen = version;
      return;
    }
    // What the connection drops is sent again at the next tick: the newest state counts.
    if (!this.send({ type: schema, ...book })) return;
    if (subscription.seen >= 0 && version !== subscription.seen) this.api.live.noteSent(place);
    subscription.seen = version;
    subscription.shown = shown;
  }

  private updateRows(subscription: Subscription): void {
    const { place, schema } = subscription;
    const { feed } = place;
    const count = this.countOf(subscription);
    const first = subscription.seen < 0;
    const unseen = first ? 20 : count - subscription.seen;
    if (unseen <= 0) return;
    const limit = Math.min(unseen, ROWS_LIMIT);
    const rows = this.rowsOf(subscription, limit).reverse();
    subscription.seen = count;
    const missed = first ? 0 : unseen - rows.length;
    this.missed += missed;
    if (rows.length === 0 && missed === 0) return;
    const token = place.stream.stream.decoder.instruments.names[place.instrument];
    const message = { type: schema, feed: feed.feed.id, token, missed, rows };
    if (!this.send(message)) this.missed += rows.length;
  }

  /** The newest rows, newest first. */
  private rowsOf({ place, schema }: Subscription, limit: number): object[] {
    const { live, midnight } = this.api;
    if (schema === "tbbo") {
      return live.asOf?.rowsJson(place.stream.stream, place.instrument, limit) ?? [];
    }
    return schema === "mbo"
      ? eventsJson(place, limit, midnight)
      : tradesJson(place, limit, midnight);
  }

  /** Rows that there ever were. */
  private countOf({ place, schema }: Subscription): number {
    const { stream, instrument } = place;
    if (schema === "tbbo") return this.api.live.asOf?.countOf(stream.stream, instrument) ?? 0;
    const ring = schema === "mbo" ? stream.events : stream.trades;
    return ring?.countOf(instrument) ?? 0;
  }

  private send(message: object): boolean {
    return this.port.send(message);
  }
}

function release({ place, schema }: Subscription): void {
  if (schema === "mbo") place.stream.unwatch(place.instrument);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function wanted(value: Readonly<Record<string, unknown>>) {
  const { feed, token, schema = "mbp-10" } = value;
  if (typeof feed !== "string" || typeof token !== "string") {
    throw new ApiError("bad_message", "feed and token are text");
  }
  const known = LIVE_SCHEMAS.find((each) => each === schema);
  if (known === undefined) {
    const names = LIVE_SCHEMAS.join(", ");
    throw new ApiError("bad_message", `schema is ${JSON.stringify(schema)}, not one of ${names}`);
  }
  return { feed, token, schema: known };
}

/** What the client is told when its bytes are no message at all. */
export function unreadable(): object {
  const { hint } = API_ERRORS.bad_message;
  return { type: "error", id: null, code: "bad_message", message: "not readable", hint };
}
