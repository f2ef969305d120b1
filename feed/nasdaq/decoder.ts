/**
 * ITCH 5.0 messages to ops. `decodeRun` is the hot path of every ITCH day: one loop, a switch on
 * the type, big-endian reads, and no write but the columns that an op's kind uses.
 *
 * Assumes that every message lies within its batch's buffer; a short or unknown one becomes
 * `OpKind.None` and an anomaly. Worst case: a message whose symbol is new, which makes a string.
 */
import type { Decoder, DecoderOptions } from "../feed.ts";
import type { Instruments } from "../instruments.ts";
import { lengthsByType, UNKNOWN_LENGTH } from "../lengths.ts";
import { type MessageBatch, MessageKind } from "../message-batch.ts";
import { type OpBatch, OpFlag, OpKind, Side } from "../op-batch.ts";
import { Securities } from "./securities.ts";
import { NASDAQ_TABLE } from "./table.ts";

const LENGTHS = lengthsByType(NASDAQ_TABLE);
/** The shortest messages of all, `S` and `W`. */
const LEAST_LENGTH = 12;
/** Where the symbol stands in messages that tell a security's state, by type; 0: it has none. */
const STATE_SYMBOL_OFFSETS = new Uint8Array(256);
for (const message of NASDAQ_TABLE.messages) {
  const stock = message.fields.find((field) => field.name === "stock");
  if (stock !== undefined) STATE_SYMBOL_OFFSETS[message.type.charCodeAt(0)] = stock.offset;
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
    const { view, kind: kinds, offset: offsets, length: lengths } = messages;
    const { byLocate, namedByLocate } = this.securities;
    const { kind, side, instrument, price, size, idLo, idHi, timeLo, timeHi } = ops;
    ops.flags.fill(0, from, to);
    ops.count = to;
    for (let at = from; at < to; at++) {
      const o = offsets[at];
      const length = lengths[at];
      const isEvent = kinds[at] !== MessageKind.Message && kinds[at] !== MessageKind.SnapshotOrder;
      if (isEvent || length < LEAST_LENGTH) {
        this.decodeOdd(messages, at, ops);
        continue;
      }
      const type = view.getUint8(o);
      if (length < LENGTHS[type]) {
        this.decodeOdd(messages, at, ops);
        continue;
      }
      const locate = view.getUint16(o + 1);
      timeHi[at] = view.getUint16(o + 5);
      timeLo[at] = view.getInt32(o + 7);
      let index = byLocate[locate];
      switch (type) {
        case 0x41: // A
        case 0x46: {
          // F
          index = namedByLocate[locate];
          if (index < 0) index = this.securities.named(view, o + 24, locate);
          const buySell = view.getUint8(o + 19);
          kind[at] = OpKind.Add;
          side[at] = buySell === 0x42 ? Side.Buy : Side.Sell;
          if (buySell !== 0x42 && buySell !== 0x53) this.refuse(ops, at, "bad_side");
          size[at] = view.getInt32(o + 20);
          price[at] = view.getUint32(o + 32);
          break;
        }
        case 0x44: // D
          kind[at] = OpKind.Cancel;
          break;
        case 0x45: // E
          kind[at] = OpKind.Execute;
          size[at] = view.getInt32(o + 19);
          ops.tradeIdHi[at] = view.getInt32(o + 23);
          ops.tradeIdLo[at] = view.getInt32(o + 27);
          break;
        case 0x55: // U
          kind[at] = OpKind.Replace;
          ops.id2Hi[at] = view.getInt32(o + 19);
          ops.id2Lo[at] = view.getInt32(o + 23);
          size[at] = view.getInt32(o + 27);
          price[at] = view.getUint32(o + 31);
          break;
        case 0x58: // X
          kind[at] = OpKind.Reduce;
          size[at] = view.getInt32(o + 19);
          break;
        case 0x43: // C
          kind[at] = OpKind.ExecuteAt;
          size[at] = view.getInt32(o + 19);
          ops.tradeIdHi[at] = view.getInt32(o + 23);
          ops.tradeIdLo[at] = view.getInt32(o + 27);
          if (view.getUint8(o + 31) === 0x59) ops.flags[at] = OpFlag.Printable;
          price[at] = view.getUint32(o + 32);
          break;
        default:
          this.decodeRare(view, o, type, locate, at, ops);
          continue;
      }
      idHi[at] = view.getInt32(o + 11);
      idLo[at] = view.getInt32(o + 15);
      instrument[at] = index >= 0 ? index : this.securities.unnamed(locate);
    }
  }

  /** What touches no order: trades of hidden orders, crosses, breaks, and all about securities. */
  private decodeRare(
    view: DataView,
    o: number,
    type: number,
    locate: number,
    at: number,
    ops: OpBatch,
  ): void {
    const symbolOffset = STATE_SYMBOL_OFFSETS[type];
    let index = this.securities.namedByLocate[locate];
    // A directory message always counts: it may give the code to another security.
    if (symbolOffset !== 0 && (index < 0 || type === 0x52)) {
      index = this.securities.named(view, o + symbolOffset, locate);
    }
    ops.instrument[at] = index;
    switch (type) {
      case 0x50: // P
        this.print(ops, at, view.getUint32(o + 20), view.getUint32(o + 32));
        tradeId(ops, at, view, o + 36);
        break;
      case 0x51: // Q
        this.print(ops, at, this.wideSize(view, o + 11), view.getUint32(o + 27));
        tradeId(ops, at, view, o + 31);
        break;
      case 0x42: // B
        ops.kind[at] = OpKind.Break;
        ops.side[at] = Side.None;
        if (index < 0) ops.instrument[at] = this.securities.unnamed(locate);
        ops.price[at] = Number.NaN;
        ops.size[at] = 0;
        tradeId(ops, at, view, o + 11);
        break;
      default:
        ops.kind[at] = type === 0x52 ? OpKind.Definition : OpKind.Status;
    }
  }

  private print(ops: OpBatch, at: number, size: number, price: number): void {
    ops.kind[at] = OpKind.Print;
    ops.side[at] = Side.None;
    ops.size[at] = size;
    ops.price[at] = price;
  }

  /** A cross has 64 bits of shares. More than 32 have never been; they are cut and counted. */
  private wideSize(view: DataView, at: number): number {
    if (view.getUint32(at) === 0) return view.getUint32(at + 4);
    this.count("size_too_large");
    return 0xffff_ffff;
  }

  /** Events of the stream, and messages that are too short or of no known type. */
  private decodeOdd(messages: MessageBatch, at: number, ops: OpBatch): void {
    ops.instrument[at] = -1;
    ops.timeLo[at] = 0;
    ops.timeHi[at] = 0;
    ops.kind[at] = OpKind.None;
    switch (messages.kind[at]) {
      case MessageKind.Epoch:
        this.securities.forgetLocates();
        ops.kind[at] = OpKind.Clear;
        return;
      case MessageKind.Clear:
        ops.kind[at] = OpKind.Clear;
        return;
      case MessageKind.SnapshotBegin:
        ops.kind[at] = OpKind.SnapshotBegin;
        return;
      case MessageKind.SnapshotEnd:
        ops.kind[at] = OpKind.SnapshotEnd;
        return;
      case MessageKind.Lost:
        return;
    }
    const length = messages.length[at];
    const known = length > 0 ? LENGTHS[messages.view.getUint8(messages.offset[at])] : 0;
    this.count(known === UNKNOWN_LENGTH ? "unknown_type" : "short_message");
  }

  private refuse(ops: OpBatch, at: number, anomaly: string): void {
    ops.kind[at] = OpKind.None;
    this.count(anomaly);
  }

  private count(anomaly: string): void {
    this.anomalies.set(anomaly, (this.anomalies.get(anomaly) ?? 0) + 1);
  }
}

function tradeId(ops: OpBatch, at: number, view: DataView, from: number): void {
  ops.tradeIdHi[at] = view.getInt32(from);
  ops.tradeIdLo[at] = view.getInt32(from + 4);
}
