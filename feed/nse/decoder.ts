/**
 * NSE messages to ops. Assumes that the framing has checked lengths, and checks them again: a
 * decoder is handed recovered and snapshot bytes too. One decoder for one stream.
 *
 * What it decides, since the exchange does not say:
 * - an order with a bad side, id, token or quantity does nothing but be counted, except that a
 *   cancel needs no side, and that a modification to 0 leaves nothing open and so is a cancel;
 * - a trade with both ids 0 is counted and still a trade (of spreads the text allows it: not counted);
 * - spreads are instruments of their own, `S` and the token: which leg the token is, nobody knows.
 */
import type { Decoder, DecoderOptions } from "../feed.ts";
import { Instruments } from "../instruments.ts";
import { type MessageBatch, MessageKind } from "../message-batch.ts";
import { type OpBatch, OpFlag, OpKind, Side } from "../op-batch.ts";
import { HEADER_LENGTH, ORDER_LENGTH, TRADE_LENGTH } from "./table.ts";
import { MOST_INSTRUMENTS, TokenTable } from "./tokens.ts";

const TWO_31 = 2_147_483_648;
const TWO_32 = 4_294_967_296;
const PER_TWO_32 = 1 / TWO_32;
const SIGN_BIT = 0x80000000;
const SPREAD_BIT = SIGN_BIT;
const BUY = 0x42;
const SELL = 0x53;
const NEW = 0x4e;
const MODIFY = 0x4d;
const CANCEL = 0x58;
const SPREAD_NEW = 0x47;
const SPREAD_MODIFY = 0x48;
const SPREAD_CANCEL = 0x4a;
const TRADE = 0x54;
const SPREAD_TRADE = 0x4b;
const TRADE_CANCEL = 0x43;

/** Shortest message by type's byte; 0 where the type makes no op. */
const LEAST = new Uint8Array(256);
for (const type of [NEW, MODIFY, CANCEL, SPREAD_NEW, SPREAD_MODIFY, SPREAD_CANCEL]) {
  LEAST[type] = ORDER_LENGTH;
}
for (const type of [TRADE, SPREAD_TRADE, TRADE_CANCEL]) LEAST[type] = TRADE_LENGTH;

export class NseDecoder implements Decoder {
  readonly instruments = new Instruments();
  readonly anomalies = new Map<string, number>();
  private readonly outrights = new TokenTable();
  private readonly spreads = new TokenTable();
  private readonly masters: DecoderOptions["masters"];
  private readonly priceZeroIsMarket: boolean;
  /** Words of the order id read last by `readId`. */
  private idLo = 0;
  private idHi = 0;

  /** @param priceZeroIsMarket CM, whose auctions publish market orders at price 0 */
  constructor(options: DecoderOptions, priceZeroIsMarket: boolean) {
    this.masters = options.masters;
    this.priceZeroIsMarket = priceZeroIsMarket;
  }

  decode(messages: MessageBatch, at: number, ops: OpBatch): void {
    this.decodeRun(messages, at, at + 1, ops);
  }

  decodeRun(messages: MessageBatch, from: number, to: number, ops: OpBatch): void {
    const { view, kind, offset, length } = messages;
    for (let at = from; at < to; at++) {
      const messageKind = kind[at];
      if (messageKind === MessageKind.Message) {
        this.message(view, offset[at], length[at], at, ops);
      } else if (messageKind === MessageKind.SnapshotOrder) {
        this.snapshotOrder(view, offset[at], length[at], at, ops);
      } else {
        this.event(messageKind, at, ops);
      }
    }
  }

  private message(view: DataView, base: number, length: number, at: number, ops: OpBatch): void {
    const type = length > HEADER_LENGTH ? view.getUint8(base + HEADER_LENGTH) : 0;
    const least = LEAST[type];
    let kind: number = OpKind.None;
    if (length >= least && least !== 0) {
      ops.timeLo[at] = view.getInt32(base + 9, true);
      ops.timeHi[at] = view.getInt32(base + 13, true);
      kind = this.known(view, base, type, at, ops);
    } else {
      this.note(least === 0 && length > HEADER_LENGTH ? "unknown_type" : "short_message");
    }
    ops.kind[at] = kind;
    if (kind === OpKind.None) ops.instrument[at] = -1;
  }

  /** Fills the columns of op `at` but for its kind, which it returns; None where it filled nothing. */
  private known(view: DataView, base: number, type: number, at: number, ops: OpBatch): number {
    switch (type) {
      case NEW:
        return this.order(view, base, OpKind.Add, this.outrights, at, ops);
      case MODIFY:
        return this.order(view, base, OpKind.Modify, this.outrights, at, ops);
      case CANCEL:
        return this.cancel(view, base, this.outrights, at, ops);
      case SPREAD_NEW:
        return this.order(view, base, OpKind.Add, this.spreads, at, ops);
      case SPREAD_MODIFY:
        return this.order(view, base, OpKind.Modify, this.spreads, at, ops);
      case SPREAD_CANCEL:
        return this.cancel(view, base, this.spreads, at, ops);
      default:
        return this.trade(view, base, type, at, ops);
    }
  }

  private order(
    view: DataView,
    base: number,
    kind: number,
    tokens: TokenTable,
    at: number,
    ops: OpBatch,
  ): number {
    if (!this.readId(view.getFloat64(base + 17, true))) return this.note("bad_order_id");
    const sideCode = view.getUint8(base + 29);
    if (sideCode !== BUY && sideCode !== SELL) return this.note("bad_side");
    const size = view.getInt32(base + 34, true);
    if (size <= 0) {
      const none = this.note("bad_quantity");
      const closes = size === 0 && kind === OpKind.Modify;
      return closes ? this.cancel(view, base, tokens, at, ops) : none;
    }
    const instrument = this.instrument(tokens, view.getInt32(base + 25, true));
    if (instrument < 0) return OpKind.None;
    const price = view.getInt32(base + 30, true);
    const market = price === 0 && this.priceZeroIsMarket && tokens === this.outrights;
    ops.flags[at] = market ? OpFlag.MarketOrder : 0;
    ops.side[at] = sideCode === BUY ? Side.Buy : Side.Sell;
    ops.instrument[at] = instrument;
    ops.price[at] = price;
    ops.size[at] = size;
    ops.idLo[at] = this.idLo;
    ops.idHi[at] = this.idHi;
    return kind;
  }

  private cancel(
    view: DataView,
    base: number,
    tokens: TokenTable,
    at: number,
    ops: OpBatch,
  ): number {
    if (!this.readId(view.getFloat64(base + 17, true))) return this.note("bad_order_id");
    const sideCode = view.getUint8(base + 29);
    if (sideCode !== BUY && sideCode !== SELL) this.note("bad_side");
    const instrument = this.instrument(tokens, view.getInt32(base + 25, true));
    if (instrument < 0) return OpKind.None;
    ops.flags[at] = 0;
    ops.side[at] = sideCode === BUY ? Side.Buy : sideCode === SELL ? Side.Sell : Side.None;
    ops.instrument[at] = instrument;
    ops.price[at] = view.getInt32(base + 30, true);
    ops.size[at] = view.getInt32(base + 34, true);
    ops.idLo[at] = this.idLo;
    ops.idHi[at] = this.idHi;
    return OpKind.Cancel;
  }

  private trade(view: DataView, base: number, type: number, at: number, ops: OpBatch): number {
    const buyId = view.getFloat64(base + 17, true);
    const sellId = view.getFloat64(base + 25, true);
    if (!this.readId(buyId) && buyId !== 0) return this.note("bad_order_id");
    const buyLo = this.idLo;
    const buyHi = this.idHi;
    if (!this.readId(sellId) && sellId !== 0) return this.note("bad_order_id");
    const size = view.getInt32(base + 41, true);
    if (size < 0 || (size === 0 && type !== TRADE_CANCEL)) return this.note("bad_quantity");
    const tokens = type === SPREAD_TRADE ? this.spreads : this.outrights;
    const instrument = this.instrument(tokens, view.getInt32(base + 33, true));
    if (instrument < 0) return OpKind.None;
    if (type === TRADE && buyId === 0 && sellId === 0) this.note("trade_without_ids");
    ops.flags[at] = 0;
    ops.side[at] = Side.None;
    ops.instrument[at] = instrument;
    ops.price[at] = view.getInt32(base + 37, true);
    ops.size[at] = size;
    ops.idLo[at] = buyLo;
    ops.idHi[at] = buyHi;
    ops.id2Lo[at] = this.idLo;
    ops.id2Hi[at] = this.idHi;
    return type === TRADE_CANCEL ? OpKind.Break : OpKind.Trade;
  }

  /** The 30-byte record is the order message without its header, so the same reader serves. */
  private snapshotOrder(
    view: DataView,
    offset: number,
    length: number,
    at: number,
    ops: OpBatch,
  ): void {
    const type = length > 0 ? view.getUint8(offset) : 0;
    if (length < ORDER_LENGTH - HEADER_LENGTH || type === NEW || type === SPREAD_NEW) {
      this.message(view, offset - HEADER_LENGTH, length + HEADER_LENGTH, at, ops);
      return;
    }
    ops.kind[at] = OpKind.None;
    ops.instrument[at] = -1;
    this.note("unknown_type");
  }

  private event(kind: number, at: number, ops: OpBatch): void {
    ops.kind[at] = eventOp(kind);
    ops.flags[at] = 0;
    ops.side[at] = Side.None;
    ops.instrument[at] = -1;
    ops.timeLo[at] = 0;
    ops.timeHi[at] = 0;
  }

  /**
   * Puts the words of a whole number from 1 to 2^53 - 1 into `idLo` and `idHi`. Of anything else,
   * 0 included, both become 0 and it returns false.
   */
  private readId(id: number): boolean {
    const hi = (id * PER_TWO_32) | 0;
    // Shifted into the signed range, so that turning it into a word is one machine instruction.
    const shifted = id - hi * TWO_32 - TWO_31;
    const word = shifted | 0;
    if (word !== shifted || hi >>> 21 !== 0 || id === 0) {
      this.idLo = 0;
      this.idHi = 0;
      return false;
    }
    this.idLo = word ^ SIGN_BIT;
    this.idHi = hi;
    return true;
  }

  /** Index of the token's instrument, made if it is new; -1 (and counted) if it cannot be one. */
  private instrument(tokens: TokenTable, token: number): number {
    const known = tokens.find(token);
    return known !== -1 ? known : this.newInstrument(tokens, token);
  }

  private newInstrument(tokens: TokenTable, token: number): number {
    if (token < 0) {
      this.note("bad_token");
      return -1;
    }
    if (this.instruments.count >= MOST_INSTRUMENTS) {
      this.note("too_many_instruments");
      return -1;
    }
    const spread = tokens === this.spreads;
    const name = spread ? `S${token}` : String(token);
    const index = this.instruments.add(name, spread ? token | SPREAD_BIT : token);
    this.instruments.masters[index] = this.masters?.get(name);
    tokens.add(token, index);
    return index;
  }

  /** Counts; returns the kind of an op that does nothing. */
  private note(anomaly: string): number {
    this.anomalies.set(anomaly, (this.anomalies.get(anomaly) ?? 0) + 1);
    return OpKind.None;
  }
}

function eventOp(kind: number): number {
  switch (kind) {
    case MessageKind.Epoch:
    case MessageKind.Clear:
      return OpKind.Clear;
    case MessageKind.SnapshotBegin:
      return OpKind.SnapshotBegin;
    case MessageKind.SnapshotEnd:
      return OpKind.SnapshotEnd;
    default:
      return OpKind.None;
  }
}
