/**
 * The hot loop of ITCH: messages that touch orders (A F E C X D U), of securities already known.
 *
 * It calls nothing, lets the engine prove that no index is out of bounds (`columns.ts`), and hardly branches: the
 * types alternate as the market pleases, and a switch on them is mispredicted every other time.
 * Instead a table says per type where the size, the price and the second id stand; where a type
 * has none, bytes of the same message are read that nobody looks at.
 */
import { OFFSET_BITS, refuseBatch } from "../columns.ts";
import { lengthsByType } from "../lengths.ts";
import { type MessageBatch, MessageKind } from "../message-batch.ts";
import { type OpBatch, OpFlag, OpKind } from "../op-batch.ts";
import { NASDAQ_TABLE } from "./table.ts";

/** The shortest message of all; shorter ones may lie at the very end of a buffer. */
const LEAST_LENGTH = 12;
const PRINTABLE_OFFSET = 31;
const LETTER_Y = 0x59;
/** Bit of a shape: the byte before the size is the side. */
const HAS_SIDE = 0x80;
const KIND_BITS = 0x7f;

/** Length by type, and a length that no message has for the types that this loop leaves. */
const LENGTHS = orderLengths();
/** By type: kind and `HAS_SIDE`, then the offsets of size, price and second id, a byte each. */
const SHAPES = orderShapes();
/** Side of a letter; a letter that is none has the bit `HAS_SIDE`. */
const SIDES = new Uint8Array(256).fill(HAS_SIDE);
SIDES[0x42] = 0;
SIDES[0x53] = 1;

function orderLengths(): Uint32Array {
  const lengths = lengthsByType(NASDAQ_TABLE);
  for (let type = 0; type < 256; type++) {
    if (!"AFECXDU".includes(String.fromCharCode(type))) lengths[type] = 0xffff_ffff;
  }
  return lengths;
}

function orderShapes(): Int32Array {
  const shapes = new Int32Array(256);
  const shape = (type: string, kind: number, size = 11, price = 11, second = 11) => {
    shapes[type.charCodeAt(0)] = kind | (size << 8) | (price << 16) | (second << 24);
  };
  shape("A", OpKind.Add | HAS_SIDE, 20, 32);
  shape("F", OpKind.Add | HAS_SIDE, 20, 32);
  shape("D", OpKind.Cancel);
  shape("X", OpKind.Reduce, 19);
  shape("U", OpKind.Replace, 27, 31, 19);
  shape("E", OpKind.Execute, 19, 11, 23);
  shape("C", OpKind.ExecuteAt, 19, 32, 23);
  return shapes;
}

/**
 * Decodes order messages from `from` on, until one that is none, is short, has a bad side or an
 * unknown security. `ops.flags` must be 0 there.
 * @param byLocate instruments by locate code, -1 where the security is not known
 * @returns index of the first message not decoded, or `to`
 */
export function decodeOrders(
  messages: MessageBatch,
  from: number,
  to: number,
  byLocate: Int32Array,
  ops: OpBatch,
): number {
  const { view, kind: kinds, offset: offsets, length: lengths } = messages;
  const { kind, flags, side, instrument, price, size, timeLo, timeHi } = ops;
  const { idLo, idHi, id2Lo, id2Hi, tradeIdLo, tradeIdHi } = ops;
  const rows = kind.length;
  if (from < 0 || to > rows || view.byteLength > OFFSET_BITS) refuseBatch();
  if (kinds.length !== rows || offsets.length !== rows || lengths.length !== rows) refuseBatch();
  if (flags.length !== rows || side.length !== rows || instrument.length !== rows) refuseBatch();
  if (price.length !== rows || size.length !== rows) refuseBatch();
  if (idLo.length !== rows || idHi.length !== rows) refuseBatch();
  if (id2Lo.length !== rows || id2Hi.length !== rows) refuseBatch();
  if (tradeIdLo.length !== rows || tradeIdHi.length !== rows) refuseBatch();
  if (timeLo.length !== rows || timeHi.length !== rows) refuseBatch();
  for (let at = from; at < rows; at++) {
    if (at >= to) return to;
    const o = offsets[at] & OFFSET_BITS;
    const length = lengths[at];
    const isEvent = kinds[at] !== MessageKind.Message && kinds[at] !== MessageKind.SnapshotOrder;
    if (isEvent || length < LEAST_LENGTH) return at;
    const type = view.getUint8(o);
    if (length < LENGTHS[type]) return at;
    const index = byLocate[view.getUint16(o + 1)];
    const shape = SHAPES[type];
    const sizeAt = o + ((shape >> 8) & 0xff);
    const buySell = SIDES[view.getUint8(sizeAt - 1)];
    if (index < 0 || (buySell & shape & HAS_SIDE) !== 0) return at;
    const op = shape & KIND_BITS;
    kind[at] = op;
    side[at] = buySell;
    instrument[at] = index;
    size[at] = view.getInt32(sizeAt);
    price[at] = view.getUint32(o + ((shape >> 16) & 0xff));
    if (op > OpKind.Reduce) {
      const second = o + (shape >>> 24);
      if (op === OpKind.Replace) {
        id2Hi[at] = view.getInt32(second);
        id2Lo[at] = view.getInt32(second + 4);
      } else {
        tradeIdHi[at] = view.getInt32(second);
        tradeIdLo[at] = view.getInt32(second + 4);
        const isPrice = op === OpKind.ExecuteAt;
        if (isPrice && view.getUint8(o + PRINTABLE_OFFSET) === LETTER_Y) {
          flags[at] = OpFlag.Printable;
        }
      }
    }
    timeHi[at] = view.getUint16(o + 5);
    timeLo[at] = view.getInt32(o + 7);
    idHi[at] = view.getInt32(o + 11);
    idLo[at] = view.getInt32(o + 15);
  }
  return rows;
}
