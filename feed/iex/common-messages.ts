/**
 * Messages that DEEP 1.0 and TOPS 1.6 have in common: administration, trades, auctions. Offsets and
 * lengths are the specifications'. Prices are 64 bits with four decimal places.
 */
import type { MessageLayout } from "../layout.ts";
import { field, securityMessage, TIMESTAMP } from "./fields.ts";

const TRADE_FIELDS = [
  field("size", "u32", 18, "quantity", "Shares traded."),
  field("price", "i64", 22, "price", "Price of the trade."),
  field("trade_id", "i64", 30, "trade_id", "Number of the trade, unique within the day."),
];

const SALE_CONDITION = field(
  "sale_condition",
  "u8",
  1,
  "flags",
  "0x80 intermarket sweep, 0x40 extended hours, 0x20 odd lot, 0x10 trade-through exempt, 0x08 cross.",
);

export const COMMON_MESSAGES: readonly MessageLayout[] = [
  {
    type: "S",
    name: "system_event",
    length: 10,
    doc: "The market's day: its beginnings and ends.",
    fields: [
      field("message_type", "char", 0, "code", "Type of the message."),
      field(
        "event",
        "char",
        1,
        "code",
        "O messages start, S system hours, R regular hours start, M end, E hours end, C messages end.",
      ),
      TIMESTAMP,
    ],
  },
  securityMessage(
    "D",
    "security_directory",
    31,
    "A security that trades on IEX.",
    field("directory_flags", "u8", 1, "flags", "0x80 test, 0x40 when issued, 0x20 ETP."),
    [
      field("round_lot_size", "u32", 18, "quantity", "Shares in a round lot."),
      field("adjusted_close", "i64", 22, "price", "Official close of the day before, adjusted."),
      field("luld_tier", "u8", 30, "number", "Limit-up limit-down tier; 0: none."),
    ],
  ),
  securityMessage(
    "H",
    "trading_status",
    22,
    "A security is halted, paused, in order acceptance, or trading.",
    field("trading_state", "char", 1, "code", "H halted, O order acceptance, P paused, T trading."),
    [
      {
        name: "reason",
        type: "text",
        offset: 18,
        width: 4,
        meaning: "code",
        doc: "Reason of the state.",
      },
    ],
  ),
  securityMessage(
    "I",
    "retail_liquidity",
    18,
    "Retail interest in a security.",
    field("interest", "char", 1, "code", "A buy, B sell, C both sides, blank none."),
  ),
  securityMessage(
    "O",
    "operational_halt",
    18,
    "IEX alone halts or resumes a security.",
    field("halt_state", "char", 1, "code", "O halted, N not halted."),
  ),
  securityMessage(
    "P",
    "short_sale_price_test",
    19,
    "Short sale price test of a security.",
    field("short_sale_state", "u8", 1, "number", "1 in effect, 0 not."),
    [field("detail", "char", 18, "code", "Blank none, A activated, C continued, D deactivated.")],
  ),
  securityMessage(
    "T",
    "trade_report",
    38,
    "A trade on IEX; the book is told by its own messages.",
    SALE_CONDITION,
    TRADE_FIELDS,
  ),
  securityMessage(
    "X",
    "official_price",
    26,
    "IEX's official opening or closing price.",
    field("price_type", "char", 1, "code", "Q opening, M closing."),
    [field("price", "i64", 18, "price", "The official price.")],
  ),
  securityMessage("B", "trade_break", 38, "A trade is taken back.", SALE_CONDITION, TRADE_FIELDS),
  securityMessage(
    "A",
    "auction_information",
    80,
    "Where an auction stands while it collects.",
    field("auction_type", "char", 1, "code", "O opening, C closing, I IPO, H halt, V volatility."),
    [
      field("paired_shares", "u32", 18, "quantity", "Shares paired at the reference price."),
      field("reference_price", "i64", 22, "price", "Price at which the shares are counted."),
      field("indicative_price", "i64", 30, "price", "Clearing price of the eligible orders."),
      field("imbalance_shares", "u32", 38, "quantity", "Shares that find no other side."),
      field("imbalance_side", "char", 42, "code", "B buy, S sell, N none."),
      field("extensions", "u8", 43, "number", "How often the auction has been extended."),
      field("scheduled_time", "u32", 44, "number", "Seconds since 1970 UTC."),
      field("book_clearing_price", "i64", 48, "price", "Clearing price of the auction book."),
      field("collar_price", "i64", 56, "price", "Middle of the collar."),
      field("lower_collar", "i64", 64, "price", "Lower end of the collar."),
      field("upper_collar", "i64", 72, "price", "Upper end of the collar."),
    ],
  ),
];
