/**
 * NSE messages to ops. Assumes that the framing has checked lengths, and checks them again: a
 * decoder is handed recovered and snapshot bytes too. One decoder for one stream.
 *
 * What it decides, since the exchange does not say:
 * - an order with a bad side, id, token or quantity does nothing but be counted, except that a
 *   cancel needs no side, and that a modification to 0 leaves nothing open and so is a cancel;
 * - a trade with both ids 0 is counted and still a trade (of spreads, where the text does not
 *   exclude it, it is not counted);
 * - spreads are instruments of their own, `S` and the token: which leg the token is, nobody knows.
 *
 * Nearly all messages go through `hot-loop.ts`; what that leaves comes here one by one: new
 * instruments, events of the stream, snapshots, damage. `decode` takes every message the slow way, so
 * that tests can hold the two to the same ops.
 */
import type { Decoder, DecoderOptions } from "../feed.ts";
import { Instruments } from "../instruments.ts";
import { type MessageBatch, MessageKind } from "../message-batch.ts";
import { type OpBatch, OpFlag, OpKind, Side } from "../op-batch.ts";
import { decodeSound, SIDES } from "./hot-loop.ts";
import { idHigh, idLow, idShifted, isOrderId } from "./order-id.ts";
import { HEADER_LENGTH, ORDER_LENGTH, TRADE_LENGTH } from "./table.ts";
import { MOST_INSTRUMENTS, TokenTable } from "./tokens.ts";

const SPREAD_BIT = 0x80000000;
const TRADE = 0x54;
const SPREAD_TRADE = 0x4b;
const TRADE_CANCEL = 0x43;

/** `OpKind` of an order message by its type's byte: N M X, and G H J of spreads; else None. */
const ORDER_KIND = new Uint8Array(256);
ORDER_KIND[0x4e] = ORDER_KIND[0x47] = OpKind.Add;
ORDER_KIND[0x4d] = ORDER_KIND[0x48] = OpKind.Modify;
ORDER_KIND[0x58] = ORDER_KIND[0x4a] = OpKind.Cancel;

/** 1 where the type is one of the spread types that `ORDER_KIND` knows. */
const IS_SPREAD = new Uint8Array(256);
IS_SPREAD[0x47] = IS_SPREAD[0x48] = IS_SPREAD[0x4a] = 1;

/** Least quantity by `OpKind`: a cancel's means nothing. */
const LEAST_SIZE = Int32Array.of(0, 1, 1, -0x80000000);

export class NseDecoder implements Decoder {
  readonly instruments = new Instruments();
  readonly anomalies = new Map<string, number>();
  private readonly outrights = new TokenTable();
  private readonly spreads = new TokenTable();
  private readonly masters: DecoderOptions["masters"];
  private readonly priceZeroIsMarket: boolean;

  /** @param priceZeroIsMarket CM, whose auctions publish market orders at price 0 */
  constructor(options: DecoderOptions, priceZeroIsMarket: boolean) {
    this.masters = options.masters;
    this.priceZeroIsMarket = priceZeroIsMarket;
  }

  decode(messages: MessageBatch, at: number, ops: OpBatch): void {
    const isRecord = messages.kind[at] === MessageKind.SnapshotOrder;
    // A snapshot's record is the order message without its header, so it is read from before it.
    const lacking = isRecord ? HEADER_LENGTH : 0;
    const base = messages.offset[at] - lacking;
    const isMessage = isRecord || messages.kind[at] === MessageKind.Message;
    const fits = isMessage && messages.length[at] + lacking >= ORDER_LENGTH;
    const type = fits ? messages.view.getUint8(base + HEADER_LENGTH) : 0;
    const kind = ORDER_KIND[type];
    clearOp(ops, at);
    if (kind === OpKind.None || (isRecord && kind !== OpKind.Add)) this.other(messages, at, ops);
    else this.order(messages.view, base, kind, at, ops);
  }

  decodeRun(messages: MessageBatch, from: number, to: number, ops: OpBatch): void {
    const { outrights, spreads, priceZeroIsMarket } = this;
    ops.flags.fill(0, from, to);
    for (let at = from; at < to; at++) {
      const { byToken } = outrights;
      at = decodeSound(messages, at, to, byToken, spreads.byToken, priceZeroIsMarket, ops);
      if (at < to) this.decode(messages, at, ops);
    }
  }

  /** An order message of any kind; a damaged one is counted, and the cancel saved that it may hold. */
  private order(view: DataView, base: number, kind: number, at: number, ops: OpBatch): void {
    setTime(view, base, at, ops);
    const id = view.getFloat64(base + 17, true);
    const hi = idHigh(id);
    const shifted = idShifted(id, hi);
    if (!isOrderId(hi, shifted) || id === 0) {
      this.note("bad_order_id");
      return;
    }
    const side = SIDES[view.getUint8(base + 29)];
    if (side === Side.None) this.note("bad_side");
    const quantity = view.getInt32(base + 34, true);
    if (quantity < LEAST_SIZE[kind]) this.note("bad_quantity");
    const isDamaged = side === Side.None || quantity < LEAST_SIZE[kind];
    const closes = kind === OpKind.Cancel || (kind === OpKind.Modify && quantity === 0);
    if (isDamaged && !closes) return;
    const isSpread = IS_SPREAD[view.getUint8(base + HEADER_LENGTH)] !== 0;
    const tokens = isSpread ? this.spreads : this.outrights;
    const index = this.instrumentOf(tokens, view.getInt32(base + 25, true));
    if (index < 0) return;
    const price = view.getInt32(base + 30, true);
    const isMarket = price === 0 && this.priceZeroIsMarket && !isSpread && !isDamaged;
    ops.kind[at] = isDamaged ? OpKind.Cancel : kind;
    ops.flags[at] = isMarket ? OpFlag.MarketOrder : 0;
    ops.side[at] = side;
    ops.instrument[at] = index;
    ops.price[at] = price;
    ops.size[at] = quantity;
    ops.idLo[at] = idLow(shifted);
    ops.idHi[at] = hi;
  }

  /** All that is no order message: trades, events of the stream, and what is too short. */
  private other(messages: MessageBatch, at: number, ops: OpBatch): void {
    const { view } = messages;
    const base = messages.offset[at];
    const length = messages.length[at];
    const inStream = messages.kind[at];
    if (inStream === MessageKind.SnapshotOrder) {
      this.note(length < ORDER_LENGTH - HEADER_LENGTH ? "short_message" : "unknown_type");
    } else if (inStream !== MessageKind.Message) {
      ops.kind[at] = eventKind(inStream);
    } else if (length <= HEADER_LENGTH) {
      this.note("short_message");
    } else {
      const type = view.getUint8(base + HEADER_LENGTH);
      const isTrade = type === TRADE || type === SPREAD_TRADE || type === TRADE_CANCEL;
      if (isTrade && length >= TRADE_LENGTH) this.trade(view, base, type, at, ops);
      else this.note(isTrade || ORDER_KIND[type] !== 0 ? "short_message" : "unknown_type");
    }
  }

  private trade(view: DataView, base: number, type: number, at: number, ops: OpBatch): void {
    setTime(view, base, at, ops);
    const buyId = view.getFloat64(base + 17, true);
    const sellId = view.getFloat64(base + 25, true);
    const buyHi = idHigh(buyId);
    const sellHi = idHigh(sellId);
    const buyShifted = idShifted(buyId, buyHi);
    const sellShifted = idShifted(sellId, sellHi);
    if (!isOrderId(buyHi, buyShifted) || !isOrderId(sellHi, sellShifted)) {
      this.note("bad_order_id");
      return;
    }
    const quantity = view.getInt32(base + 41, true);
    if (quantity < 0 || (quantity === 0 && type !== TRADE_CANCEL)) {
      this.note("bad_quantity");
      return;
    }
    const tokens = type === SPREAD_TRADE ? this.spreads : this.outrights;
    const index = this.instrumentOf(tokens, view.getInt32(base + 33, true));
    if (index < 0) return;
    if (type === TRADE && buyId === 0 && sellId === 0) this.note("trade_without_ids");
    ops.kind[at] = type === TRADE_CANCEL ? OpKind.Break : OpKind.Trade;
    ops.instrument[at] = index;
    ops.price[at] = view.getInt32(base + 37, true);
    ops.size[at] = quantity;
    ops.idLo[at] = idLow(buyShifted);
    ops.idHi[at] = buyHi;
    ops.id2Lo[at] = idLow(sellShifted);
    ops.id2Hi[at] = sellHi;
  }

  private instrumentOf(tokens: TokenTable, token: number): number {
    const known = tokens.find(token);
    return known < 0 ? this.newInstrument(tokens, token) : known;
  }

  /** Index of a new instrument; -1, and counted, where there can be none. */
  private newInstrument(tokens: TokenTable, token: number): number {
    if (token < 0 || this.instruments.count >= MOST_INSTRUMENTS) {
      this.note(token < 0 ? "bad_token" : "too_many_instruments");
      return -1;
    }
    const spread = tokens === this.spreads;
    const name = spread ? `S${token}` : String(token);
    const index = this.instruments.add(name, spread ? token | SPREAD_BIT : token);
    this.instruments.masters[index] = this.masters?.get(name);
    tokens.add(token, index);
    return index;
  }

  private note(anomaly: string): void {
    this.anomalies.set(anomaly, (this.anomalies.get(anomaly) ?? 0) + 1);
  }
}

/** An op that does nothing, on no instrument, at no time. */
function clearOp(ops: OpBatch, at: number): void {
  ops.kind[at] = OpKind.None;
  ops.flags[at] = 0;
  ops.side[at] = Side.None;
  ops.instrument[at] = -1;
  ops.timeLo[at] = 0;
  ops.timeHi[at] = 0;
}

function setTime(view: DataView, base: number, at: number, ops: OpBatch): void {
  ops.timeLo[at] = view.getInt32(base + 9, true);
  ops.timeHi[at] = view.getInt32(base + 13, true);
}

function eventKind(messageKind: number): number {
  switch (messageKind) {
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
