/**
 * One stream of the exchange on virtual time: its members, its matching, its numbers, its log.
 *
 * Streams know nothing of each other, as NSE's do, so that a stream's bytes depend on the seed and
 * its own instruments only.
 */
import type { Random } from "../../faults/random.ts";
import type { BookImage, LevelImage, OrderImage } from "../book-image.ts";
import { priceOf } from "./book-side.ts";
import { closeAuction } from "./closing-auction.ts";
import { BUY, type FeedEncoder, SELL } from "./encoder.ts";
import { FeedLog } from "./feed-log.ts";
import type { Instrument } from "./instruments.ts";
import { Matching } from "./matching.ts";
import type { ExchangeOptions } from "./options.ts";
import { OrderFlow } from "./order-flow.ts";
import { MARKET_LEVEL } from "./order-store.ts";
import { Popularity } from "./popularity.ts";
import { Publisher } from "./publisher.ts";
import type { Tempo } from "./tempo.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** An order that stands in a book, as a snapshot tells it. */
export interface LiveOrder {
  readonly id: number;
  readonly instrument: Instrument;
  /** `BUY` or `SELL`. */
  readonly side: number;
  /** In the feed's price unit; 0 of a market order. */
  readonly price: number;
  /** Open quantity. */
  readonly quantity: number;
  /** When it got its place in the queue, and when a message about it was sent last: ns. */
  readonly placedNs: number;
  readonly changedNs: number;
}

export class StreamEngine {
  /** The exchange's stream id. */
  readonly id: number;
  readonly instruments: readonly Instrument[];
  readonly log: FeedLog;
  readonly publisher: Publisher;
  /** How often the stream has begun again at 1. */
  restarts = 0;

  private readonly options: ExchangeOptions;
  private readonly matching: Matching;
  private readonly flow: OrderFlow;
  private readonly tempo: Tempo;
  private readonly random: Random;
  private readonly meanGapNs: number;
  private nextActionNs: number;
  private auctionEndsNs: number;

  /** @param meanGapNs time between two messages of this stream, on average */
  constructor(
    id: number,
    instruments: readonly Instrument[],
    options: ExchangeOptions,
    encoder: FeedEncoder,
    tempo: Tempo,
    firstSequence: number,
    meanGapNs: number,
    random: Random,
  ) {
    this.id = id;
    this.instruments = instruments;
    this.options = options;
    this.tempo = tempo;
    this.random = random;
    this.meanGapNs = meanGapNs;
    this.log = new FeedLog(encoder.maxLength, options.keepMessages);
    this.publisher = new Publisher(id, firstSequence, this.log, encoder, random.fork(1));
    this.matching = new Matching(id, instruments, this.publisher, random.fork(2));
    const popularity = new Popularity(
      Math.max(1, instruments.length),
      options.deadShare,
      random.fork(3),
    );
    const wanted = options.ordersPerStream;
    const { ordersPerTrade } = options;
    this.flow = new OrderFlow(this.matching, popularity, random.fork(4), wanted, ordersPerTrade);
    this.nextActionNs = instruments.length === 0 ? NEVER : random.exponential(meanGapNs);
    this.auctionEndsNs = options.closingAuction?.untilNs ?? NEVER;
    this.publisher.open(instruments);
  }

  /** Orders that stand in all books of the stream. */
  get liveOrders(): number {
    return this.matching.orders.count;
  }

  /** Everything that happens up to `untilNs`; an aggression begun before it is ended. */
  step(untilNs: number): void {
    const { publisher, options } = this;
    for (;;) {
      const actionNs = this.nextActionNs < options.endNs ? this.nextActionNs : NEVER;
      const restartNs = options.restartAtNs[this.restarts] ?? NEVER;
      const heartbeatNs = publisher.lastSentNs + options.heartbeatNs;
      const dueNs = Math.min(actionNs, restartNs, this.auctionEndsNs, heartbeatNs);
      if (dueNs > untilNs) return;
      if (dueNs > publisher.nowNs) publisher.nowNs = Math.floor(dueNs);
      if (dueNs === restartNs) this.restart();
      else if (dueNs === this.auctionEndsNs) this.endAuction();
      else if (dueNs === actionNs) this.act();
      else publisher.heartbeat();
    }
  }

  /** The engine fails: the exchange cancels every order of the stream and says nothing here. */
  purgeSilently(): void {
    this.matching.purge();
    this.flow.restart();
  }

  /** Visits each live order: by instrument, bids before asks, best first, in its queue's order. */
  forEachOrder(visit: (order: LiveOrder) => void): void {
    const { orders } = this.matching;
    for (const [index, instrument] of this.instruments.entries()) {
      for (const side of [BUY, SELL] as const) {
        this.matching.sides(index)[side].forEach((slot, level) => {
          visit({
            id: orders.id[slot]!,
            instrument,
            side,
            price: level === MARKET_LEVEL ? 0 : priceOf(side, level),
            quantity: orders.quantity[slot]!,
            placedNs: orders.placedNs[slot]!,
            changedNs: orders.changedNs[slot]!,
          });
        });
      }
    }
  }

  /** The true book of the stream's instrument `index`. */
  book(index: number): BookImage {
    const [bids, asks] = this.matching.sides(index);
    const marketOrders: OrderImage[] = [];
    const levelsOf = (side: 0 | 1): LevelImage[] => {
      const levels: { price: number; orders: OrderImage[] }[] = [];
      (side === BUY ? bids : asks).forEach((slot, level) => {
        const { id, quantity } = this.matching.orders;
        const order = { id: id[slot]!, quantity: quantity[slot]! };
        if (level === MARKET_LEVEL) marketOrders.push(order);
        else {
          const price = priceOf(side, level);
          if (levels[levels.length - 1]?.price !== price) levels.push({ price, orders: [] });
          levels[levels.length - 1]!.orders.push(order);
        }
      });
      return levels;
    };
    return { bids: levelsOf(BUY), asks: levelsOf(SELL), marketOrders };
  }

  private act(): void {
    const { publisher, options } = this;
    const before = publisher.lastSequence;
    const auction = options.closingAuction;
    if (auction === undefined || publisher.nowNs < auction.fromNs) this.flow.act();
    else if (publisher.nowNs < auction.untilNs) this.flow.actInAuction();
    else {
      this.nextActionNs = NEVER;
      return;
    }
    const factor = this.tempo.factorAt(publisher.nowNs) * rushAt(publisher.nowNs, options);
    const sent = Math.max(1, publisher.lastSequence - before);
    this.nextActionNs += (this.random.exponential(this.meanGapNs) * sent) / factor;
  }

  private endAuction(): void {
    this.auctionEndsNs = NEVER;
    this.nextActionNs = NEVER;
    closeAuction(this.matching);
  }

  private restart(): void {
    const { publisher, options } = this;
    this.restarts++;
    this.purgeSilently();
    publisher.restart();
    publisher.nowNs += options.restartSilenceNs;
    publisher.lastSentNs = publisher.nowNs;
    publisher.open(this.instruments);
    if (this.nextActionNs < publisher.nowNs) this.nextActionNs = publisher.nowNs;
  }
}

/** How many times as busy it is because the market has just opened. */
function rushAt(nowNs: number, { openingRush }: ExchangeOptions): number {
  if (openingRush === undefined || nowNs >= openingRush.untilNs) return 1;
  return openingRush.factor - (openingRush.factor - 1) * (nowNs / openingRush.untilNs);
}
