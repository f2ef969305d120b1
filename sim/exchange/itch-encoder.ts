/**
 * NASDAQ TotalView-ITCH 5.0 messages, written byte by byte, with nothing of the feed's own table.
 * All big-endian; each begins with the same eleven bytes:
 *
 *   0 char type   1 u16 locate   3 u16 tracking   5 u48 ns since midnight in New York
 *   A 36: 11 u64 ref  19 side  20 u32 shares  24 symbol  32 u32 price     F 40: + 36 attribution
 *   E 31: 11 u64 ref  19 u32 shares  23 u64 match     C 36: + 31 printable  32 u32 price
 *   X 23: 11 u64 ref  19 u32 shares cut     D 19: 11 u64 ref
 *   U 35: 11 u64 ref  19 u64 new ref  27 u32 shares  31 u32 price
 *   P 44: 11 u64 0  19 side  20 u32 shares  24 symbol  32 u32 price  36 u64 match
 *   B 19: 11 u64 match     S 12: 11 event     R 39, H 25: 11 symbol and states
 *
 * A trade is told as the execution of the resting order; its match number is the message's own
 * sequence number. References have all their 64 bits, so that whoever keeps them in a double fails.
 */
import { BUY, type ExecutionEncoder, OrderEvent } from "./encoder.ts";
import type { Instrument } from "./instruments.ts";

const REF_HIGH = 0x5a17_0000;
const WORD = 4294967296;
const HEAD_BYTES = 11;
/** Every so many adds one is attributed, and every so many executions one tells its own price. */
const ATTRIBUTED_EVERY = 16;
const PRICED_EVERY = 32;
const DAY_EVENTS = ["O", "S"] as const;

export class ItchEncoder implements ExecutionEncoder {
  readonly tells = "executions";
  readonly maxLength = 44;
  readonly maxSequence = Number.MAX_SAFE_INTEGER;
  private readonly startNs: number;
  /** Match number of each stream's last trade, which a broken trade names. */
  private readonly lastMatch = new Map<number, number>();

  /** @param startNs the exchange's start, nanoseconds since midnight in New York */
  constructor(startNs: number) {
    this.startNs = startNs;
  }

  /** S O, S S, then R and H of each security, then S Q: the market opens. */
  opening(
    view: DataView,
    at: number,
    message: number,
    timeNs: number,
    listed: readonly Instrument[],
  ): number {
    const securities = message - DAY_EVENTS.length;
    if (securities < 0) return this.dayEvent(view, at, timeNs, DAY_EVENTS[message]!);
    if (securities === listed.length * 2) return this.dayEvent(view, at, timeNs, "Q");
    if (securities > listed.length * 2) return 0;
    const on = listed[Math.floor(securities / 2)]!;
    if (securities % 2 === 0) return this.directory(view, at, timeNs, on);
    this.head(view, at, "H", on.token, timeNs);
    text(view, at + HEAD_BYTES, 8, on.name);
    text(view, at + 19, 6, "T ");
    return 25;
  }

  order(
    view: DataView,
    at: number,
    _stream: number,
    _sequence: number,
    event: number,
    timeNs: number,
    orderId: number,
    instrument: Instrument,
    side: number,
    price: number,
    quantity: number,
  ): number {
    if (event === OrderEvent.Cancel) {
      this.head(view, at, "D", instrument.token, timeNs);
      reference(view, at + HEAD_BYTES, orderId);
      return 19;
    }
    const isAttributed = orderId % ATTRIBUTED_EVERY === 0;
    this.head(view, at, isAttributed ? "F" : "A", instrument.token, timeNs);
    reference(view, at + HEAD_BYTES, orderId);
    text(view, at + 19, 1, side === BUY ? "B" : "S");
    view.setUint32(at + 20, quantity);
    text(view, at + 24, 8, instrument.name);
    view.setUint32(at + 32, price);
    if (isAttributed) text(view, at + 36, 4, "SIMU");
    return isAttributed ? 40 : 36;
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
    restingSide: number,
  ): number {
    if (isCancelled) {
      this.head(view, at, "B", instrument.token, timeNs);
      wide(view, at + HEAD_BYTES, this.lastMatch.get(stream) ?? sequence);
      return 19;
    }
    this.lastMatch.set(stream, sequence);
    const isPriced = sequence % PRICED_EVERY === 0;
    this.head(view, at, isPriced ? "C" : "E", instrument.token, timeNs);
    reference(view, at + HEAD_BYTES, restingSide === BUY ? buyOrderId : sellOrderId);
    view.setUint32(at + 19, quantity);
    wide(view, at + 23, sequence);
    if (!isPriced) return 31;
    text(view, at + 31, 1, "Y");
    view.setUint32(at + 32, price);
    return 36;
  }

  reduce(
    view: DataView,
    at: number,
    timeNs: number,
    orderId: number,
    instrument: Instrument,
    quantity: number,
  ): number {
    this.head(view, at, "X", instrument.token, timeNs);
    reference(view, at + HEAD_BYTES, orderId);
    view.setUint32(at + 19, quantity);
    return 23;
  }

  replace(
    view: DataView,
    at: number,
    timeNs: number,
    orderId: number,
    newOrderId: number,
    instrument: Instrument,
    price: number,
    quantity: number,
  ): number {
    this.head(view, at, "U", instrument.token, timeNs);
    reference(view, at + HEAD_BYTES, orderId);
    reference(view, at + 19, newOrderId);
    view.setUint32(at + 27, quantity);
    view.setUint32(at + 31, price);
    return 35;
  }

  hiddenTrade(
    view: DataView,
    at: number,
    timeNs: number,
    instrument: Instrument,
    price: number,
    quantity: number,
  ): number {
    this.head(view, at, "P", instrument.token, timeNs);
    wide(view, at + HEAD_BYTES, 0);
    text(view, at + 19, 1, "B");
    view.setUint32(at + 20, quantity);
    text(view, at + 24, 8, instrument.name);
    view.setUint32(at + 32, price);
    // Its own time tells one hidden trade from another.
    wide(view, at + 36, this.startNs + timeNs);
    return 44;
  }

  /** No bytes of its own: an empty MoldUDP64 packet says it. */
  heartbeat(): number {
    return 0;
  }

  private directory(view: DataView, at: number, timeNs: number, on: Instrument): number {
    this.head(view, at, "R", on.token, timeNs);
    text(view, at + HEAD_BYTES, 8, on.name);
    text(view, at + 19, 2, "QN");
    view.setUint32(at + 21, 100);
    text(view, at + 25, 9, "NCZ PNN1N");
    view.setUint32(at + 34, 0);
    text(view, at + 38, 1, "N");
    return 39;
  }

  private dayEvent(view: DataView, at: number, timeNs: number, event: string): number {
    this.head(view, at, "S", 0, timeNs);
    text(view, at + HEAD_BYTES, 1, event);
    return 12;
  }

  private head(view: DataView, at: number, type: string, locate: number, timeNs: number): void {
    text(view, at, 1, type);
    view.setUint16(at + 1, locate);
    view.setUint16(at + 3, 0);
    const ns = this.startNs + timeNs;
    view.setUint16(at + 5, Math.floor(ns / WORD));
    view.setUint32(at + 7, ns % WORD);
  }
}

function wide(view: DataView, at: number, value: number): void {
  view.setUint32(at, Math.floor(value / WORD));
  view.setUint32(at + 4, value % WORD);
}

function reference(view: DataView, at: number, orderId: number): void {
  view.setUint32(at, (Math.floor(orderId / WORD) ^ REF_HIGH) >>> 0);
  view.setUint32(at + 4, orderId % WORD);
}

/** Padded with spaces on the right. */
function text(view: DataView, at: number, width: number, letters: string): void {
  for (let i = 0; i < width; i++) {
    view.setUint8(at + i, i < letters.length ? letters.charCodeAt(i) : 0x20);
  }
}
