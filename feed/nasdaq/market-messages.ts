/**
 * ITCH 5.0 messages about securities, participants and the market's state (specification sections
 * 1.1, 1.2, 1.6 to 1.8). None of them changes a book. Offsets and lengths are the specification's.
 */
import type { FieldLayout, MessageLayout } from "../layout.ts";
import { field, HEADER, stock, text } from "./fields.ts";

/** The circuit breaker's levels are index values with eight places, unlike every other price. */
function breakerLevel(number: number, offset: number): FieldLayout {
  return {
    ...field(`level_${number}`, "u64", offset, "price", `S&P 500 value of level ${number}.`),
    decimals: 8,
  };
}

export const MARKET_MESSAGES: readonly MessageLayout[] = [
  {
    type: "S",
    name: "system_event",
    length: 12,
    doc: "The market's day: its beginnings and ends.",
    fields: [
      ...HEADER,
      field(
        "event",
        "char",
        11,
        "code",
        "O messages start, S system hours, Q market hours start, M end, E hours end, C messages end.",
      ),
    ],
  },
  {
    type: "R",
    name: "stock_directory",
    length: 39,
    doc: "A security and its locate code for the day.",
    fields: [
      ...HEADER,
      stock(11),
      field("market_category", "char", 19, "code", "Q G S Nasdaq, N NYSE, A, P, Z, V others."),
      field("financial_status", "char", 20, "code", "N normal, D deficient, E delinquent, others."),
      field("round_lot_size", "u32", 21, "quantity", "Shares in a round lot."),
      field("round_lots_only", "char", 25, "code", "Y: only round lots are taken."),
      field("issue_classification", "char", 26, "code", "C common stock, and others."),
      text("issue_sub_type", 27, 2, "code", "Finer class of the issue."),
      field("authenticity", "char", 29, "code", "P live, T test security."),
      field("short_sale_threshold", "char", 30, "code", "Y: on the Regulation SHO list."),
      field("ipo_flag", "char", 31, "code", "Y: set up for a new issue."),
      field("luld_tier", "char", 32, "code", "Limit-up limit-down tier, 1 or 2."),
      field("etp_flag", "char", 33, "code", "Y: an exchange traded product."),
      field("etp_leverage", "u32", 34, "number", "Leverage factor of the product."),
      field("inverse", "char", 38, "code", "Y: an inverse product."),
    ],
  },
  {
    type: "H",
    name: "stock_trading_action",
    length: 25,
    doc: "A security is halted, paused, quoted or traded again.",
    fields: [
      ...HEADER,
      stock(11),
      field(
        "trading_state",
        "char",
        19,
        "code",
        "H halted, P paused, Q quotation only, T trading.",
      ),
      field("reserved", "char", 20, "reserved", "Reserved."),
      text("reason", 21, 4, "code", "Reason of the action."),
    ],
  },
  {
    type: "Y",
    name: "reg_sho_restriction",
    length: 20,
    doc: "Short sale price test of a security.",
    fields: [
      ...HEADER,
      stock(11),
      field("action", "char", 19, "code", "0 none, 1 in effect after a drop today, 2 remains."),
    ],
  },
  {
    type: "L",
    name: "market_participant_position",
    length: 26,
    doc: "A market participant's state in a security.",
    fields: [
      ...HEADER,
      text("mpid", 11, 4, "code", "Market participant identifier."),
      stock(15),
      field("primary_market_maker", "char", 23, "code", "Y or N."),
      field("market_maker_mode", "char", 24, "code", "N normal, P passive, S, R, L others."),
      field("participant_state", "char", 25, "code", "A active, E excused, W, S, D others."),
    ],
  },
  {
    type: "V",
    name: "mwcb_decline_level",
    length: 35,
    doc: "The market-wide circuit breaker's levels of the day.",
    fields: [...HEADER, breakerLevel(1, 11), breakerLevel(2, 19), breakerLevel(3, 27)],
  },
  {
    type: "W",
    name: "mwcb_status",
    length: 12,
    doc: "The market-wide circuit breaker has been reached.",
    fields: [...HEADER, field("breached_level", "char", 11, "code", "1, 2 or 3.")],
  },
  {
    type: "K",
    name: "ipo_quoting_period",
    length: 28,
    doc: "When quoting of a new issue begins.",
    fields: [
      ...HEADER,
      stock(11),
      field("release_time", "u32", 19, "number", "Seconds since midnight in New York."),
      field("release_qualifier", "char", 23, "code", "A anticipated, C cancelled or postponed."),
      field("price", "u32", 24, "price", "Price of the new issue."),
    ],
  },
  {
    type: "J",
    name: "luld_auction_collar",
    length: 35,
    doc: "Collar of the auction that ends a trading pause.",
    fields: [
      ...HEADER,
      stock(11),
      field("reference_price", "u32", 19, "price", "Middle of the collar."),
      field("upper_price", "u32", 23, "price", "Upper end of the collar."),
      field("lower_price", "u32", 27, "price", "Lower end of the collar."),
      field("extension", "u32", 31, "number", "How often the auction has been extended."),
    ],
  },
  {
    type: "h",
    name: "operational_halt",
    length: 21,
    doc: "One market of Nasdaq halts or resumes a security.",
    fields: [
      ...HEADER,
      stock(11),
      field("market", "char", 19, "code", "Q Nasdaq, B BX, X PSX."),
      field("action", "char", 20, "code", "H halted, T trading."),
    ],
  },
  {
    type: "I",
    name: "net_order_imbalance",
    length: 50,
    doc: "Where an auction stands while it collects.",
    fields: [
      ...HEADER,
      field("paired_shares", "u64", 11, "quantity", "Shares that match at the reference price."),
      field("imbalance_shares", "u64", 19, "quantity", "Shares that find no other side."),
      field("imbalance_direction", "char", 27, "code", "B, S, N none, O too few, P paused."),
      stock(28),
      field("far_price", "u32", 36, "price", "Clearing price of the cross orders alone."),
      field("near_price", "u32", 40, "price", "Clearing price with the continuous book."),
      field("reference_price", "u32", 44, "price", "Price at which the shares are counted."),
      field("cross_type", "char", 48, "code", "O opening, C closing, H halt or IPO, A extended."),
      field("price_variation", "char", 49, "code", "How far near and reference price are apart."),
    ],
  },
  {
    type: "N",
    name: "retail_price_improvement",
    length: 20,
    doc: "Retail interest in a security; none since 2014.",
    fields: [
      ...HEADER,
      stock(11),
      field("interest", "char", 19, "code", "B, S, A both sides, N none."),
    ],
  },
  {
    type: "O",
    name: "direct_listing",
    length: 48,
    doc: "Price discovery of a direct listing with a capital raise.",
    fields: [
      ...HEADER,
      stock(11),
      field("open_eligibility", "char", 19, "code", "Y: may be released for trading."),
      field("minimum_price", "u32", 20, "price", "Lowest price allowed."),
      field("maximum_price", "u32", 24, "price", "Highest price allowed."),
      field("near_execution_price", "u32", 28, "price", "Reference price for the opening."),
      field("near_execution_time", "u64", 32, "number", "When that price was set."),
      field("lower_range", "u32", 40, "price", "Lower collar of the price range."),
      field("upper_range", "u32", 44, "price", "Upper collar of the price range."),
    ],
  },
];
