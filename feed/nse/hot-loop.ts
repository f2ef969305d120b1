/**
 * The hot loop of NSE: sound orders and trades of instruments already known. Whatever else turns up
 * is left to the decoder, one message at a time.
 *
 * It calls nothing, so that the engine keeps what it needs at hand, and lets it prove that no index is out of
 * bounds (`columns.ts`). Of an order's type and side it
 * makes no branch: they follow one another at random, and a branch that the processor guesses wrong
 * costs as much as reading the whole message. Trades are one message in twenty: they have their own way.
 *
 * Order ids are doubles; the two words come by the arithmetic of `order-id.ts`, written out here with
 * the first product used twice.
 */
import { OFFSET_BITS, refuseBatch } from "../columns.ts";
import { type MessageBatch, MessageKind } from "../message-batch.ts";
import { type OpBatch, OpFlag, OpKind, Side } from "../op-batch.ts";
import { NSE_MESSAGES, ORDER_LENGTH, TRADE_LENGTH } from "./table.ts";

const TWO_31 = 2_147_483_648;
const TWO_32 = 4_294_967_296;
const PER_TWO_32 = 1 / TWO_32;
const SIGN_BIT = 0x80000000;
/** Bits that the high word of an id below 2^53 does not have. */
const BEYOND_IDS = -0x200000;

/** A type's shape: its `OpKind` and these bits; 0 is a type that the loop leaves. */
const KIND_BITS = 0x1f;
const IS_TRADE = 0x20;
const IS_SPREAD = 0x40;
/** The quantity has to be above 0. It is the sign bit: two signs are compared in one instruction. */
const NEEDS_SIZE = -0x80000000;

const SHAPES = new Int32Array(256);
const KINDS: Readonly<Record<string, number>> = {
  N: OpKind.Add | NEEDS_SIZE,
  M: OpKind.Modify | NEEDS_SIZE,
  X: OpKind.Cancel,
  G: OpKind.Add | NEEDS_SIZE | IS_SPREAD,
  H: OpKind.Modify | NEEDS_SIZE | IS_SPREAD,
  J: OpKind.Cancel | IS_SPREAD,
  T: OpKind.Trade | IS_TRADE,
  K: OpKind.Trade | IS_TRADE | IS_SPREAD,
};
for (const { type } of NSE_MESSAGES) SHAPES[type.charCodeAt(0)] = KINDS[type] ?? 0;

/** Side of a letter, `Side.None` of any other. */
export const SIDES = new Uint8Array(256).fill(Side.None);
SIDES[0x42] = Side.Buy;
SIDES[0x53] = Side.Sell;

/**
 * Decodes messages from `from` on, until one that is no sound order or trade of a known instrument.
 * `ops.flags` must be 0 there.
 * @param outrights instruments by token, -1 where the token is not known; tokens beyond are left too
 * @param spreads the same of spreads
 * @param zeroIsMarket an outright order at price 0 is a market order
 * @returns index of the first message not decoded, or `to`
 */
export function decodeSound(
  messages: MessageBatch,
  from: number,
  to: number,
  outrights: Int32Array,
  spreads: Int32Array,
  zeroIsMarket: boolean,
  ops: OpBatch,
): number {
  const { view, kind: messageKind, offset, length } = messages;
  const { kind, flags, side, instrument, price, size } = ops;
  const { idLo, idHi, id2Lo, id2Hi, timeLo, timeHi } = ops;
  const rows = kind.length;
  if (from < 0 || to > rows || view.byteLength > OFFSET_BITS) refuseBatch();
  if (messageKind.length !== rows || offset.length !== rows || length.length !== rows)
    refuseBatch();
  if (flags.length !== rows || side.length !== rows || instrument.length !== rows) refuseBatch();
  if (price.length !== rows || size.length !== rows) refuseBatch();
  if (idLo.length !== rows || idHi.length !== rows) refuseBatch();
  if (id2Lo.length !== rows || id2Hi.length !== rows) refuseBatch();
  if (timeLo.length !== rows || timeHi.length !== rows) refuseBatch();
  for (let at = from; at < rows; at++) {
    if (at >= to) return to;
    const o = offset[at] & OFFSET_BITS;
    if (messageKind[at] !== MessageKind.Message || length[at] < ORDER_LENGTH) return at;
    const shape = SHAPES[view.getUint8(o + 8)];
    const id = view.getFloat64(o + 17, true);
    const scaled = id * PER_TWO_32;
    const hi = scaled | 0;
    // The low word less 2^31: in the signed range, so that it becomes a word in one instruction.
    const shifted = (scaled - hi) * TWO_32 - TWO_31;
    const word = shifted | 0;
    const low = word ^ SIGN_BIT;
    if (word !== shifted || (hi & BEYOND_IDS) !== 0 || shape === 0) return at;
    let index = -1;
    if ((shape & IS_TRADE) === 0) {
      const buySell = SIDES[view.getUint8(o + 29)];
      const orderPrice = view.getInt32(o + 30, true);
      const quantity = view.getInt32(o + 34, true);
      const isShort = ((quantity | (quantity - 1)) & shape) < 0;
      if (isShort || buySell === Side.None || (hi | low) === 0) return at;
      const token = view.getInt32(o + 25, true);
      if ((shape & IS_SPREAD) === 0) {
        if (token >= 0 && token < outrights.length) index = outrights[token];
      } else if (token >= 0 && token < spreads.length) index = spreads[token];
      if (index < 0) return at;
      if (zeroIsMarket && orderPrice === 0 && (shape & IS_SPREAD) === 0) {
        flags[at] = OpFlag.MarketOrder;
      }
      side[at] = buySell;
      price[at] = orderPrice;
      size[at] = quantity;
    } else {
      if (length[at] < TRADE_LENGTH) return at;
      const quantity = view.getInt32(o + 41, true);
      const sellId = view.getFloat64(o + 25, true);
      const sellScaled = sellId * PER_TWO_32;
      const sellHi = sellScaled | 0;
      const sellShifted = (sellScaled - sellHi) * TWO_32 - TWO_31;
      const sellWord = sellShifted | 0;
      const sellLow = sellWord ^ SIGN_BIT;
      const hasNoIds = (hi | low | sellHi | sellLow) === 0;
      if (sellWord !== sellShifted || (sellHi & BEYOND_IDS) !== 0 || hasNoIds) return at;
      if (quantity <= 0) return at;
      const token = view.getInt32(o + 33, true);
      if ((shape & IS_SPREAD) === 0) {
        if (token >= 0 && token < outrights.length) index = outrights[token];
      } else if (token >= 0 && token < spreads.length) index = spreads[token];
      if (index < 0) return at;
      side[at] = Side.None;
      price[at] = view.getInt32(o + 37, true);
      size[at] = quantity;
      id2Lo[at] = sellLow;
      id2Hi[at] = sellHi;
    }
    kind[at] = shape & KIND_BITS;
    instrument[at] = index;
    idLo[at] = low;
    idHi[at] = hi;
    timeLo[at] = view.getInt32(o + 9, true);
    timeHi[at] = view.getInt32(o + 13, true);
  }
  return rows;
}
