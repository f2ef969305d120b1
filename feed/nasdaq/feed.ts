/** The feed `nasdaq-itch50`: NASDAQ TotalView-ITCH 5.0 over MoldUDP64, or in the exchange's file. */
import type { Feed } from "../feed.ts";
import { ItchDecoder } from "./decoder.ts";
import { isItchFileEnd, sniffItchFile, splitItchFile } from "./file.ts";
import { MoldFraming } from "./framing.ts";
import { MOLD_RECOVERY } from "./request.ts";
import { NASDAQ_TABLE } from "./table.ts";

const BILLION = 1_000_000_000;
const TWO_32 = 4_294_967_296;

export const nasdaqItch50: Feed = {
  id: NASDAQ_TABLE.feed,
  table: NASDAQ_TABLE,
  books: "orders",
  unsignedPrices: true,
  lateStartDoubtful: true,
  recovery: MOLD_RECOVERY,
  framing: () => new MoldFraming(),
  decoder: (options) => new ItchDecoder(options),
  /** 48 bits of nanoseconds since midnight: a double holds them, and their quotient, exactly. */
  eventTime(hi, lo, midnightSec, out) {
    const ns = hi * TWO_32 + (lo >>> 0);
    const sec = Math.floor(ns / BILLION);
    out.sec = midnightSec + sec;
    out.nsec = ns - sec * BILLION;
  },
  file: { sniff: sniffItchFile, split: splitItchFile, isEnd: isItchFileEnd },
};
