/**
 * Rows of a lake's table to Protobuf batches. One for each stream and table: a batch never mixes
 * streams. Per row some tens of bytes and no garbage; a batch is one copy of what was written.
 */
import { ProtoWriter, WireType } from "../../feed/protobuf.ts";
import { flagText } from "../flag-text.ts";
import { BatchField } from "./protobuf-schema.ts";
import {
  type Column,
  isMissing,
  type RowBatch,
  type RowSink,
  type TimeColumn,
} from "./row-batch.ts";

/** A row has fixed columns and short names; its length takes two bytes. */
const ROW_BYTES_LIMIT = 1 << 14;
const TWO_16 = 65_536;
const TWO_32 = 4_294_967_296;

const encoder = new TextEncoder();
/** Every set of flags, by its bits. */
const FLAG_BYTES = Array.from({ length: 128 }, (_, flags) => encoder.encode(flagText(flags)));

export class ProtobufRows implements RowSink {
  private readonly writer = new ProtoWriter();
  private readonly feed: string;
  private readonly priceDecimals: number;
  private readonly take: (bytes: Uint8Array, rows: number) => void;
  private readonly names: Uint8Array[] = [];

  /** @param take is given each batch's bytes, its own */
  constructor(
    feed: string,
    priceDecimals: number,
    take: (bytes: Uint8Array, rows: number) => void,
  ) {
    this.feed = feed;
    this.priceDecimals = priceDecimals;
    this.take = take;
  }

  write(batch: RowBatch): void {
    if (batch.count === 0) return;
    const { writer } = this;
    writer.text(BatchField.Feed, this.feed);
    writer.number(BatchField.PriceDecimals, this.priceDecimals);
    for (let row = 0; row < batch.count; row++) this.writeRow(batch, row);
    this.take(writer.take(), batch.count);
  }

  private writeRow(batch: RowBatch, row: number): void {
    const { writer } = this;
    const { columns } = batch;
    writer.reserve(ROW_BYTES_LIMIT);
    writer.tag(BatchField.Rows, WireType.Bytes);
    const lengthAt = writer.at;
    writer.at += 2;
    for (let i = 0; i < columns.length; i++) {
      if (!isMissing(columns[i], row)) this.cell(i + 1, columns[i], row, batch);
    }
    const length = writer.at - lengthAt - 2;
    // A length of two bytes, also where one would do: it is known only now.
    writer.bytes[lengthAt] = (length & 127) | 128;
    writer.bytes[lengthAt + 1] = length >> 7;
  }

  private cell(field: number, column: Column, row: number, batch: RowBatch): void {
    const { writer } = this;
    switch (column.kind) {
      case "time":
        writer.tag(field, WireType.Fixed64);
        this.time(column, row);
        return;
      case "integer":
      case "wide":
        writer.tag(field, WireType.Varint);
        writer.varint(column.value[row]);
        return;
      case "price": {
        const value = column.value[row];
        writer.tag(field, WireType.Varint);
        writer.varint(value < 0 ? -2 * value - 1 : 2 * value);
        return;
      }
      case "id":
      case "u64":
      case "i64":
        writer.tag(field, WireType.Fixed64);
        writer.fixed64(column.lo[row] >>> 0, column.hi[row] >>> 0);
        return;
      case "letter":
        writer.tag(field, WireType.Bytes);
        writer.bytes[writer.at++] = 1;
        writer.bytes[writer.at++] = column.value[row];
        return;
      case "flags":
        if (column.value[row] !== 0) writer.field(field, FLAG_BYTES[column.value[row]]);
        return;
      case "name":
        writer.field(field, this.nameOf(column.value[row], batch));
        return;
      case "text":
        writer.text(field, column.value[row]);
    }
  }

  private nameOf(index: number, { names }: RowBatch): Uint8Array {
    let bytes = this.names[index];
    if (bytes === undefined) {
      bytes = encoder.encode(names.names[index]);
      this.names[index] = bytes;
    }
    return bytes;
  }

  /** Seconds times 10^9 and nanoseconds as two words, in steps that doubles hold exactly. */
  private time(column: TimeColumn, row: number): void {
    const sec = column.sec[row];
    const upper = Math.floor(sec / TWO_16) * 1e9;
    const lower = (sec % TWO_16) * 1e9 + column.nsec[row] + (upper % TWO_16) * TWO_16;
    const hi = Math.floor(upper / TWO_16) + Math.floor(lower / TWO_32);
    this.writer.fixed64(lower % TWO_32, hi);
  }
}
