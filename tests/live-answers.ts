/** All that a book service's core answers of a market, to be held against another's. */
import type { Live } from "../book/live.ts";
import { LiveApi } from "../book/live-api.ts";
import type { Market } from "./live-market.ts";

export function answers(live: Live, market: Market): unknown {
  const api = new LiveApi(live);
  const instruments = market.exchange.instruments.map(({ name }) => {
    const place = live.find("nse-fo", name);
    if (place === undefined) return null;
    const { stream, instrument } = place;
    const book = api.book("nse-fo", name, "50") as { bids: { price: string }[] };
    const queue = book.bids[0] && api.queue("nse-fo", name, "B", book.bids[0].price);
    const joined = live.asOf?.rowsJson(stream.stream, instrument, 100);
    return [book, queue, api.trades("nse-fo", name, "500"), joined];
  });
  const certificates = api.certificateDates().dates.map((date) => api.certificate(date));
  return { streams: api.streams(), gaps: api.gaps(), instruments, certificates };
}
