/**
 * ITCH 5.0 messages about orders and trades (specification sections 1.3 to 1.5): those that make
 * books, and those that only tell the tape. Offsets and lengths are the specification's.
 */
import type { MessageLayout } from "../layout.ts";
import { field, HEADER, stock, text } from "./fields.ts";

const reference = field("order_reference", "u64", 11, "order_id", "The order's number, this day.");
const side = field("side", "char", 19, "side", "B buy, S sell.");
const price = field("price", "u32", 32, "price", "Limit price.");
const added = [reference, side, field("shares", "u32", 20, "quantity", "Open shares."), stock(24)];
const executedShares = field("executed_shares", "u32", 19, "quantity", "Shares executed.");
const matchNumber = field("match_number", "u64", 23, "trade_id", "The day's number of the trade.");

export const ORDER_MESSAGES: readonly MessageLayout[] = [
  {
    type: "A",
    name: "add_order",
    length: 36,
    doc: "A new order without attribution.",
    fields: [...HEADER, ...added, price],
  },
  {
    type: "F",
    name: "add_order_attributed",
    length: 40,
    doc: "A new order, with the market participant who stands behind it.",
    fields: [
      ...HEADER,
      ...added,
      price,
      text("attribution", 36, 4, "code", "Market participant identifier."),
    ],
  },
  {
    type: "E",
    name: "order_executed",
    length: 31,
    doc: "An order is executed, whole or in part, at its own price.",
    fields: [...HEADER, reference, executedShares, matchNumber],
  },
  {
    type: "C",
    name: "order_executed_with_price",
    length: 36,
    doc: "An order is executed, whole or in part, at a price that is not its own.",
    fields: [
      ...HEADER,
      reference,
      executedShares,
      matchNumber,
      field("printable", "char", 31, "code", "Y: to be printed; N: a cross prints it in bulk."),
      field("execution_price", "u32", 32, "price", "Price of the execution."),
    ],
  },
  {
    type: "X",
    name: "order_cancel",
    length: 23,
    doc: "An order is cut by some shares and keeps its place.",
    fields: [
      ...HEADER,
      reference,
      field("cancelled_shares", "u32", 19, "quantity", "Shares taken off."),
    ],
  },
  {
    type: "D",
    name: "order_delete",
    length: 19,
    doc: "An order leaves the book.",
    fields: [...HEADER, reference],
  },
  {
    type: "U",
    name: "order_replace",
    length: 35,
    doc: "An order leaves; another comes on the same side, behind those that stand at its price.",
    fields: [
      ...HEADER,
      reference,
      field("new_order_reference", "u64", 19, "order_id", "The new order's number."),
      field("shares", "u32", 27, "quantity", "The new order's shares."),
      field("price", "u32", 31, "price", "The new order's limit price."),
    ],
  },
  {
    type: "P",
    name: "trade",
    length: 44,
    doc: "A trade against an order that was never shown; no book changes.",
    fields: [
      ...HEADER,
      field("order_reference", "u64", 11, "order_id", "0 since 2010."),
      field("side", "char", 19, "side", "Side of the hidden order; always B since 2014."),
      field("shares", "u32", 20, "quantity", "Shares traded."),
      stock(24),
      field("price", "u32", 32, "price", "Price of the trade."),
      field("match_number", "u64", 36, "trade_id", "The day's number of the trade."),
    ],
  },
  {
    type: "Q",
    name: "cross_trade",
    length: 40,
    doc: "An auction is over: all its shares in one print; no book changes. 0 shares: no cross.",
    fields: [
      ...HEADER,
      field("shares", "u64", 11, "quantity", "Shares matched in the cross."),
      stock(19),
      field("cross_price", "u32", 27, "price", "Price of the cross."),
      field("match_number", "u64", 31, "trade_id", "The day's number of the trade."),
      field("cross_type", "char", 39, "code", "O opening, C closing, H halt or IPO, A extended."),
    ],
  },
  {
    type: "B",
    name: "broken_trade",
    length: 19,
    doc: "A trade is taken back; no book changes.",
    fields: [...HEADER, field("match_number", "u64", 11, "trade_id", "The trade taken back.")],
  },
];
