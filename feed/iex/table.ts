/** The layout tables of IEX: DEEP 1.0 (price levels) and TOPS 1.6 (best quotes). */
import type { FeedTable } from "../layout.ts";
import { COMMON_MESSAGES } from "./common-messages.ts";
import { field, securityMessage } from "./fields.ts";

const LEVEL_FIELDS = [
  field("size", "u32", 18, "quantity", "All shares shown at the price; 0 removes the level."),
  field("price", "i64", 22, "price", "Price of the level."),
];

const EVENT_FLAGS = field(
  "event_flags",
  "u8",
  1,
  "flags",
  "0x01: the exchange's event is complete with this message.",
);

export const DEEP_TABLE: FeedTable = {
  feed: "iex-deep",
  title: "IEX DEEP, over IEX-TP 1",
  versions: "1.0",
  littleEndian: true,
  typeOffset: 0,
  priceDecimals: 4,
  messages: [
    securityMessage("8", "price_level_buy", 30, "A bid level is set.", EVENT_FLAGS, LEVEL_FIELDS),
    securityMessage("5", "price_level_sell", 30, "An ask level is set.", EVENT_FLAGS, LEVEL_FIELDS),
    securityMessage(
      "E",
      "security_event",
      18,
      "The opening or closing process of a security is complete.",
      field("event", "char", 1, "code", "O opening, C closing process complete."),
    ),
    ...COMMON_MESSAGES,
  ],
};

export const TOPS_TABLE: FeedTable = {
  feed: "iex-tops",
  title: "IEX TOPS, over IEX-TP 1",
  versions: "1.5, 1.6",
  littleEndian: true,
  typeOffset: 0,
  priceDecimals: 4,
  messages: [
    securityMessage(
      "Q",
      "quote_update",
      42,
      "Best bid and best ask; size 0 is no quote on that side.",
      field("quote_flags", "u8", 1, "flags", "0x80 halted or paused, 0x40 outside regular hours."),
      [
        field("bid_size", "u32", 18, "quantity", "Shares at the best bid."),
        field("bid_price", "i64", 22, "price", "Best bid."),
        field("ask_price", "i64", 30, "price", "Best ask."),
        field("ask_size", "u32", 38, "quantity", "Shares at the best ask."),
      ],
    ),
    ...COMMON_MESSAGES,
  ],
};
