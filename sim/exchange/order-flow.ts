/**
 * What the members do: which message comes next, on which instrument, at which price.
 *
 * Two phases. The opening ramp has the mix N 44 %, M 28 %, X 23 %, T 5 %, which leaves orders
 * behind; once the wanted number stands, the mix is N 35, M 28, X 32, T 5 and a correction of news
 * against cancels keeps that number. Each draw favours the kinds that are behind their share.
 */
import type { Random } from "../../faults/random.ts";
import { levelOf, priceOf } from "./book-side.ts";
import { BUY, OrderEvent, SELL } from "./encoder.ts";
import { ANY_LEVEL, type Matching } from "./matching.ts";
import { MARKET_LEVEL } from "./order-store.ts";
import type { Popularity } from "./popularity.ts";
import { Sent } from "./publisher.ts";

const RAMP = [0.44, 0.28, 0.23, 0.05] as const;
const STATIONARY = [0.35, 0.28, 0.32, 0.05] as const;
/** How far news and cancels may leave the stationary mix to hold the number of live orders. */
const CORRECTION_LIMIT = 0.03;
/** The mix is held over about this many messages. */
const HORIZON = 8192;
/** A kind that is up to date is still drawn now and then. */
const SLACK = 48;

/** Of aggressions: orders published before their trades, IOC (id 0), market (an id never seen). */
const PUBLISHED_SHARE = 0.4;
const IOC_SHARE = 0.42;
/** Of modifications: an aggressive price, a new resting one; of the others less quantity. */
const CROSSING_SHARE = 0.0035;
const NEW_PRICE_SHARE = 0.5;
const LESS_SHARE = 0.6;
/** Stop orders become regular ones as an M or X of an id that was never published. */
const STOP_SHARE = 0.0005;
const TRADE_CANCEL_SHARE = 0.001;
/** Of aggressions, on feeds that tell executions: those against an order that was never shown. */
const HIDDEN_SHARE = 0.1;
/** In the closing auction, orders without a price. */
const MARKET_SHARE = 0.2;
const OWNERS = 400;

type Mix = readonly [number, number, number, number];

/** The mix with another share of trades; cancels take what that leaves, so that books keep their size. */
function withTrades([news, modifies, cancels, trades]: Mix, ordersPerTrade: number): Mix {
  const share = 1 / (ordersPerTrade + 1);
  const over = trades - share;
  return [news, modifies, cancels + over, share];
}

export class OrderFlow {
  private readonly matching: Matching;
  private readonly popularity: Popularity;
  private readonly random: Random;
  private readonly ordersWanted: number;
  private isRamped = false;
  /** Messages by kind that the mix is held over; halved at the horizon. */
  private readonly counted = new Float64Array(4);
  private readonly seen = new Float64Array(4);

  /** The two mixes. */
  private readonly ramp: Mix;
  private readonly stationary: Mix;

  /**
   * @param ordersWanted live orders at which the opening ramp ends
   * @param ordersPerTrade messages about orders for each trade; 19 is a share of 5 %
   */
  constructor(
    matching: Matching,
    popularity: Popularity,
    random: Random,
    ordersWanted: number,
    ordersPerTrade: number,
  ) {
    this.matching = matching;
    this.popularity = popularity;
    this.random = random;
    this.ordersWanted = ordersWanted;
    this.ramp = withTrades(RAMP, ordersPerTrade);
    this.stationary = withTrades(STATIONARY, ordersPerTrade);
  }

  /** After a purge: the books fill again from nothing. */
  restart(): void {
    this.isRamped = false;
    this.counted.fill(0);
  }

  /** One thing that a member does in continuous trading: one message, or an aggression's several. */
  act(): void {
    const kind = this.drawKind();
    if (this.matching.orders.count === 0 || kind === Sent.New) this.enterPassive();
    else if (kind === Sent.Modify) this.modify();
    else if (kind === Sent.Cancel) this.cancel();
    else this.aggress();
  }

  /** One thing that a member does while the closing auction collects orders. */
  actInAuction(): void {
    const kind = this.drawKind();
    const { matching, random } = this;
    if (matching.orders.count > 0 && kind === Sent.Cancel) this.cancel();
    else if (matching.orders.count > 0 && kind === Sent.Modify) this.modifyInAuction();
    else {
      const instrument = this.popularity.draw(random);
      const side = random.below(2);
      const isMarket = random.chance(MARKET_SHARE);
      const price = isMarket ? 0 : this.priceAround(instrument, side, -4);
      matching.enterAuction(instrument, side, price, this.quantity(instrument));
    }
  }

  /** A kind of message, as an index of the mix. */
  private drawKind(): number {
    const { counted, seen } = this;
    const { sent } = this.matching.publisher;
    let total = 0;
    for (let kind = 0; kind < 4; kind++) {
      counted[kind]! += sent[kind]! - seen[kind]!;
      seen[kind] = sent[kind]!;
      total += counted[kind]!;
    }
    if (total > HORIZON) for (let kind = 0; kind < 4; kind++) counted[kind]! *= 0.5;
    const live = this.matching.orders.count;
    if (live >= this.ordersWanted && !this.isRamped) {
      this.isRamped = true;
      counted.fill(0);
      total = 0;
    }
    return this.drawBehind(total > HORIZON ? total / 2 : total, live);
  }

  private drawBehind(total: number, live: number): number {
    const { counted } = this;
    const mix = this.isRamped ? this.stationary : this.ramp;
    let correction = 0;
    if (this.isRamped) {
      const short = (this.ordersWanted - live) / this.ordersWanted;
      correction = Math.max(-CORRECTION_LIMIT, Math.min(CORRECTION_LIMIT, short));
    }
    const reach = total + SLACK;
    const news = Math.max(0.5, (mix[0] + correction) * reach - counted[0]!);
    const modifies = Math.max(0.5, mix[1] * reach - counted[1]!);
    const cancels = Math.max(0.5, (mix[2] - correction) * reach - counted[2]!);
    const trades = Math.max(0.05, mix[3] * reach - counted[3]!);
    let draw = this.random.unit() * (news + modifies + cancels + trades);
    draw -= news;
    if (draw < 0) return Sent.New;
    draw -= modifies;
    if (draw < 0) return Sent.Modify;
    return draw < cancels ? Sent.Cancel : Sent.Trade;
  }

  private enterPassive(): void {
    const { matching, random } = this;
    const instrument = this.popularity.draw(random);
    let side = random.below(2);
    let price = this.passivePrice(instrument, side);
    if (Number.isNaN(price)) {
      side = side === BUY ? SELL : BUY;
      price = this.passivePrice(instrument, side);
    }
    const quantity = this.quantity(instrument);
    matching.enter(OrderEvent.New, instrument, side, price, quantity, this.owner());
  }

  private modify(): void {
    if (this.random.chance(STOP_SHARE)) {
      this.triggerStop();
      return;
    }
    const { matching } = this;
    const slot = matching.orders.draw(this.random);
    const price = this.modifiedPrice(slot);
    const quantity = matching.orders.quantity[slot]!;
    const isSamePrice = price === matching.priceOf(slot);
    matching.modify(slot, price, isSamePrice ? this.otherQuantity(slot) : quantity, true);
  }

  /** A crossing price, a new resting one, or the old. */
  private modifiedPrice(slot: number): number {
    const { matching, random } = this;
    const instrument = matching.orders.instrument[slot]!;
    const side = matching.orders.side[slot]!;
    let price = Number.NaN;
    if (random.chance(CROSSING_SHARE)) price = this.crossingPrice(instrument, side);
    else if (random.chance(NEW_PRICE_SHARE)) price = this.passivePrice(instrument, side);
    return Number.isNaN(price) ? matching.priceOf(slot) : price;
  }

  /** Less, which keeps the order's place, or more, which costs it. Never the same. */
  private otherQuantity(slot: number): number {
    const { matching, random } = this;
    const { lot } = matching.instruments[matching.orders.instrument[slot]!]!;
    const quantity = matching.orders.quantity[slot]!;
    if (quantity > lot && random.chance(LESS_SHARE)) {
      const lots = Math.max(1, Math.floor((quantity / lot) * random.unit()));
      return Math.min(lots * lot, quantity - 1);
    }
    return quantity + lot * (1 + random.below(4));
  }

  private modifyInAuction(): void {
    const { matching, random } = this;
    const { orders } = matching;
    const slot = orders.draw(random);
    const isMarket = orders.level[slot] === MARKET_LEVEL;
    const side = orders.side[slot]!;
    const old = matching.priceOf(slot);
    const price = isMarket ? 0 : this.priceAround(orders.instrument[slot]!, side, -4);
    const quantity = price === old ? this.otherQuantity(slot) : orders.quantity[slot]!;
    matching.modify(slot, price, quantity, false);
  }

  private triggerStop(): void {
    const { matching, random } = this;
    const instrument = this.popularity.draw(random);
    const side = random.below(2);
    const price = this.passivePrice(instrument, side);
    if (Number.isNaN(price)) this.enterPassive();
    else {
      const quantity = this.quantity(instrument);
      matching.enter(OrderEvent.Modify, instrument, side, price, quantity, this.owner());
    }
  }

  private cancel(): void {
    const { matching, random } = this;
    if (!random.chance(STOP_SHARE)) {
      matching.cancel(matching.orders.draw(random));
      return;
    }
    const instrument = this.popularity.draw(random);
    const on = matching.instruments[instrument]!;
    const price = matching.lastPrice[instrument]!;
    if (!matching.publisher.tellsAggressors) return;
    matching.publisher.order(
      OrderEvent.Cancel,
      matching.newId(),
      on,
      random.below(2),
      price,
      on.lot,
    );
  }

  /** Takes from a book that has something to take: the one of any live order. */
  private aggress(): void {
    const { matching, random } = this;
    const { orders } = matching;
    const target = orders.draw(random);
    const instrument = orders.instrument[target]!;
    const side = orders.side[target] === BUY ? SELL : BUY;
    const resting = matching.sides(instrument)[side === BUY ? SELL : BUY]!.bestOrder;
    const quantity = this.takenQuantity(instrument, orders.quantity[resting]!);
    const price = this.crossingPrice(instrument, side);
    if (!matching.publisher.tellsAggressors && random.chance(HIDDEN_SHARE)) {
      const last = matching.lastPrice[instrument]!;
      matching.publisher.hiddenTrade(matching.instruments[instrument]!, last, quantity);
      return;
    }
    const draw = random.unit();
    if (draw < PUBLISHED_SHARE) {
      matching.enter(OrderEvent.New, instrument, side, price, quantity, this.owner());
    } else if (draw < PUBLISHED_SHARE + IOC_SHARE) {
      const level = levelOf(side, price);
      matching.takeUnpublished(instrument, side, level, quantity, 0, this.owner());
    } else {
      const id = matching.newId();
      matching.takeUnpublished(instrument, side, ANY_LEVEL, quantity, id, this.owner());
    }
    if (random.chance(TRADE_CANCEL_SHARE)) this.cancelTrade(instrument);
  }

  /** The exchange takes a trade back; no order comes back with it. */
  private cancelTrade(instrument: number): void {
    const on = this.matching.instruments[instrument]!;
    if (on.spread) return;
    this.matching.publisher.tradeCancel(0, 0, on, this.matching.lastPrice[instrument]!, on.lot);
  }

  /** A price that rests: near the last trade, never past the other side; NaN if there is none. */
  private passivePrice(instrument: number, side: number): number {
    const { matching } = this;
    const { tick, spread } = matching.instruments[instrument]!;
    const otherSide = side === BUY ? SELL : BUY;
    const other = matching.sides(instrument)[otherSide]!;
    let price = this.priceAround(instrument, side, 0);
    if (!other.isEmpty) {
      const best = priceOf(otherSide, other.bestLevel);
      price = side === BUY ? Math.min(price, best - tick) : Math.max(price, best + tick);
    }
    return price < tick && !spread ? Number.NaN : price;
  }

  /** Some ticks from the last price; `nearest` below 0 reaches over to the other side. */
  private priceAround(instrument: number, side: number, nearest: number): number {
    const { tick, spread } = this.matching.instruments[instrument]!;
    const steps = nearest + 1 + this.random.geometric(0.15, 60);
    const last = this.matching.lastPrice[instrument]!;
    const price = side === BUY ? last - steps * tick : last + steps * tick;
    return spread ? price : Math.max(price, tick);
  }

  /** The other side's best price, or up to two ticks beyond it; NaN if the other side is empty. */
  private crossingPrice(instrument: number, side: number): number {
    const otherSide = side === BUY ? SELL : BUY;
    const other = this.matching.sides(instrument)[otherSide]!;
    if (other.isEmpty) return Number.NaN;
    const { tick, spread } = this.matching.instruments[instrument]!;
    const best = priceOf(otherSide, other.bestLevel);
    const beyond = this.random.below(3) * tick;
    if (side === BUY) return best + beyond;
    return spread ? best - beyond : Math.max(best - beyond, tick);
  }

  private quantity(instrument: number): number {
    return this.matching.instruments[instrument]!.lot * (1 + this.random.geometric(0.3, 40));
  }

  /** Part of the resting order, all of it, or more than that. */
  private takenQuantity(instrument: number, resting: number): number {
    const { lot } = this.matching.instruments[instrument]!;
    const draw = this.random.unit();
    if (draw < 0.3) return Math.max(1, Math.min(lot, resting));
    if (draw < 0.6) return resting;
    return resting + lot * (1 + this.random.geometric(0.3, 40));
  }

  private owner(): number {
    return this.random.below(OWNERS);
  }
}
