/**
 * The end of the closing auction: one price for all, trades by priority, everything else goes.
 *
 * The price is the one at which most is traded; of several the one that leaves the least over, then
 * the lowest. Market orders go before limit orders. Worst case: quadratic in an instrument's orders.
 */
import { BUY, SELL } from "./encoder.ts";
import type { Matching } from "./matching.ts";
import { MARKET_LEVEL } from "./order-store.ts";

/** Matches every instrument, then cancels what is left, each order with a message. */
export function closeAuction(matching: Matching): void {
  for (let instrument = 0; instrument < matching.instruments.length; instrument++) {
    uncross(matching, instrument);
  }
  for (const slot of matching.orders.slots().slice()) matching.cancel(slot);
}

function uncross(matching: Matching, instrument: number): void {
  const [bids, asks] = matching.sides(instrument);
  if (bids.isEmpty || asks.isEmpty) return;
  const price = auctionPrice(matching, instrument);
  if (price === undefined) return;
  const { orders, publisher } = matching;
  const on = matching.instruments[instrument]!;
  while (!bids.isEmpty && !asks.isEmpty && bids.bestLevel >= price && asks.bestLevel >= -price) {
    const buy = bids.bestOrder;
    const sell = asks.bestOrder;
    const quantity = Math.min(orders.quantity[buy]!, orders.quantity[sell]!);
    publisher.trade(BUY, orders.id[buy]!, orders.id[sell]!, on, price, quantity);
    matching.lastPrice[instrument] = price;
    matching.fill(buy, quantity);
    matching.fill(sell, quantity);
  }
}

/** Undefined where nothing would trade, or only market orders would and there is no price at all. */
function auctionPrice(matching: Matching, instrument: number): number | undefined {
  const sides = matching.sides(instrument);
  const levels = [new Map<number, number>(), new Map<number, number>()] as const;
  for (const side of [BUY, SELL] as const) {
    sides[side].forEach((slot, level) => {
      const open = matching.orders.quantity[slot]!;
      levels[side].set(level, (levels[side].get(level) ?? 0) + open);
    });
  }
  const prices = new Set<number>();
  for (const level of levels[BUY].keys()) if (level !== MARKET_LEVEL) prices.add(level);
  for (const level of levels[SELL].keys()) if (level !== MARKET_LEVEL) prices.add(0 - level);
  let best: number | undefined;
  let most = 0;
  let leastOver = 0;
  for (const price of [...prices].sort((a, b) => a - b)) {
    const demand = sumFrom(levels[BUY], price);
    const supply = sumFrom(levels[SELL], -price);
    const volume = Math.min(demand, supply);
    const over = Math.abs(demand - supply);
    if (volume > most || (volume === most && volume > 0 && over < leastOver)) {
      best = price;
      most = volume;
      leastOver = over;
    }
  }
  return best;
}

function sumFrom(levels: ReadonlyMap<number, number>, lowest: number): number {
  let sum = 0;
  for (const [level, quantity] of levels) if (level >= lowest) sum += quantity;
  return sum;
}
