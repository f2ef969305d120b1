/**
 * How an exchange's happenings become bytes: the seam between the matching, which knows no
 * protocol, and a feed's wire format.
 */
import type { Instrument } from "./instruments.ts";

/** What happened to an order. */
export const OrderEvent = { New: 0, Modify: 1, Cancel: 2 } as const;
export const BUY = 0;
export const SELL = 1;

/** A feed on which an aggressive order stands before its trades, and leaves the book by them. */
export interface MessageEncoder extends CommonEncoder {
  readonly tells: "orders";
}

/** A feed on which a trade is told as the execution of the resting order, and nothing else. */
export interface ExecutionEncoder extends CommonEncoder {
  readonly tells: "executions";
  /** Messages with which a session begins, one by one; returns 0 when there are no more. */
  opening(view: DataView, at: number, message: number, timeNs: number, on: Listed): number;
  /** The order is cut by `quantity` and keeps its place. */
  reduce(
    view: DataView,
    at: number,
    timeNs: number,
    orderId: number,
    instrument: Instrument,
    quantity: number,
  ): number;
  /** The order leaves; another comes on the same side, behind those at its price. */
  replace(
    view: DataView,
    at: number,
    timeNs: number,
    orderId: number,
    newOrderId: number,
    instrument: Instrument,
    price: number,
    quantity: number,
  ): number;
  /** A trade with an order that was never shown. */
  hiddenTrade(
    view: DataView,
    at: number,
    timeNs: number,
    instrument: Instrument,
    price: number,
    quantity: number,
  ): number;
}

export type FeedEncoder = MessageEncoder | ExecutionEncoder;
type Listed = readonly Instrument[];

/** Each writes one message at `at` of `view` and returns its length in bytes. */
interface CommonEncoder {
  /** Bytes of the longest message. */
  readonly maxLength: number;
  /** The sequence field's highest value; the exchange ends an epoch before it. */
  readonly maxSequence: number;
  /**
   * @param event an `OrderEvent`
   * @param timeNs nanoseconds since the exchange's start
   * @param side `BUY` or `SELL`
   * @param price in the feed's price unit; 0 for a market order of the closing auction
   */
  order(
    view: DataView,
    at: number,
    stream: number,
    sequence: number,
    event: number,
    timeNs: number,
    orderId: number,
    instrument: Instrument,
    side: number,
    price: number,
    quantity: number,
  ): number;
  /**
   * An order id of 0 is one that the exchange does not tell.
   * @param restingSide `BUY` or `SELL`: whose order stood in the book
   */
  trade(
    view: DataView,
    at: number,
    stream: number,
    sequence: number,
    timeNs: number,
    buyOrderId: number,
    sellOrderId: number,
    instrument: Instrument,
    price: number,
    quantity: number,
    isCancelled: boolean,
    restingSide: number,
  ): number;
  /** @param lastSequence the last number sent */
  heartbeat(view: DataView, at: number, stream: number, lastSequence: number): number;
}
