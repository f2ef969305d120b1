/**
 * Rows of a lake's table to Protobuf batches, column by column. One for each stream and table: a batch
 * never mixes streams. Per row some tens of bytes and no garbage; a batch is one copy of what was
 * written.
 */
import { ProtoWriter, WireType } from "../../feed/protobuf.ts";
import {
  packPlaces,
  packSigned,
  packSteps,
  packTimes,
  packUnsigned,
  packWords,
  varint,
} from "./packed-write.ts";
import {
  BATCH_ROWS_MOST,
  BatchField,
  FIRST_COLUMN,
  FIRST_NONE,
  hasNones,
} from "./protobuf-schema.ts";
import {
  type Column,
  isMissing,
  type NameColumn,
  type RowBatch,
  type RowSink,
  type TextColumn,
} from "./row-batch.ts";

/** A number takes ten bytes at most; tag and length come before. */
const NUMBER_BYTES = 10;
const HEAD_BYTES = 16;
/** Bytes of a column's length, which is known only behind it: a varint of three, also where one would do. */
const LENGTH_BYTES = 3;

export class ProtobufRows implements RowSink {
  private readonly writer = new ProtoWriter();
  private readonly feed: string;
  private readonly priceDecimals: number;
  private readonly take: (bytes: Uint8Array, rows: number) => void;
  /** Place of a name in the batch in hand, from 1; those that have one. */
  private placeOf = new Int32Array(256);
  private placed: number[] = [];
  private readonly places = new Int32Array(BATCH_ROWS_MOST);

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

  /** @param batch of `BATCH_ROWS_MOST` rows at most */
  write(batch: RowBatch): void {
    const { writer } = this;
    const { columns, count } = batch;
    if (count === 0) return;
    writer.text(BatchField.Feed, this.feed);
    writer.number(BatchField.PriceDecimals, this.priceDecimals);
    writer.number(BatchField.Rows, count);
    const name = columns.find((column) => column.kind === "name");
    if (name?.kind === "name") this.writeNames(name, batch);
    for (let i = 0; i < columns.length; i++) this.column(FIRST_COLUMN + i, columns[i], count);
    for (let i = 0; i < columns.length; i++) {
      if (hasNones(columns[i].kind)) this.nones(FIRST_NONE + i, columns[i], count);
    }
    this.take(writer.take(), count);
  }

  /** Each name once, and of every row its place among them. */
  private writeNames({ value }: NameColumn, { count, names }: RowBatch): void {
    const { placed, places } = this;
    if (this.placeOf.length < names.names.length) {
      this.placeOf = new Int32Array(names.names.length * 2);
    }
    const { placeOf } = this;
    for (let row = 0; row < count; row++) {
      const index = value[row];
      if (index >= 0 && placeOf[index] === 0) {
        placeOf[index] = placed.push(index);
        this.writer.field(BatchField.Names, names.plain[index]);
      }
      places[row] = index < 0 ? 0 : placeOf[index];
    }
    for (const index of placed) placeOf[index] = 0;
    placed.length = 0;
  }

  private column(field: number, column: Column, count: number): void {
    const { writer } = this;
    if (column.kind === "text") {
      for (let row = 0; row < count; row++) writer.text(field, column.value[row]);
      return;
    }
    const from = this.open(field, count);
    writer.at = this.values(column, from, count);
    this.close(from);
  }

  /** @returns where the next byte goes */
  private values(column: Exclude<Column, TextColumn>, from: number, count: number): number {
    const { bytes } = this.writer;
    switch (column.kind) {
      case "time":
        return packTimes(bytes, from, column, count);
      case "integer":
        return packUnsigned(bytes, from, column.value, count);
      case "wide":
        return packSteps(bytes, from, column.value, count);
      case "price":
        return packSigned(bytes, from, column.value, count);
      case "id":
      case "u64":
      case "i64":
        return packWords(bytes, from, column, count);
      case "name":
        return packPlaces(bytes, from, this.places, count);
      case "letter":
      case "flags":
        bytes.set(column.value.subarray(0, count), from);
        return from + count;
    }
  }

  /** Which rows have no value; nothing where all have. */
  private nones(field: number, column: Column, count: number): void {
    const numbers = numbersOf(column);
    const isNone = (row: number) =>
      numbers === undefined ? isMissing(column, row) : Number.isNaN(numbers[row]);
    let row = 0;
    while (row < count && !isNone(row)) row++;
    if (row === count) return;
    const { writer } = this;
    const from = this.open(field, count);
    for (; row < count; row++) {
      if (isNone(row)) writer.at = varint(writer.bytes, writer.at, row);
    }
    this.close(from);
  }

  /** Tag, and room for the length and the numbers. @returns where they begin */
  private open(field: number, count: number): number {
    const { writer } = this;
    writer.reserve(count * NUMBER_BYTES + HEAD_BYTES);
    writer.tag(field, WireType.Bytes);
    writer.at += LENGTH_BYTES;
    return writer.at;
  }

  private close(from: number): void {
    const { bytes, at } = this.writer;
    const length = at - from;
    bytes[from - 3] = (length & 127) | 128;
    bytes[from - 2] = ((length >>> 7) & 127) | 128;
    bytes[from - 1] = length >>> 14;
  }
}

/** Numbers of which NaN is none. */
function numbersOf(column: Column): Float64Array | undefined {
  if (column.kind === "time") return column.sec;
  return "decimals" in column ? column.value : undefined;
}
