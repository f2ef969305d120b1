/**
 * The questions that HTTP and WebSocket clients ask, answered from a `Live`: the parameters as they
 * came, plain objects back, an `ApiError` where there is no answer.
 */
import { Side } from "../feed/op-batch.ts";
import type { Certificate } from "../streams/certificate.ts";
import { gapsOf } from "../streams/certificate-gaps.ts";
import { exchangeDay } from "../streams/certificate-time.ts";
import { integer } from "./api-number.ts";
import type { BookApi } from "./book-api.ts";
import { ApiError } from "./http-error.ts";
import type { Live, LiveFeed, Place } from "./live.ts";
import { cursorOf, parseCursor, unseenSince } from "./live-cursor.ts";
import { bestJson, bookJson, DEPTH_LIMIT, type MidnightOf, tradesJson } from "./live-json.ts";
import { Rates, type StreamJson, streamsJson } from "./live-status.ts";
import { metricsText, type ServiceMetrics } from "./metrics.ts";
import { type BooksSystem, systemOf } from "./system.ts";

const LIST_LIMIT = 500;
const TRADES_LIMIT = 1000;

export interface RankedBooks {
  readonly total: number;
  readonly ranked: readonly { readonly count: number; readonly book: ListedJson }[];
  /** Of a page by name: behind which name the next one begins; null: it is the last. */
  readonly next?: string | null;
}

/** As far as lists are put together by it. */
export interface ListedJson {
  readonly feed: string;
  readonly token: string;
}

export class LiveApi implements BookApi {
  readonly live: Live;
  readonly rates = new Rates();
  readonly midnight: MidnightOf;
  private readonly tool: string;

  /** @param tool who signs certificates: `edgebook 0.1.0` */
  constructor(live: Live, tool = "edgebook") {
    this.live = live;
    this.tool = tool;
    this.midnight = live.options.midnightSec ?? (() => Number.NaN);
  }

  streams(): { streams: StreamJson[] } {
    return { streams: streamsJson(this.live, this.rates) };
  }

  /** Instruments whose token or symbol contains `search`: that very token first, then the busiest. */
  books(search: string, feedId: string, limitText: string, after?: string): object {
    const { total, ranked, next } = this.rankedBooks(search, feedId, limitText, after);
    const books = ranked.map(({ book }) => book);
    return next === undefined ? { total, books } : { total, books, next };
  }

  /** As `books`, each with what it is ranked by: for whoever puts several answers together. */
  rankedBooks(search: string, feedId: string, limitText: string, after?: string): RankedBooks {
    const limit = integer("limit", limitText, 50, LIST_LIMIT);
    const wanted = search.trim().toLowerCase();
    if (feedId !== "") this.feed(feedId);
    const busiest = new Busiest(limit);
    const names = after === undefined ? undefined : new NamePage(limit, after);
    let total = 0;
    for (const feed of this.live.feeds.values()) {
      if (feedId !== "" && feed.feed.id !== feedId) continue;
      for (const place of places(feed)) {
        const rank = matchRank(place, wanted);
        if (rank < 0) continue;
        total++;
        if (names !== undefined) names.add(place);
        else busiest.add(place, rank === 0 ? Number.MAX_VALUE : touches(place));
      }
    }
    if (names !== undefined) {
      const ranked = names.places.map((place) => ({ count: 0, book: bestJson(place) }));
      return { total, ranked, next: names.next };
    }
    const { places: found, counts } = busiest;
    return {
      total,
      ranked: found.map((place, at) => ({ count: counts[at], book: bestJson(place) })),
    };
  }

  book(feedId: string, token: string, depthText: string): object {
    const depth = integer("depth", depthText, 10, DEPTH_LIMIT);
    return bookJson(this.place(feedId, token), depth, this.midnight);
  }

  trades(feedId: string, token: string, limitText: string, before = ""): object {
    const limit = integer("limit", limitText, 50, TRADES_LIMIT);
    const place = this.place(feedId, token);
    const { instrument } = place;
    const ring = place.stream.trades;
    // The row of the cursor was on the page before: it is left out with all that is newer.
    const skipped = before === "" ? 0 : unseenSince(ring, instrument, parseCursor(before)).rows + 1;
    const trades = tradesJson(place, limit, this.midnight, skipped);
    const isLast = ring.latest(instrument, 1, skipped + limit).length === 0;
    const next = isLast ? null : cursorOf(ring, instrument, skipped + limit - 1);
    return { feed: feedId, token, total: ring.countOf(instrument), trades, next };
  }

  /** The orders of one price level in the order of their priority. */
  queue(feedId: string, token: string, sideText: string, priceText: string): object {
    const place = this.place(feedId, token);
    const { books } = place.stream.stream;
    if (place.feed.feed.books !== "orders" || books === null) {
      throw new ApiError("no_queue", `${feedId} publishes no single orders, so no queues`);
    }
    const side = sideText === "B" ? Side.Buy : sideText === "A" ? Side.Sell : -1;
    if (side < 0) throw new ApiError("bad_parameter", `side is '${sideText}', not B or A`);
    const price = integerPrice(priceText, place.feed.feed.table.priceDecimals);
    const orders = books.queue(place.instrument, side, price).map((order) => ({
      order_id: order.orderId,
      size: order.size,
      position: order.position,
    }));
    return { feed: feedId, token, side: sideText, price: priceText, orders };
  }

  metrics(service: ServiceMetrics): string {
    return metricsText(this.live, this.rates, service);
  }

  gaps(): object {
    const rows = [...this.live.feeds].flatMap(([id, { pipeline }]) =>
      gapsOf(id, pipeline.sequencer),
    );
    const chunks = this.live.intake.lostRows.map((row) => ({
      collector: row.collector,
      boot: String(row.boot),
      feed: row.feed,
      stream: row.stream,
      from: row.from,
      to: row.to,
    }));
    const feeds = [...this.live.feeds];
    const ledgers = feeds.map(([id, { pipeline }]) => [id, pipeline.sequencer.ledger] as const);
    const snapshots = ledgers.flatMap(([id, { snapshots }]) =>
      snapshots.list().map((row) => ({ ...eventRow(id, row), orders: row.orders })),
    );
    const clears = ledgers.flatMap(([id, { clears }]) =>
      clears.list().map((row) => eventRow(id, row)),
    );
    return { gaps: rows, lost_chunks: chunks, snapshots, clears };
  }

  system(): BooksSystem {
    return systemOf(this.live);
  }

  /** The days of which there are certificates. */
  certificateDates(): { dates: string[] } {
    const days = this.live.certificates(this.tool).flatMap((certificate) => daysOf(certificate));
    return { dates: [...new Set(days)].sort() };
  }

  /** Certificates of the epochs that the day saw, as they stand. */
  certificate(date: string): { date: string; certificates: Certificate[] } {
    if (!/^\d{4}-\d{2}-\d{2}$/.test(date)) {
      throw new ApiError("bad_parameter", `'${date}' is no date: write YYYY-MM-DD`);
    }
    const certificates = this.live
      .certificates(this.tool)
      .filter((certificate) => isWithin(date, daysOf(certificate)));
    if (certificates.length > 0) return { date, certificates };
    throw new ApiError("no_certificate", `there is no certificate for ${date}`);
  }

  /**
   * The operator's command: the exchange dropped the stream's orders without a word. Resolves when it
   * has its place: `by` names the collector whose chunk holds it, for all who read its chunks; null
   * where no collector answered and it was done in this service alone.
   */
  async clear(feedId: string, streamText: string): Promise<object> {
    this.feed(feedId);
    const stream = Number(streamText);
    const isNumber = /^\d{1,10}$/.test(streamText);
    const clearing = isNumber ? this.live.clear(feedId, stream) : undefined;
    if (clearing === undefined) {
      const message = `no message of stream '${streamText}' of ${feedId} has come`;
      throw new ApiError("unknown_stream", message);
    }
    const { collector } = await clearing;
    return { feed: feedId, stream, cleared: true, by: collector === "" ? null : collector };
  }

  place(feedId: string, token: string): Place {
    this.feed(feedId);
    const place = this.live.find(feedId, token);
    if (place === undefined) {
      throw new ApiError("unknown_token", `${feedId} has sent nothing of an instrument '${token}'`);
    }
    return place;
  }

  private feed(id: string): LiveFeed {
    const feed = this.live.feeds.get(id);
    if (feed === undefined) throw new ApiError("unknown_feed", `no chunk of feed '${id}' has come`);
    return feed;
  }
}

/** The places with the highest counts, highest first; of equals the first to come stays in front. */
class Busiest {
  readonly places: Place[] = [];
  readonly counts: number[] = [];
  private readonly limit: number;

  constructor(limit: number) {
    this.limit = limit;
  }

  add(place: Place, count: number): void {
    const { places, counts, limit } = this;
    if (places.length === limit && count <= counts[limit - 1]) return;
    let at = places.length;
    while (at > 0 && counts[at - 1] < count) at--;
    places.splice(at, 0, place);
    counts.splice(at, 0, count);
    if (places.length > limit) {
      places.pop();
      counts.pop();
    }
  }
}

/** The first instruments behind a name, by feed and token. */
class NamePage {
  readonly places: Place[] = [];
  /** More fit than the page takes. */
  private isFull = false;
  private readonly limit: number;
  private readonly after: string;

  constructor(limit: number, after: string) {
    this.limit = limit;
    this.after = after;
  }

  get next(): string | null {
    const last = this.places.at(-1);
    return this.isFull && last !== undefined ? nameOf(last) : null;
  }

  add(place: Place): void {
    const { places, limit } = this;
    const name = nameOf(place);
    if (name <= this.after) return;
    if (places.length === limit && name > nameOf(places[limit - 1])) {
      this.isFull = true;
      return;
    }
    let at = places.length;
    while (at > 0 && nameOf(places[at - 1]) > name) at--;
    places.splice(at, 0, place);
    if (places.length <= limit) return;
    places.pop();
    this.isFull = true;
  }
}

function nameOf({ feed, stream, instrument }: Place): string {
  return `${feed.feed.id}/${stream.stream.decoder.instruments.names[instrument]}`;
}

/** How often anything happened to an instrument. */
function touches({ stream, instrument }: Place): number {
  return stream.isTouched(instrument) ? stream.version[instrument] : 0;
}

function* places(feed: LiveFeed): Generator<Place> {
  for (const stream of feed.streams) {
    if (stream === undefined) continue;
    const { count, names } = stream.stream.decoder.instruments;
    for (let instrument = 0; instrument < count; instrument++) {
      if (names[instrument] !== "") yield { feed, stream, instrument };
    }
  }
}

/** 0: this very token. 1: the text is in its token or symbol. -1: neither. */
function matchRank({ stream, instrument }: Place, wanted: string): number {
  const { names, masters } = stream.stream.decoder.instruments;
  if (wanted === "") return 1;
  const name = names[instrument].toLowerCase();
  if (name === wanted) return 0;
  if (name.includes(wanted)) return 1;
  return masters[instrument]?.symbol.toLowerCase().includes(wanted) ? 1 : -1;
}

/** The day an epoch began and, where it is another, the day of its last message. */
function daysOf({ feed, day, last_event: last }: Certificate): string[] {
  if (day === null) return [];
  const end = last === null ? day : exchangeDay(feed, Number(last.slice(0, -9)));
  return end > day ? [day, end] : [day];
}

function isWithin(date: string, days: readonly string[]): boolean {
  const [first, last = first] = days;
  return first !== undefined && date >= first && date <= last;
}

/** Something that was done to a stream's books behind a message. */
function eventRow(
  feed: string,
  row: { stream: number; epoch: number; sequence: number; atNs: number },
): object {
  const { stream, epoch, sequence, atNs } = row;
  // A double of nanoseconds is exact within 256: enough to find the place.
  return { feed, stream, epoch, sequence: String(sequence), at: String(BigInt(Math.round(atNs))) };
}

/** "70.20" with two places is 7020; more places than the feed has are an error, not a rounding. */
export function integerPrice(text: string, decimals: number): number {
  const match = /^(-?)(\d{1,12})(?:\.(\d+))?$/.exec(text);
  const places = match?.[3] ?? "";
  if (match === null || places.length > decimals) {
    throw new ApiError("bad_parameter", `price is '${text}': write it with ${decimals} places`);
  }
  const value = Number(match[2] + places.padEnd(decimals, "0"));
  return match[1] === "-" ? -value : value;
}
