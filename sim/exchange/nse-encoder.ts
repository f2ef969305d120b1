/**
 * NSE's multicast messages, written byte by byte. It owes nothing to the feed's layout table, so
 * that the two hold each other to the document.
 *
 *   header   0 i16 length   2 i16 stream   4 u32 sequence   8 char type
 *   order    9 i64 time    17 f64 id      25 i32 token     29 char side  30 i32 price  34 i32 qty
 *   trade    9 i64 time    17 f64 buy id  25 f64 sell id   33 i32 token  37 i32 price  41 i32 qty
 *   Z        9 u32 last number sent
 */
import type { MessageEncoder } from "./encoder.ts";
import { BUY } from "./encoder.ts";
import type { Instrument } from "./instruments.ts";

const ORDER_BYTES = 38;
const TRADE_BYTES = 45;
const HEARTBEAT_BYTES = 13;
const OUTRIGHT_TYPES = [78, 77, 88] as const;
const SPREAD_TYPES = [71, 72, 74] as const;
const TYPE_TRADE = 84;
const TYPE_SPREAD_TRADE = 75;
const TYPE_TRADE_CANCEL = 67;
const TYPE_HEARTBEAT = 90;
const SIDE_BUY = 66;
const SIDE_SELL = 83;
const WORD = 4294967296;

export class NseEncoder implements MessageEncoder {
  readonly tells = "orders";
  readonly maxLength = TRADE_BYTES;
  readonly maxSequence = WORD - 1;
  private readonly startHi: number;
  private readonly startLo: number;

  /** @param startSec the exchange's start, in seconds since 1980 in Indian local time */
  constructor(startSec: number) {
    const startNs = BigInt(startSec) * 1_000_000_000n;
    this.startHi = Number(startNs >> 32n);
    this.startLo = Number(startNs & 0xffffffffn);
  }

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
  ): number {
    const types = instrument.spread ? SPREAD_TYPES : OUTRIGHT_TYPES;
    this.head(view, at, ORDER_BYTES, stream, sequence, types[event]!);
    this.time(view, at + 9, timeNs);
    view.setFloat64(at + 17, orderId, true);
    view.setInt32(at + 25, instrument.token, true);
    view.setUint8(at + 29, side === BUY ? SIDE_BUY : SIDE_SELL);
    view.setInt32(at + 30, price, true);
    view.setInt32(at + 34, quantity, true);
    return ORDER_BYTES;
  }

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
  ): number {
    const type = instrument.spread ? TYPE_SPREAD_TRADE : TYPE_TRADE;
    this.head(view, at, TRADE_BYTES, stream, sequence, isCancelled ? TYPE_TRADE_CANCEL : type);
    this.time(view, at + 9, timeNs);
    view.setFloat64(at + 17, buyOrderId, true);
    view.setFloat64(at + 25, sellOrderId, true);
    view.setInt32(at + 33, instrument.token, true);
    view.setInt32(at + 37, price, true);
    view.setInt32(at + 41, quantity, true);
    return TRADE_BYTES;
  }

  heartbeat(view: DataView, at: number, stream: number, lastSequence: number): number {
    this.head(view, at, HEARTBEAT_BYTES, stream, 0, TYPE_HEARTBEAT);
    view.setUint32(at + 9, lastSequence, true);
    return HEARTBEAT_BYTES;
  }

  private head(
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
    view.setUint8(at + 8, type);
  }

  /** Start and elapsed time are added as two words, since their sum passes 2^53. */
  private time(view: DataView, at: number, timeNs: number): void {
    const hi = Math.floor(timeNs / WORD);
    const lo = this.startLo + (timeNs - hi * WORD);
    const carry = lo >= WORD ? 1 : 0;
    view.setUint32(at, lo - carry * WORD, true);
    view.setInt32(at + 4, this.startHi + hi + carry, true);
  }
}
