/**
 * ITCH 5.0 messages to ops. The orders, nearly all of a day, go through `orders.ts`; what that
 * leaves comes here one by one: new securities, trades without an order, states, damage.
 *
 * Assumes that every message lies within its batch's buffer; a short or unknown one becomes
 * `OpKind.None` and an anomaly. Worst case: a message whose symbol is new, which makes a string.
 */
import type { Decoder, DecoderOptions } from "../feed.ts";
import type { Instruments } from "../instruments.ts";
import { lengthsByType, UNKNOWN_LENGTH } from "../lengths.ts";
import { type MessageBatch, MessageKind } from "../message-batch.ts";
import { type OpBatch, OpKind, Side } from "../op-batch.ts";
import { decodeOrders } from "./orders.ts";
import { Securities } from "./securities.ts";
import { NASDAQ_TABLE } from "./table.ts";

const LENGTHS = lengthsByType(NASDAQ_TABLE);
const LETTER_R = 0x52;
const ORDER_TYPES = codes("AFECXDU");
/** Of the whole market, without a security. */
const MARKET_TYPES = codes("SVW");
/** Where the symbol stands, by type; 0: the message has none. */
const SYMBOL_OFFSETS = new Uint8Array(256);
for (const message of NASDAQ_TABLE.messages) {
  const stock = message.fields.find((field) => field.name === "stock");
  if (stock !== undefined) SYMBOL_OFFSETS[message.type.charCodeAt(0)] = stock.offset;
}

/** What an event of the stream does to its books, by `MessageKind`. */
const EVENT_OPS = new Uint8Array(256).fill(OpKind.None);
EVENT_OPS[MessageKind.Epoch] = OpKind.Clear;
EVENT_OPS[MessageKind.Clear] = OpKind.Clear;
EVENT_OPS[MessageKind.SnapshotBegin] = OpKind.SnapshotBegin;
EVENT_OPS[MessageKind.SnapshotEnd] = OpKind.SnapshotEnd;

function codes(letters: string): readonly number[] {
  return [...letters].map((letter) => letter.charCodeAt(0));
}

export class ItchDecoder implements Decoder {
  readonly instruments: Instruments;
  readonly anomalies = new Map<string, number>();
  private readonly securities: Securities;

  constructor(options: DecoderOptions) {
    this.securities = new Securities(options.masters);
    this.instruments = this.securities.instruments;
  }

  decode(messages: MessageBatch, at: number, ops: OpBatch): void {
    this.decodeRun(messages, at, at + 1, ops);
  }

  decodeRun(messages: MessageBatch, from: number, to: number, ops: OpBatch): void {
    ops.flags.fill(0, from, to);
    ops.count = to;
    let at = from;
    while (at < to) {
      at = decodeOrders(messages, at, to, this.securities.namedByLocate, ops);
      if (at < to) this.decodeOther(messages, at++, ops);
    }
  }

  private decodeOther(messages: MessageBatch, at: number, ops: OpBatch): void {
    const kind = messages.kind[at];
    if (kind !== MessageKind.Message && kind !== MessageKind.SnapshotOrder) {
      this.decodeEvent(kind, at, ops);
      return;
    }
    const { view } = messages;
    const o = messages.offset[at];
    const length = messages.length[at];
    const type = length > 0 ? view.getUint8(o) : 0;
    if (length < LENGTHS[type] || length === 0) {
      const isUnknown = length > 0 && LENGTHS[type] === UNKNOWN_LENGTH;
      this.refuse(ops, at, isUnknown ? "unknown_type" : "short_message");
      return;
    }
    const locate = view.getUint16(o + 1);
    ops.timeHi[at] = view.getUint16(o + 5);
    ops.timeLo[at] = view.getInt32(o + 7);
    ops.instrument[at] = this.instrumentOf(view, o, type, locate);
    if (ORDER_TYPES.includes(type)) {
      const done = decodeOrders(messages, at, at + 1, this.securities.byLocate, ops) > at;
      if (!done) this.refuse(ops, at, "bad_side");
    } else {
      this.decodeRare(view, o, type, at, ops);
    }
  }

  /** The security of a message that the hot loop left; a new one is learnt here. */
  private instrumentOf(view: DataView, o: number, type: number, locate: number): number {
    const symbolOffset = SYMBOL_OFFSETS[type];
    const known = this.securities.namedByLocate[locate];
    // A directory message always counts: it may give the code to another security.
    if (symbolOffset !== 0 && (known < 0 || type === LETTER_R)) {
      return this.securities.named(view, o + symbolOffset, locate);
    }
    if (known >= 0 || MARKET_TYPES.includes(type)) return known;
    return this.securities.unnamed(locate);
  }

  /** What touches no order: trades of hidden orders, crosses, breaks, and states. */
  private decodeRare(view: DataView, o: number, type: number, at: number, ops: OpBatch): void {
    switch (type) {
      case 0x50: // P
        setPrint(ops, at, view.getUint32(o + 20), view.getUint32(o + 32));
        setTradeId(ops, at, view, o + 36);
        break;
      case 0x51: // Q
        setPrint(ops, at, this.wideSize(view, o + 11), view.getUint32(o + 27));
        setTradeId(ops, at, view, o + 31);
        break;
      case 0x42: // B
        setPrint(ops, at, 0, Number.NaN);
        setTradeId(ops, at, view, o + 11);
        ops.kind[at] = OpKind.Break;
        ops.idLo[at] = ops.idHi[at] = ops.id2Lo[at] = ops.id2Hi[at] = 0;
        break;
      default:
        ops.kind[at] = type === LETTER_R ? OpKind.Definition : OpKind.Status;
    }
  }

  /** A cross has 64 bits of shares. More than 32 have never been; they are cut and counted. */
  private wideSize(view: DataView, at: number): number {
    if (view.getUint32(at) === 0) return view.getUint32(at + 4);
    this.count("size_too_large");
    return 0xffff_ffff;
  }

  private decodeEvent(kind: number, at: number, ops: OpBatch): void {
    if (kind === MessageKind.Epoch) this.securities.forgetLocates();
    setNothing(ops, at);
    ops.kind[at] = EVENT_OPS[kind];
  }

  private refuse(ops: OpBatch, at: number, anomaly: string): void {
    setNothing(ops, at);
    this.count(anomaly);
  }

  private count(anomaly: string): void {
    this.anomalies.set(anomaly, (this.anomalies.get(anomaly) ?? 0) + 1);
  }
}

function setNothing(ops: OpBatch, at: number): void {
  ops.kind[at] = OpKind.None;
  ops.instrument[at] = -1;
  ops.timeLo[at] = 0;
  ops.timeHi[at] = 0;
}

function setPrint(ops: OpBatch, at: number, size: number, price: number): void {
  ops.kind[at] = OpKind.Print;
  ops.side[at] = Side.None;
  ops.size[at] = size;
  ops.price[at] = price;
}

function setTradeId(ops: OpBatch, at: number, view: DataView, from: number): void {
  ops.tradeIdHi[at] = view.getInt32(from);
  ops.tradeIdLo[at] = view.getInt32(from + 4);
}
