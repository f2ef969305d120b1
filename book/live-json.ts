/**
 * Books and trades as the HTTP and WebSocket API says them: times as strings of nanoseconds, prices
 * as decimal strings, sequence numbers and ids as strings, missing values null.
 */
import { exactDecimal } from "../feed/decimal.ts";
import { RowFlag } from "../feed/message-batch.ts";
import { Side } from "../feed/op-batch.ts";
import { formatNs, u64Text } from "../feed/time.ts";
import { Levels } from "./books.ts";
import { flagText } from "./flag-text.ts";
import type { LiveFeed, Place } from "./live.ts";
import { bookState, type StreamState } from "./live-status.ts";
import type { RowRing } from "./row-ring.ts";

export interface LevelJson {
  readonly price: string;
  readonly size: number;
  readonly orders: number;
}

export interface BookJson {
  readonly feed: string;
  readonly token: string;
  readonly symbol: string | null;
  readonly stream: number;
  /** Message that touched this book last; null before the first. */
  readonly sequence: string | null;
  readonly ts_recv: string | null;
  readonly ts_event: string | null;
  readonly flags: string;
  readonly state: StreamState;
  /** The book cannot be trusted: a lost gap, or the stream was joined late. */
  readonly doubtful: boolean;
  readonly crossed: boolean;
  readonly bids: readonly LevelJson[];
  readonly asks: readonly LevelJson[];
}

export const DEPTH_LIMIT = 1000;

const levels = new Map<number, Levels>();

/** The book of an instrument, `depth` levels a side. */
export function bookJson(place: Place, depth: number, midnight: MidnightOf): BookJson {
  const { feed, stream, instrument } = place;
  const { books } = stream.stream;
  const { state, flags, doubtful } = bookState(place);
  const crossed = books?.isCrossed(instrument) ?? false;
  const touched = stream.isTouched(instrument);
  return {
    ...named(place),
    sequence: touched ? String(stream.sequence[instrument]) : null,
    ts_recv: touched ? formatNs(stream.recvSec[instrument], stream.recvNsec[instrument]) : null,
    ts_event: touched
      ? eventText(
          feed,
          stream.timeHi[instrument],
          stream.timeLo[instrument],
          midnight(stream.recvSec[instrument]),
        )
      : null,
    flags: flagText(flags | (crossed ? RowFlag.Crossed : 0)),
    state,
    doubtful,
    crossed,
    bids: sideJson(place, Side.Buy, depth),
    asks: sideJson(place, Side.Sell, depth),
  };
}

/** Seconds since 1970 of the exchange's midnight before a capture time; NaN where it is not needed. */
export type MidnightOf = (captureSec: number) => number;

/** The newest rows of an instrument but for `skipped`, newest first. */
export function tradesJson(
  place: Place,
  limit: number,
  midnight: MidnightOf,
  skipped = 0,
): object[] {
  const { trades } = place.stream;
  return trades.latest(place.instrument, limit, skipped).map((slot) => {
    const row = commonRow(place, trades, slot, midnight);
    return {
      ...row,
      price: priceText(place.feed, trades.price[slot]),
      size: trades.size[slot],
      side: sideLetter(trades.side[slot]),
      trade_id: idText(trades.tradeIdHi[slot], trades.tradeIdLo[slot]),
      buy_order_id: idText(trades.idHi[slot], trades.idLo[slot]),
      sell_order_id: idText(trades.id2Hi[slot], trades.id2Lo[slot]),
      action: String.fromCharCode(trades.action[slot]),
      flags: flagText(trades.flags[slot]),
    };
  });
}

/** The newest order events of a watched instrument but for `skipped`, newest first. */
export function eventsJson(
  place: Place,
  limit: number,
  midnight: MidnightOf,
  skipped = 0,
): object[] {
  const { events } = place.stream;
  if (events === null) return [];
  return events.latest(place.instrument, limit, skipped).map((slot) => ({
    ...commonRow(place, events, slot, midnight),
    action: String.fromCharCode(events.action[slot]),
    side: sideLetter(events.side[slot]),
    price: priceText(place.feed, events.price[slot]),
    size: events.size[slot],
    order_id: idText(events.idHi[slot], events.idLo[slot]),
    flags: flagText(events.flags[slot]),
  }));
}

/** A line of the list of books: the best of each side. */
export function bestJson(place: Place) {
  const [bid] = sideJson(place, Side.Buy, 1);
  const [ask] = sideJson(place, Side.Sell, 1);
  const { state, doubtful } = bookState(place);
  return { ...named(place), state, doubtful, bid: bid ?? null, ask: ask ?? null };
}

function named({ feed, stream, instrument }: Place) {
  const { instruments } = stream.stream.decoder;
  return {
    feed: feed.feed.id,
    token: instruments.names[instrument],
    symbol: instruments.masters[instrument]?.symbol ?? null,
    stream: stream.stream.id,
  };
}

function commonRow(place: Place, ring: RowRing, slot: number, midnight: MidnightOf) {
  const { feed, stream, instrument } = place;
  const recvSec = ring.recvSec[slot];
  return {
    ts_recv: formatNs(recvSec, ring.recvNsec[slot]),
    ts_event: eventText(feed, ring.timeHi[slot], ring.timeLo[slot], midnight(recvSec)),
    stream: stream.stream.id,
    sequence: String(ring.sequence[slot]),
    token: stream.stream.decoder.instruments.names[instrument],
  };
}

function sideJson({ feed, stream, instrument }: Place, side: number, depth: number): LevelJson[] {
  const { books } = stream.stream;
  if (books === null || depth <= 0) return [];
  let out = levels.get(depth);
  if (out === undefined) {
    out = new Levels(depth);
    if (levels.size < 16) levels.set(depth, out);
  }
  books.topLevels(instrument, side, out);
  const rows: LevelJson[] = [];
  for (let at = 0; at < out.count; at++) {
    rows.push({
      price: exactDecimal(out.price[at], feed.feed.table.priceDecimals),
      size: out.size[at],
      orders: out.orders[at],
    });
  }
  return rows;
}

const time = { sec: 0, nsec: 0 };

function eventText(feed: LiveFeed, hi: number, lo: number, midnightSec: number): string | null {
  feed.feed.eventTime(hi, lo, midnightSec, time);
  return formatNs(time.sec, time.nsec) || null;
}

function priceText(feed: LiveFeed, price: number): string | null {
  return Number.isNaN(price) ? null : exactDecimal(price, feed.feed.table.priceDecimals);
}

/** 0 is no order. */
function idText(hi: number, lo: number): string | null {
  return (hi | lo) === 0 ? null : u64Text(hi, lo);
}

function sideLetter(side: number): string {
  return side === Side.Buy ? "B" : side === Side.Sell ? "A" : "N";
}
