/**
 * Edge: days that no exchange has, each the worst for some part of an order book: a side of very many
 * levels, prices far from all others, one level that everybody stands on, order ids chosen against
 * hash tables. Written as NASDAQ's own file, one instrument, no crossing.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Random } from "../faults/random.ts";
import { cacheFolder } from "./cache-folder.ts";
import type { MarketFile } from "./market-files.ts";

export interface WorstCase {
  readonly name: string;
  readonly what: string;
  readonly file: MarketFile;
}

const ADD_BYTES = 38;
const DELETE_BYTES = 21;
const LOCATE = 7;
/** Prices around which a usual book lies, in ITCH's unit of 0.0001. */
const MIDDLE = 1_000_000;
const TICK = 100;

/** High and low word of the id of the n-th order. */
type IdRule = (n: number) => readonly [high: number, low: number];
/** Price of the n-th bid. */
type PriceRule = (n: number, random: Random) => number;

const plainId: IdRule = (n) => [0, n + 1];
const nearTouch: PriceRule = (_, random) => MIDDLE - TICK * random.below(40);

/**
 * Ids that all fall into one chain of `book/book-store.ts`: its hash has no key, so who chooses ids can
 * do this. An exchange's members cannot; the exchange numbers orders itself.
 */
function collidingId(): IdRule {
  const chosen: (readonly [number, number])[] = [];
  let high = 0;
  return (n) => {
    while (chosen.length <= n) {
      const block = Math.imul(++high, 0x85eb_ca6b) >>> 0;
      if (block >>> 28 === 0) chosen.push([high, (block << 4) >>> 0]);
    }
    return chosen[n];
  };
}

/** @param orders that stand at once in each case */
export function worstCases(orders: number): WorstCase[] {
  // A side sorted in an array moves half of it for each new level: more would take hours.
  const levels = Math.min(orders, 100_000);
  // Each look-up walks half of the chain.
  const chained = Math.min(orders, 10_000);
  const usual = (name: string, what: string, id: IdRule) => made(name, what, orders, id, nearTouch);
  return [
    usual(
      "usual",
      "forty prices near the touch, ids in a row: what the others are held against",
      plainId,
    ),
    made(
      "deep side",
      `${levels} bids, each at a price of its own, in any order`,
      levels,
      plainId,
      scattered(levels),
    ),
    made(
      "far price",
      "every other bid is at a 40,000th of the others' price",
      orders,
      plainId,
      farApart,
    ),
    made("one level", `${orders} orders on a single price`, orders, plainId, () => MIDDLE),
    usual("low words alike", "ids that differ in their high 32 bits only", (n) => [n + 1, 77]),
    usual("multiples", "ids that are multiples of 2^20", (n) => [
      (n + 1) >>> 12,
      ((n + 1) << 20) >>> 0,
    ]),
    made("one chain", `${chained} ids against this very table`, chained, collidingId(), nearTouch),
  ];
}

function scattered(levels: number): PriceRule {
  let order: Int32Array | undefined;
  return (n, random) => {
    order ??= shuffled(levels, random);
    return (order[n % levels] + 1) * TICK;
  };
}

function farApart(n: number, random: Random): number {
  return n % 2 === 0 ? MIDDLE - TICK * random.below(40) : 1 + random.below(40);
}

/** `orders` adds, then the deletion of every one in an order that nobody can guess. */
function made(name: string, what: string, orders: number, id: IdRule, price: PriceRule): WorstCase {
  const random = new Random(3);
  const bytes = new Uint8Array(orders * (ADD_BYTES + DELETE_BYTES));
  const view = new DataView(bytes.buffer);
  for (let n = 0; n < orders; n++) {
    const at = n * ADD_BYTES;
    const [high, low] = id(n);
    head(view, at, ADD_BYTES, "A", n, high, low);
    view.setUint8(at + 21, 0x42);
    view.setUint32(at + 22, 100 + (n % 7) * 100);
    for (let i = 26; i < 34; i++) view.setUint8(at + i, 0x20);
    view.setUint8(at + 26, 0x58);
    view.setUint32(at + 34, price(n, random));
  }
  const leaving = shuffled(orders, random);
  for (let n = 0; n < orders; n++) {
    const [high, low] = id(leaving[n]);
    const at = orders * ADD_BYTES + n * DELETE_BYTES;
    head(view, at, DELETE_BYTES, "D", orders + n, high, low);
  }
  const path = join(cacheFolder(), `worst-${name.replaceAll(" ", "-")}-${orders}.itch`);
  writeFileSync(path, bytes);
  return { name, what, file: { path, feed: "itch", messages: orders * 2, instruments: 1 } };
}

function head(
  view: DataView,
  at: number,
  bytes: number,
  type: string,
  n: number,
  high: number,
  low: number,
): void {
  view.setUint16(at, bytes - 2);
  view.setUint8(at + 2, type.charCodeAt(0));
  view.setUint16(at + 3, LOCATE);
  view.setUint16(at + 7, 7);
  view.setUint32(at + 9, n);
  view.setUint32(at + 13, high);
  view.setUint32(at + 17, low);
}

function shuffled(count: number, random: Random): Int32Array {
  const order = Int32Array.from({ length: count }, (_, at) => at);
  for (let at = count - 1; at > 0; at--) {
    const other = random.below(at + 1);
    const kept = order[at];
    order[at] = order[other];
    order[other] = kept;
  }
  return order;
}
