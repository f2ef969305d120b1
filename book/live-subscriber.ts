/**
 * One client of `/v1/live`: what it subscribed to, what it has seen, what it is told next.
 *
 *   client: {"op":"subscribe","id":1,"feed":"nse-fo","token":"35001","schema":"mbp-10"}
 *   server: {"type":"ack","id":1,...}, then {"type":"mbp-10",...} whenever the book moved
 *
 * Books are conflated: at each `tick` (about 20 a second) the newest state is sent once, and only if
 * it changed. Trades and order events are sent row by row, in their order, with a cursor to go on from;
 * `start` or `cursor` replays what is kept, then says `replay_completed`, and goes on live. Gaps of the
 * streams subscribed to are records among them. A reader that is too slow gets nothing more until its
 * connection has drained; then it is told how many rows it missed.
 */
import { API_ERRORS, ApiError } from "./http-error.ts";
import type { Place } from "./live.ts";
import type { LiveApi } from "./live-api.ts";
import { GapWatch } from "./live-gaps.ts";
import { bookJson } from "./live-json.ts";
import { type Beginning, LiveRows, ROW_SCHEMAS } from "./live-rows.ts";
import { bookState } from "./live-status.ts";
import type { LiveStream } from "./live-stream.ts";

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
  /** Of row schemas: what is to be sent. */
  readonly rows: LiveRows | null;
  /** Version of the book that was sent last; -1: none yet. */
  seen: number;
  /** State and best levels that were sent last, to send `bbo` only when it changed. */
  shown: string;
}

export const SUBSCRIPTIONS_LIMIT = 100;
/** Messages of rows of one subscription in one tick. */
const MESSAGES_LIMIT = 8;
const WAITING_LIMIT = 1 << 20;
const NO_JOIN = "this service joins no trades with quotes";

export class Subscriber {
  readonly subscriptions = new Map<string, Subscription>();
  /** Of each stream that something was subscribed of. */
  private readonly gaps = new Map<LiveStream, GapWatch>();
  private readonly api: LiveApi;
  private readonly port: SubscriberPort;
  private slowTicks = 0;

  constructor(api: LiveApi, port: SubscriberPort) {
    this.api = api;
    this.port = port;
  }

  /** What the client sent; never throws. */
  message(value: unknown): void {
    const id = isObject(value) ? idOf(value.id) : null;
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
      let missed = 0;
      for (const { rows } of this.subscriptions.values()) missed += rows?.overwritten ?? 0;
      if (!this.send({ type: "slow", skipped_ticks: this.slowTicks, missed })) return;
      this.slowTicks = 0;
    }
    for (const watch of this.gaps.values()) for (const gap of watch.news()) this.send(gap);
    for (const subscription of this.subscriptions.values()) this.update(subscription);
  }

  close(): void {
    for (const { rows } of this.subscriptions.values()) rows?.release();
    this.subscriptions.clear();
    this.gaps.clear();
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
          `op is ${quoted(value.op)}, not subscribe, unsubscribe, format or ping`,
        );
    }
  }

  private subscribe(value: Readonly<Record<string, unknown>>, id: unknown): void {
    const { feed, token, schema } = wanted(value);
    const place = this.api.place(feed, token);
    if (schema === "tbbo" && this.api.live.asOf === null) throw new ApiError("no_join", NO_JOIN);
    const key = `${feed}/${token}/${schema}`;
    const beginning = beginningOf(value, schema);
    const before = this.subscriptions.get(key);
    if (before === undefined && this.subscriptions.size >= SUBSCRIPTIONS_LIMIT) {
      throw new ApiError("too_many", `a client has at most ${SUBSCRIPTIONS_LIMIT} subscriptions`);
    }
    if (before === undefined || beginning !== undefined) {
      const rowSchema = ROW_SCHEMAS.find((each) => each === schema);
      const from = beginning ?? { start: undefined, cursor: undefined };
      const rows = rowSchema ? new LiveRows(this.api, place, rowSchema, from) : null;
      before?.rows?.release();
      this.subscriptions.set(key, { place, schema, rows, seen: -1, shown: "" });
    }
    this.send({ type: "ack", id, op: "subscribe", feed, token, schema });
    this.watchGaps(place);
    const made = this.subscriptions.get(key);
    if (made !== undefined) this.update(made);
  }

  /** A gap that is open already is told at once. */
  private watchGaps({ feed, stream }: Place): void {
    if (this.gaps.has(stream)) return;
    const watch = new GapWatch(feed, stream.stream.index);
    this.gaps.set(stream, watch);
    for (const gap of watch.news()) this.send(gap);
  }

  private unsubscribe(value: Readonly<Record<string, unknown>>, id: unknown): void {
    const { feed, token, schema } = wanted(value);
    const key = `${feed}/${token}/${schema}`;
    const subscription = this.subscriptions.get(key);
    subscription?.rows?.release();
    this.subscriptions.delete(key);
    const { place } = subscription ?? {};
    const isWatched = [...this.subscriptions.values()].some(
      (other) => other.place.stream === place?.stream,
    );
    if (place !== undefined && !isWatched) this.gaps.delete(place.stream);
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
    if (subscription.rows === null) this.updateBook(subscription);
    else this.updateRows(subscription.rows);
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

  /** What the connection drops, or has no room for, is sent at a later tick. */
  private updateRows(rows: LiveRows): void {
    for (let sent = 0; sent < MESSAGES_LIMIT; sent++) {
      const step = this.port.waiting() > WAITING_LIMIT ? undefined : rows.next();
      if (step === undefined || !this.send(step.message)) return;
      rows.took(step);
    }
  }

  private send(message: object): boolean {
    return this.port.send(message);
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** A client's own name for its message: text or a number, given back as it came. */
function idOf(id: unknown): string | number | null {
  return typeof id === "number" || (typeof id === "string" && id.length <= 64) ? id : null;
}

/** As a part of an error. */
const quoted = (value: unknown): string =>
  typeof value === "string" ? JSON.stringify(value.slice(0, 40)) : typeof value;

/** Where a replay begins; undefined: there is none. */
function beginningOf(
  value: Readonly<Record<string, unknown>>,
  schema: LiveSchema,
): Beginning | undefined {
  const { start, cursor } = value;
  if (start === undefined && cursor === undefined) return undefined;
  if (schema !== "trades" && schema !== "mbo") {
    throw new ApiError("bad_message", "start and cursor are for trades and mbo: rows, not books");
  }
  if (cursor !== undefined && typeof cursor !== "string") {
    throw new ApiError("bad_message", "cursor is text, as a message of rows said it");
  }
  if (start !== undefined && typeof start !== "string" && start !== 0) {
    throw new ApiError("bad_message", "start is nanoseconds since 1970 as text, or 0");
  }
  return { start: start === undefined ? undefined : String(start), cursor };
}

function wanted(value: Readonly<Record<string, unknown>>) {
  const { feed, token, schema = "mbp-10" } = value;
  if (typeof feed !== "string" || typeof token !== "string") {
    throw new ApiError("bad_message", "feed and token are text");
  }
  const known = LIVE_SCHEMAS.find((each) => each === schema);
  if (known === undefined) {
    const names = LIVE_SCHEMAS.join(", ");
    throw new ApiError("bad_message", `schema is ${quoted(schema)}, not one of ${names}`);
  }
  return { feed, token, schema: known };
}

/** What the client is told when its bytes are no message at all. */
export function unreadable(): object {
  const { hint } = API_ERRORS.bad_message;
  return { type: "error", id: null, code: "bad_message", message: "not readable", hint };
}
