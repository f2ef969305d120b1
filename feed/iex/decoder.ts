/**
 * DEEP and TOPS messages to ops. One decoder serves both: a type means the same in either, and the
 * table says which types a feed has.
 *
 * A DEEP level is complete when the exchange's event is (flag 0x01); a TOPS quote tells both sides
 * at once, so that each one is complete. Short or unknown messages, and prices beyond 2^53, become
 * `OpKind.None` and an anomaly.
 */
import type { Decoder, DecoderOptions } from "../feed.ts";
import type { Instruments } from "../instruments.ts";
import type { FeedTable } from "../layout.ts";
import { lengthsByType, UNKNOWN_LENGTH } from "../lengths.ts";
import { type MessageBatch, MessageKind } from "../message-batch.ts";
import { type OpBatch, OpFlag, OpKind, Side } from "../op-batch.ts";
import { Symbols } from "./symbols.ts";

const TWO_21 = 0x20_0000;
const TWO_32 = 4_294_967_296;
const SYSTEM_EVENT = 0x53;
const EVENT_COMPLETE = 1;

/** What an event of the stream does to its books, by `MessageKind`. */
const EVENT_OPS = new Uint8Array(256).fill(OpKind.None);
EVENT_OPS[MessageKind.Epoch] = OpKind.Clear;
EVENT_OPS[MessageKind.Clear] = OpKind.Clear;
EVENT_OPS[MessageKind.SnapshotBegin] = OpKind.SnapshotBegin;
EVENT_OPS[MessageKind.SnapshotEnd] = OpKind.SnapshotEnd;

export class IexDecoder implements Decoder {
  readonly instruments: Instruments;
  readonly anomalies = new Map<string, number>();
  private readonly symbols: Symbols;
  private readonly lengths: Uint32Array;

  constructor(table: FeedTable, options: DecoderOptions) {
    this.lengths = lengthsByType(table);
    this.symbols = new Symbols(options.masters);
    this.instruments = this.symbols.instruments;
  }

  decode(messages: MessageBatch, at: number, ops: OpBatch): void {
    this.decodeRun(messages, at, at + 1, ops);
  }

  decodeRun(messages: MessageBatch, from: number, to: number, ops: OpBatch): void {
    ops.flags.fill(0, from, to);
    ops.count = to;
    for (let at = from; at < to; at++) {
      const kind = messages.kind[at];
      if (kind === MessageKind.Message || kind === MessageKind.SnapshotOrder) {
        this.decodeOne(messages.view, messages.offset[at], messages.length[at], at, ops);
      } else {
        setNothing(ops, at);
        ops.kind[at] = EVENT_OPS[kind];
      }
    }
  }

  private decodeOne(view: DataView, o: number, length: number, at: number, ops: OpBatch): void {
    const type = length > 0 ? view.getUint8(o) : 0;
    const least = this.lengths[type];
    if (length < least) {
      const isUnknown = length > 0 && least === UNKNOWN_LENGTH;
      this.refuse(ops, at, isUnknown ? "unknown_type" : "short_message");
      return;
    }
    const index = type === SYSTEM_EVENT ? -1 : this.symbols.indexAt(view, o + 10);
    if (index < 0 && type !== SYSTEM_EVENT) {
      this.refuse(ops, at, "too_many_symbols");
      return;
    }
    ops.instrument[at] = index;
    ops.timeLo[at] = view.getInt32(o + 2, true);
    ops.timeHi[at] = view.getInt32(o + 6, true);
    this.decodeType(view, o, type, at, ops);
  }

  private decodeType(view: DataView, o: number, type: number, at: number, ops: OpBatch): void {
    switch (type) {
      case 0x38: // 8
        this.setLevel(view, o, Side.Buy, at, ops);
        break;
      case 0x35: // 5
        this.setLevel(view, o, Side.Sell, at, ops);
        break;
      case 0x51: // Q
        this.setQuote(view, o, at, ops);
        break;
      case 0x54: // T
        this.setTrade(view, o, OpKind.Print, at, ops);
        break;
      case 0x42: // B
        this.setTrade(view, o, OpKind.Break, at, ops);
        break;
      case 0x44: // D
        ops.kind[at] = OpKind.Definition;
        break;
      default:
        ops.kind[at] = OpKind.Status;
    }
  }

  private setLevel(view: DataView, o: number, side: number, at: number, ops: OpBatch): void {
    const isComplete = (view.getUint8(o + 1) & EVENT_COMPLETE) !== 0;
    ops.kind[at] = OpKind.Level;
    ops.flags[at] = isComplete ? OpFlag.EventEnd : 0;
    ops.side[at] = side;
    ops.size[at] = view.getUint32(o + 18, true);
    ops.price[at] = priceAt(view, o + 22);
    if (Number.isNaN(ops.price[at])) this.refuse(ops, at, "bad_price");
  }

  private setQuote(view: DataView, o: number, at: number, ops: OpBatch): void {
    ops.kind[at] = OpKind.Quote;
    ops.flags[at] = OpFlag.EventEnd;
    ops.side[at] = Side.None;
    ops.size[at] = view.getUint32(o + 18, true);
    ops.price[at] = priceAt(view, o + 22);
    ops.price2[at] = priceAt(view, o + 30);
    ops.size2[at] = view.getUint32(o + 38, true);
    if (Number.isNaN(ops.price[at] + ops.price2[at])) this.refuse(ops, at, "bad_price");
  }

  private setTrade(view: DataView, o: number, kind: number, at: number, ops: OpBatch): void {
    ops.kind[at] = kind;
    ops.side[at] = Side.None;
    ops.size[at] = view.getUint32(o + 18, true);
    ops.price[at] = priceAt(view, o + 22);
    ops.tradeIdLo[at] = view.getInt32(o + 30, true);
    ops.tradeIdHi[at] = view.getInt32(o + 34, true);
    ops.idLo[at] = ops.idHi[at] = ops.id2Lo[at] = ops.id2Hi[at] = 0;
    if (Number.isNaN(ops.price[at])) this.refuse(ops, at, "bad_price");
  }

  private refuse(ops: OpBatch, at: number, anomaly: string): void {
    setNothing(ops, at);
    this.anomalies.set(anomaly, (this.anomalies.get(anomaly) ?? 0) + 1);
  }
}

/** 64 bits in ten-thousandths; NaN where a double would not hold them exactly. */
function priceAt(view: DataView, at: number): number {
  const hi = view.getInt32(at + 4, true);
  if (hi >= TWO_21 || hi < -TWO_21) return Number.NaN;
  return hi * TWO_32 + view.getUint32(at, true);
}

function setNothing(ops: OpBatch, at: number): void {
  ops.kind[at] = OpKind.None;
  ops.flags[at] = 0;
  ops.instrument[at] = -1;
  ops.timeLo[at] = 0;
  ops.timeHi[at] = 0;
}
