/** The feeds `iex-deep` (price levels) and `iex-tops` (best quotes), over IEX-TP 1. */
import type { Feed } from "../feed.ts";
import type { FeedTable } from "../layout.ts";
import { splitNs } from "../time.ts";
import { IexDecoder } from "./decoder.ts";
import { IexFraming } from "./framing.ts";
import { DEEP_TABLE, TOPS_TABLE } from "./table.ts";

const DEEP_1_0 = 0x8004;
const TOPS_1_5 = 0x8002;
const TOPS_1_6 = 0x8003;

/** Levels and quotes are whole states, so that a late start leaves nothing doubtful for long. */
function iexFeed(table: FeedTable, protocols: readonly number[]): Feed {
  return {
    id: table.feed,
    table,
    books: "levels",
    unsignedPrices: false,
    lateStartDoubtful: false,
    framing: () => new IexFraming(table, protocols),
    decoder: (options) => new IexDecoder(table, options),
    eventTime(hi, lo, _midnightSec, out) {
      splitNs(hi, lo, out);
    },
  };
}

export const iexDeep = iexFeed(DEEP_TABLE, [DEEP_1_0]);
export const iexTops = iexFeed(TOPS_TABLE, [TOPS_1_5, TOPS_1_6]);
