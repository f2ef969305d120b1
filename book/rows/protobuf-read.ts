/**
 * Protobuf batches of a lake's table back to rows: the other side of `protobuf-rows.ts`, and of
 * anybody's who writes to the same descriptor. Bad bytes are told, never thrown; a field that is not
 * known is passed over.
 */

import { FLAG_LETTERS } from "../../feed/message-batch.ts";
import { ProtoReader, WireType } from "../../feed/protobuf.ts";
import { BatchField } from "./protobuf-schema.ts";
import type { Column, RowBatch, RowSink, TimeColumn } from "./row-batch.ts";

/** What a batch says of all its rows. */
export interface BatchHead {
  readonly feed: string;
  readonly priceDecimals: number;
}

const decoder = new TextDecoder();
const TWO_16 = 65_536;

/** @returns undefined where the bytes are no batch */
export function readBatchHead(bytes: Uint8Array): BatchHead | undefined {
  const reader = new ProtoReader(bytes);
  let feed = "";
  let priceDecimals = 0;
  // Whoever writes a head after the rows is read all the same.
  while (reader.next()) {
    if (reader.field === BatchField.Feed && reader.wire === WireType.Bytes) {
      feed = textOf(reader);
    } else if (reader.field === BatchField.PriceDecimals && reader.wire === WireType.Varint) {
      priceDecimals = reader.value;
    }
    reader.skip();
  }
  return reader.isDamaged || feed === "" ? undefined : { feed, priceDecimals };
}

/**
 * Adds the rows of a batch to `into`, which goes to `sink` whenever it is full; the last of it stays.
 * @param into with the columns of `lakeColumns`
 * @returns how many rows; undefined where the bytes are damaged: rows before the damage may be in
 */
export function readRows(bytes: Uint8Array, into: RowBatch, sink: RowSink): number | undefined {
  const reader = new ProtoReader(bytes);
  const inner = new ProtoReader(bytes);
  let rows = 0;
  while (reader.next()) {
    if (reader.field === BatchField.Rows && reader.wire === WireType.Bytes) {
      if (into.count === into.capacity) {
        sink.write(into);
        into.count = 0;
      }
      into.clearRow(into.count);
      inner.enter(reader.at, reader.at + reader.value);
      if (!readRow(inner, into)) return undefined;
      into.count++;
      rows++;
    }
    reader.skip();
  }
  return reader.isDamaged ? undefined : rows;
}

function readRow(reader: ProtoReader, into: RowBatch): boolean {
  while (reader.next()) {
    const column = into.columns[reader.field - 1];
    if (column !== undefined && !readCell(reader, column, into)) return false;
    reader.skip();
  }
  return !reader.isDamaged;
}

/** False: the field has not the type that the column wants. */
function readCell(reader: ProtoReader, column: Column, into: RowBatch): boolean {
  const { wire, value, view, at } = reader;
  const row = into.count;
  switch (column.kind) {
    case "time":
      if (wire !== WireType.Fixed64) return false;
      fillTime(column, row, view.getUint32(at, true), view.getUint32(at + 4, true));
      return true;
    case "integer":
    case "wide":
      column.value[row] = value;
      return wire === WireType.Varint;
    case "price":
      column.value[row] = value % 2 === 0 ? value / 2 : -(value + 1) / 2;
      return wire === WireType.Varint;
    case "id":
    case "u64":
    case "i64":
      if (wire !== WireType.Fixed64) return false;
      column.lo[row] = view.getInt32(at, true);
      column.hi[row] = view.getInt32(at + 4, true);
      column.has[row] = 1;
      return true;
    case "letter":
      column.value[row] = value === 1 ? reader.bytes[at] : 0;
      return wire === WireType.Bytes;
    case "flags":
      column.value[row] = wire === WireType.Bytes ? flagsOf(reader) : 0;
      return wire === WireType.Bytes;
    case "name":
      if (wire !== WireType.Bytes) return false;
      column.value[row] = into.names.indexOf(textOf(reader));
      return true;
    case "text":
      if (wire !== WireType.Bytes) return false;
      column.value[row] = textOf(reader);
      return true;
  }
}

function flagsOf({ bytes, at, value }: ProtoReader): number {
  let flags = 0;
  for (let i = 0; i < value; i++) {
    const bit = FLAG_LETTERS.indexOf(String.fromCharCode(bytes[at + i]));
    if (bit >= 0) flags |= 1 << bit;
  }
  return flags;
}

/** Names are short: a decoder costs more than they do. */
function textOf({ bytes, at, value }: ProtoReader): string {
  let text = "";
  for (let i = at; i < at + value; i++) {
    if (bytes[i] > 127 || value > 32) return decoder.decode(bytes.subarray(at, at + value));
    text += String.fromCharCode(bytes[i]);
  }
  return text;
}

/** Two words divided by 10^9, sixteen bits at a time, so that doubles hold every step. */
function fillTime(column: TimeColumn, row: number, lo: number, hi: number): void {
  const first = (hi % 1e9) * TWO_16 + (lo >>> 16);
  const second = (first % 1e9) * TWO_16 + (lo & 0xffff);
  const upper = Math.floor(hi / 1e9) * TWO_16 + Math.floor(first / 1e9);
  column.sec[row] = upper * TWO_16 + Math.floor(second / 1e9);
  column.nsec[row] = second % 1e9;
}
