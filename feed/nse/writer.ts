/**
 * NSE messages to bytes, fast and without a check: for the simulated exchange and for tests. The
 * checking writer is `writeMessage` with the table; a property holds the two to the same bytes.
 * Order ids are whole numbers below 2^53, times the two words of ns since 1980 (`joinNs`).
 */
import { HEADER_LENGTH, HEARTBEAT_LENGTH, ORDER_LENGTH, TRADE_LENGTH } from "./table.ts";

function header(
  view: DataView,
  at: number,
  length: number,
  stream: number,
  sequence: number,
  type: number,
): void {
  view.setInt16(at, length, true);
  view.setInt16(at + 2, stream, true);
  view.setUint32(at + 4, sequence, true);
  view.setUint8(at + HEADER_LENGTH, type);
}

/**
 * N, M, X, G, H or J: 38 bytes at `at`.
 * @param type ASCII code of the letter
 * @param side ASCII code, `B` or `S`
 * @returns the message's length
 */
export function writeOrder(
  view: DataView,
  at: number,
  type: number,
  stream: number,
  sequence: number,
  timeHi: number,
  timeLo: number,
  orderId: number,
  token: number,
  side: number,
  price: number,
  quantity: number,
): number {
  header(view, at, ORDER_LENGTH, stream, sequence, type);
  view.setInt32(at + 9, timeLo, true);
  view.setInt32(at + 13, timeHi, true);
  view.setFloat64(at + 17, orderId, true);
  view.setInt32(at + 25, token, true);
  view.setUint8(at + 29, side);
  view.setInt32(at + 30, price, true);
  view.setInt32(at + 34, quantity, true);
  return ORDER_LENGTH;
}

/**
 * T, K or C: 45 bytes at `at`. An id of 0 is an order that was never published.
 * @param type ASCII code of the letter
 * @returns the message's length
 */
export function writeTrade(
  view: DataView,
  at: number,
  type: number,
  stream: number,
  sequence: number,
  timeHi: number,
  timeLo: number,
  buyOrderId: number,
  sellOrderId: number,
  token: number,
  price: number,
  quantity: number,
): number {
  header(view, at, TRADE_LENGTH, stream, sequence, type);
  view.setInt32(at + 9, timeLo, true);
  view.setInt32(at + 13, timeHi, true);
  view.setFloat64(at + 17, buyOrderId, true);
  view.setFloat64(at + 25, sellOrderId, true);
  view.setInt32(at + 33, token, true);
  view.setInt32(at + 37, price, true);
  view.setInt32(at + 41, quantity, true);
  return TRADE_LENGTH;
}

/** Z: 13 bytes at `at`; `lastSequence` is the last number sent. Returns the message's length. */
export function writeHeartbeat(
  view: DataView,
  at: number,
  stream: number,
  lastSequence: number,
): number {
  header(view, at, HEARTBEAT_LENGTH, stream, 0, 0x5a);
  view.setUint32(at + 9, lastSequence, true);
  return HEARTBEAT_LENGTH;
}
