/**
 * The join of a live service: one over the streams of all its feeds, and its newest rows, as JSON too.
 *
 * Streams stand at equal times in the order of their feeds in the registry, then of their numbers, so
 * that the rows do not depend on which of them was heard first.
 */
import { exactDecimal } from "../../feed/decimal.ts";
import type { Feed } from "../../feed/feed.ts";
import { Side } from "../../feed/op-batch.ts";
import { FEEDS } from "../../feed/registry.ts";
import { formatNs, u64Text } from "../../feed/time.ts";
import { flagText } from "../flag-text.ts";
import type { PipelineStream } from "../pipeline.ts";
import { AsOfJoin, type AsOfStats } from "./asof-join.ts";
import { AsOfFlag } from "./joined-batch.ts";
import { JoinedRing } from "./joined-ring.ts";
import { AsOfObserver } from "./observer.ts";
import type { AsOfOptions } from "./options.ts";
import { type AsOfPlan, AsOfRoutes, type Instrument } from "./routes.ts";

/** A join as a service's config declares it. */
export interface AsOfDeclaration {
  readonly options?: Partial<AsOfOptions>;
  /** Absent: each trade is joined with the quotes of its own instrument. */
  readonly plan?: AsOfPlan;
}

interface Joined {
  readonly feed: Feed;
  readonly stream: PipelineStream;
}

const STREAM_IDS = 2 ** 32;

export class LiveAsOf {
  private readonly ring = new JoinedRing();
  private readonly join: AsOfJoin;
  private readonly routes: AsOfRoutes | null;
  private readonly midnightOf: (captureSec: number) => number;
  /** By the number that the join has given. */
  private readonly streams: Joined[] = [];
  private readonly numbers = new Map<PipelineStream, number>();

  /** @throws AsOfError an option is out of its range */
  constructor(declared: AsOfDeclaration, midnightOf: (captureSec: number) => number) {
    this.join = new AsOfJoin(this.ring, declared.options);
    this.routes = declared.plan === undefined ? null : new AsOfRoutes(this.join, declared.plan);
    this.midnightOf = midnightOf;
  }

  /** What the stream's books are to tell of every op. */
  observe(feed: Feed, stream: PipelineStream): AsOfObserver {
    const { join, midnightOf } = this;
    const number = join.addStream(FEEDS.indexOf(feed) * STREAM_IDS + stream.id);
    this.streams[number] = { feed, stream };
    this.numbers.set(stream, number);
    const observed = { feed, instruments: stream.decoder.instruments, source: stream, midnightOf };
    return new AsOfObserver(join, number, observed, this.routes);
  }

  advance(nowNs: number): void {
    this.join.advance(nowNs);
    this.join.drain();
  }

  /** The input is over. */
  finish(): void {
    this.join.finish();
  }

  get stats(): AsOfStats {
    return this.join.stats;
  }

  /** Rows that the instrument ever had. */
  countOf(stream: PipelineStream, instrument: number): number {
    this.join.drain();
    return this.ring.countOf(this.numbers.get(stream) ?? -1, instrument);
  }

  /** The instrument's newest rows, newest first: a trade, and the quote that was in force. */
  rowsJson(stream: PipelineStream, instrument: number, limit: number): object[] {
    this.join.drain();
    const number = this.numbers.get(stream);
    if (number === undefined) return [];
    return this.ring.latest(number, instrument, limit).map((slot) => this.rowJson(slot));
  }

  private rowJson(slot: number): object {
    const { rows } = this.ring;
    const { feed, stream } = this.streams[rows.stream[slot]];
    const price = rows.price[slot];
    const tradeId = [rows.tradeIdHi[slot], rows.tradeIdLo[slot]] as const;
    return {
      ts_recv: formatNs(rows.recvSec[slot], rows.recvNsec[slot]),
      ts_event: formatNs(rows.sec[slot], rows.nsec[slot]) || null,
      stream: stream.id,
      sequence: String(rows.sequence[slot]),
      token: stream.decoder.instruments.names[rows.instrument[slot]],
      price: Number.isNaN(price) ? null : exactDecimal(price, feed.table.priceDecimals),
      size: rows.size[slot],
      side: rows.side[slot] === Side.Buy ? "B" : rows.side[slot] === Side.Sell ? "A" : "N",
      trade_id: tradeId[0] === 0 && tradeId[1] === 0 ? null : u64Text(...tradeId),
      action: String.fromCharCode(rows.action[slot]),
      flags: flagText(rows.flags[slot]),
      ...this.verdictJson(rows.verdict[slot]),
      quote: rows.verdict[slot] & AsOfFlag.Matched ? this.quoteJson(slot) : null,
    };
  }

  private verdictJson(verdict: number) {
    return {
      late: (verdict & AsOfFlag.Late) !== 0,
      in_gap: (verdict & AsOfFlag.InGap) !== 0,
      evicted: (verdict & AsOfFlag.Evicted) !== 0,
      early: (verdict & AsOfFlag.Early) !== 0,
    };
  }

  private quoteJson(slot: number): object {
    const { rows } = this.ring;
    const { feed, stream } = this.streams[this.join.quotedBy(rows.key[slot])];
    const decimals = feed.table.priceDecimals;
    const level = (orders: number, price: number, size: number) =>
      orders === 0 ? null : { price: exactDecimal(price, decimals), size, orders };
    return {
      ...this.quotedJson(slot),
      stream: stream.id,
      sequence: String(rows.quoteSequence[slot]),
      // Books without a date stand before all times.
      ts_event:
        rows.quoteSec[slot] < 0 ? null : formatNs(rows.quoteSec[slot], rows.quoteNsec[slot]),
      bid: level(rows.bidOrders[slot], rows.bidPrice[slot], rows.bidSize[slot]),
      ask: level(rows.askOrders[slot], rows.askPrice[slot], rows.askSize[slot]),
      flags: flagText(rows.quoteFlags[slot]),
    };
  }

  private quotedJson(slot: number): Instrument {
    const { rows } = this.ring;
    const named = this.routes?.instrumentOf(rows.key[slot]);
    if (named !== undefined) return named;
    const { feed, stream } = this.streams[rows.stream[slot]];
    const token = stream.decoder.instruments.names[rows.instrument[slot]];
    return { feed: feed.id, token };
  }
}
