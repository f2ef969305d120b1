/**
 * How an exchange's happenings become bytes: the seam between the matching, which knows no
 * protocol, and a feed's wire format.
 */
import type { Instrument } from "./instruments.ts";

/** What happened to an order. */
export const OrderEvent = { New: 0, Modify: 1, Cancel: 2 } as const;
export const BUY = 0;
export const SELL = 1;

/** Each writes one message at `at` of `view` and returns its length in bytes. */
export interface MessageEncoder {
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
  /** An order id of 0 is one that the exchange does not tell. */
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
  ): number;
  /** @param lastSequence the last number sent */
  heartbeat(view: DataView, at: number, stream: number, lastSequence: number): number;
}
