/** The four segments of NSE's tick-by-tick multicast: one protocol, three scales of price. */
import type { DecoderOptions, EventTime, Feed } from "../feed.ts";
import { splitNs } from "../time.ts";
import { NseDecoder } from "./decoder.ts";
import { NseFraming } from "./framing.ts";
import { nseRecovery } from "./recovery-protocol.ts";
import {
  REPLY_TABLE,
  REQUEST_TABLE,
  SNAPSHOT_HEADER_TABLE,
  snapshotRecordTable,
} from "./recovery-table.ts";
import { nseTable } from "./table.ts";

/**
 * From seconds since 1980 by the Indian wall clock to seconds since 1970 UTC: 3,652 days more, and
 * five and a half hours less.
 */
export const NSE_EPOCH_SEC = 315_532_800 - 19_800;

function nseFeed(id: string, segment: string, priceDecimals: number): Feed {
  const priceZeroIsMarket = id === "nse-cm";
  return {
    id,
    table: nseTable(id, segment, priceDecimals),
    sideTables: [
      REQUEST_TABLE,
      REPLY_TABLE,
      SNAPSHOT_HEADER_TABLE,
      snapshotRecordTable(priceDecimals),
    ],
    books: "orders",
    unsignedPrices: false,
    lateStartDoubtful: true,
    recovery: nseRecovery(id !== "nse-co"),
    framing: () => new NseFraming(),
    decoder: (options: DecoderOptions) => new NseDecoder(options, priceZeroIsMarket),
    eventTime(hi: number, lo: number, _midnightSec: number, out: EventTime): void {
      splitNs(hi, lo, out);
      out.sec += NSE_EPOCH_SEC;
    },
  };
}

export const nseCm = nseFeed("nse-cm", "cash market (equities)", 2);
export const nseFo = nseFeed("nse-fo", "futures and options", 2);
export const nseCd = nseFeed("nse-cd", "currency derivatives", 7);
export const nseCo = nseFeed("nse-co", "commodity derivatives", 2);
/** CO until version 6.5, whose prices had four places. */
export const nseCoFourPlaces = nseFeed("nse-co", "commodity derivatives, up to 6.5", 4);
