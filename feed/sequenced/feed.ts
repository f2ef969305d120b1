/** Any other exchange, known only by the place of its sequence number (`--channels`). */
import type { EventTime, Feed } from "../feed.ts";
import { SequencedDecoder } from "./decoder.ts";
import { SequencedFraming } from "./framing.ts";

export const sequenced: Feed = {
  id: "sequenced",
  table: {
    feed: "sequenced",
    title: "any exchange, by the place of its sequence number in the channel table",
    versions: "any",
    littleEndian: true,
    typeOffset: 0,
    priceDecimals: 0,
    messages: [],
  },
  books: "none",
  unsignedPrices: false,
  lateStartDoubtful: false,
  framing: () => new SequencedFraming(),
  decoder: () => new SequencedDecoder(),
  eventTime(_hi: number, _lo: number, _midnightSec: number, out: EventTime): void {
    out.sec = Number.NaN;
    out.nsec = 0;
  },
};
