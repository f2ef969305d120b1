/**
 * NSE MTBT 6.7 to 7.1, the multicast messages: the ten types are the same in all four segments,
 * little endian and packed. Offsets are from the start of the stream header.
 *
 * The wire's sequence number is signed outside FO; read as unsigned it is the same number up to
 * 2^31, and right beyond, so that one table serves every segment.
 */
import type { FeedTable, FieldLayout, MessageLayout } from "../layout.ts";

export const HEADER_FIELDS = [
  {
    name: "msg_len",
    type: "i16",
    offset: 0,
    meaning: "number",
    doc: "bytes of the message, this header included",
  },
  {
    name: "stream_id",
    type: "i16",
    offset: 2,
    meaning: "number",
    doc: "stream within the segment, from 1",
  },
  {
    name: "seq_no",
    type: "u32",
    offset: 4,
    meaning: "number",
    doc: "number within the stream, from 1 each day; 0 in heartbeats and TCP replies",
  },
] as const satisfies readonly FieldLayout[];

export const TYPE_FIELD = {
  name: "message_type",
  type: "char",
  offset: 8,
  meaning: "code",
  doc: "type of the message",
} as const satisfies FieldLayout;

const TIMESTAMP_FIELD = {
  name: "timestamp",
  type: "i64",
  offset: 9,
  meaning: "time",
  doc: "ns since 1980-01-01 00:00:00 by the Indian wall clock",
} as const satisfies FieldLayout;

const ORDER_FIELDS = [
  ...HEADER_FIELDS,
  TYPE_FIELD,
  TIMESTAMP_FIELD,
  {
    name: "order_id",
    type: "f64",
    offset: 17,
    meaning: "order_id",
    doc: "whole number below 2^53, unique within the day",
  },
  {
    name: "token",
    type: "i32",
    offset: 25,
    meaning: "instrument",
    doc: "contract, by the day's master file",
  },
  { name: "side", type: "char", offset: 29, meaning: "side", doc: "B buy, S sell" },
  {
    name: "price",
    type: "i32",
    offset: 30,
    meaning: "price",
    doc: "limit; 0 is a market order (CM auction), a spread's difference may be negative",
  },
  {
    name: "quantity",
    type: "i32",
    offset: 34,
    meaning: "quantity",
    doc: "open quantity of the order, absolute; shares or units, not lots",
  },
] as const satisfies readonly FieldLayout[];

const TRADE_FIELDS = [
  ...HEADER_FIELDS,
  TYPE_FIELD,
  TIMESTAMP_FIELD,
  {
    name: "buy_order_id",
    type: "f64",
    offset: 17,
    meaning: "order_id",
    doc: "0 where that order was never published (IOC)",
  },
  {
    name: "sell_order_id",
    type: "f64",
    offset: 25,
    meaning: "order_id",
    doc: "0 where that order was never published (IOC)",
  },
  {
    name: "token",
    type: "i32",
    offset: 33,
    meaning: "instrument",
    doc: "contract, by the day's master file",
  },
  { name: "price", type: "i32", offset: 37, meaning: "price", doc: "price of the trade" },
  { name: "quantity", type: "i32", offset: 41, meaning: "quantity", doc: "quantity traded" },
] as const satisfies readonly FieldLayout[];

const HEARTBEAT_FIELDS = [
  ...HEADER_FIELDS,
  TYPE_FIELD,
  {
    name: "last_seq_no",
    type: "u32",
    offset: 9,
    meaning: "number",
    doc: "last number sent on this stream; the next message is one more",
  },
] as const satisfies readonly FieldLayout[];

export const ORDER_LENGTH = 38;
export const TRADE_LENGTH = 45;
export const HEARTBEAT_LENGTH = 13;
export const HEADER_LENGTH = 8;

const order = <T extends string, N extends string>(type: T, name: N, doc: string) =>
  ({ type, name, length: ORDER_LENGTH, doc, fields: ORDER_FIELDS }) as const;
const trade = <T extends string, N extends string>(type: T, name: N, doc: string) =>
  ({ type, name, length: TRADE_LENGTH, doc, fields: TRADE_FIELDS }) as const;

export const NSE_MESSAGES = [
  order("N", "new_order", "An order enters; also an aggressive one, before its trades."),
  order("M", "order_modify", "Price and open quantity are replaced; of an unknown id: as N."),
  order("X", "order_cancel", "The order leaves; price and quantity mean nothing."),
  order("G", "spread_new_order", "As N, in the book of a spread."),
  order("H", "spread_order_modify", "As M, in the book of a spread."),
  order("J", "spread_order_cancel", "As X, in the book of a spread."),
  trade("T", "trade", "Both orders that are in the book are reduced by the quantity."),
  trade("K", "spread_trade", "As T, in the book of a spread."),
  trade("C", "trade_cancel", "A trade is taken back; no book changes. The ids may be 0."),
  {
    type: "Z",
    name: "heartbeat",
    length: HEARTBEAT_LENGTH,
    doc: "Sent when a stream has been silent for some seconds; takes no number of its own.",
    fields: HEARTBEAT_FIELDS,
  },
] as const satisfies readonly MessageLayout[];

/** The table of one segment: they differ in nothing but the places of a price. */
export function nseTable(feed: string, segment: string, priceDecimals: number): FeedTable {
  return {
    feed,
    title: `NSE tick-by-tick multicast (MTBT), ${segment}`,
    versions: "6.7 to 7.1",
    littleEndian: true,
    typeOffset: HEADER_LENGTH,
    priceDecimals,
    messages: NSE_MESSAGES,
  };
}
