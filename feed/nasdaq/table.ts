/** The layout table of NASDAQ TotalView-ITCH 5.0: all its message types. */
import type { FeedTable } from "../layout.ts";
import { MARKET_MESSAGES } from "./market-messages.ts";
import { ORDER_MESSAGES } from "./order-messages.ts";

export const NASDAQ_TABLE: FeedTable = {
  feed: "nasdaq-itch50",
  title: "NASDAQ TotalView-ITCH",
  versions: "5.0",
  littleEndian: false,
  typeOffset: 0,
  priceDecimals: 4,
  messages: [...ORDER_MESSAGES, ...MARKET_MESSAGES],
};
