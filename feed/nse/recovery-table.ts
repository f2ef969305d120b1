/**
 * What goes over TCP between a member and NSE: tick recovery and the order book snapshot. Requests
 * have no stream header, replies have one, and a snapshot has a header of its own and then one
 * 30-byte record for each order: the multicast order message without its header.
 */
import type { FeedTable, FieldLayout, MessageLayout } from "../layout.ts";
import { HEADER_FIELDS, HEADER_LENGTH, NSE_MESSAGES, ORDER_LENGTH, TYPE_FIELD } from "./table.ts";

export const REQUEST_LENGTH = 11;
export const REPLY_LENGTH = 10;
export const SNAPSHOT_HEADER_LENGTH = 16;
export const SNAPSHOT_RECORD_LENGTH = ORDER_LENGTH - HEADER_LENGTH;
export const SNAPSHOT_CODE = 10501;

const REQUEST_FIELDS = [
  { name: "message_type", type: "char", offset: 0, meaning: "code", doc: "type of the request" },
  { name: "stream_id", type: "i16", offset: 1, meaning: "number", doc: "stream of the segment" },
  {
    name: "first_seq_no",
    type: "u32",
    offset: 3,
    meaning: "number",
    doc: "first number wanted; 0 for a snapshot",
  },
  {
    name: "last_seq_no",
    type: "u32",
    offset: 7,
    meaning: "number",
    doc: "last number wanted, inclusive; 0 for a snapshot",
  },
] as const satisfies readonly FieldLayout[];

export const RECOVERY_REQUEST = {
  type: "R",
  name: "recovery_request",
  length: REQUEST_LENGTH,
  doc: "Asks for a range of messages, at most 300,000; one request a connection.",
  fields: REQUEST_FIELDS,
} as const satisfies MessageLayout;

export const SNAPSHOT_REQUEST = {
  type: "O",
  name: "snapshot_request",
  length: REQUEST_LENGTH,
  doc: "Asks for the image of all live orders of a stream.",
  fields: REQUEST_FIELDS,
} as const satisfies MessageLayout;

const REPLY_FIELDS = [
  ...HEADER_FIELDS,
  TYPE_FIELD,
  { name: "status", type: "char", offset: 9, meaning: "code", doc: "S success, E error" },
] as const satisfies readonly FieldLayout[];

export const RECOVERY_REPLY = {
  type: "Y",
  name: "recovery_reply",
  length: REPLY_LENGTH,
  doc: "Always first; after a success the messages follow as they were sent.",
  fields: REPLY_FIELDS,
} as const satisfies MessageLayout;

export const SNAPSHOT_REPLY = {
  type: "B",
  name: "snapshot_reply",
  length: REPLY_LENGTH,
  doc: "Always first; after a success the snapshot follows.",
  fields: REPLY_FIELDS,
} as const satisfies MessageLayout;

export const SNAPSHOT_HEADER = {
  type: "",
  name: "snapshot_header",
  length: SNAPSHOT_HEADER_LENGTH,
  doc: "Then come `order_count` records of 30 bytes.",
  fields: [
    { name: "trans_code", type: "i16", offset: 0, meaning: "code", doc: "10501" },
    {
      name: "total_size",
      type: "i32",
      offset: 2,
      meaning: "number",
      doc: "bytes, this header included: 16 + 30 for each order",
    },
    { name: "order_count", type: "i32", offset: 6, meaning: "number", doc: "orders that follow" },
    {
      name: "last_seq_no",
      type: "u32",
      offset: 10,
      meaning: "number",
      doc: "last number whose effect the image contains",
    },
    { name: "stream_id", type: "i16", offset: 14, meaning: "number", doc: "stream" },
  ],
} as const satisfies MessageLayout;

/** N and G as they stand in a snapshot: each offset less by the header. */
const RECORDS: readonly MessageLayout[] = NSE_MESSAGES.filter(
  (layout) => layout.type === "N" || layout.type === "G",
).map((layout) => ({
  type: layout.type,
  name: `snapshot_${layout.name}`,
  length: SNAPSHOT_RECORD_LENGTH,
  doc: "One live order of the image.",
  fields: layout.fields
    .filter((field) => field.offset >= HEADER_LENGTH)
    .map((field) => ({ ...field, offset: field.offset - HEADER_LENGTH })),
}));

function table(
  title: string,
  typeOffset: number,
  messages: readonly MessageLayout[],
  priceDecimals = 2,
): FeedTable {
  const fixed = { feed: "nse", versions: "6.7 to 7.1", littleEndian: true };
  return { ...fixed, title, typeOffset, priceDecimals, messages };
}

export const REQUEST_TABLE = table("requests over TCP", 0, [RECOVERY_REQUEST, SNAPSHOT_REQUEST]);

export const REPLY_TABLE = table("replies over TCP", HEADER_LENGTH, [
  RECOVERY_REPLY,
  SNAPSHOT_REPLY,
]);

export const SNAPSHOT_HEADER_TABLE = table("head of a snapshot over TCP", 0, [SNAPSHOT_HEADER]);

/** The orders of a snapshot, whose prices have the segment's places. */
export function snapshotRecordTable(priceDecimals: number): FeedTable {
  return table("orders of a snapshot over TCP", 0, RECORDS, priceDecimals);
}
