/**
 * Protobuf batches of a lake's table back to rows: the other side of `protobuf-rows.ts`, and of
 * anybody's who writes to the same descriptor. Bad bytes are told, never thrown; a field that is not
 * known is passed over, a column that is not there has no values.
 */

import { ProtoReader, WireType } from "../../feed/protobuf.ts";
import {
  Packed,
  unpackSigned,
  unpackSteps,
  unpackTimes,
  unpackUnsigned,
  unpackWords,
} from "./packed-read.ts";
import { BATCH_ROWS_MOST, BatchField, FIRST_COLUMN, FIRST_NONE } from "./protobuf-schema.ts";
import {
  type ByteColumn,
  type Column,
  clearCell,
  type NameColumn,
  type RowBatch,
} from "./row-batch.ts";

/** What a batch says of all its rows. */
export interface BatchHead {
  readonly feed: string;
  readonly priceDecimals: number;
  readonly rows: number;
}

const decoder = new TextDecoder();

/** @returns undefined where the bytes are no batch */
export function readBatchHead(bytes: Uint8Array): BatchHead | undefined {
  const reader = new ProtoReader(bytes);
  let feed = "";
  let priceDecimals = -1;
  let rows = 0;
  // Whoever writes the head behind the columns is read all the same.
  while ((feed === "" || priceDecimals < 0 || rows === 0) && reader.next()) {
    const { field, wire } = reader;
    if (field === BatchField.Feed && wire === WireType.Bytes) feed = textOf(reader);
    else if (field === BatchField.PriceDecimals && wire === WireType.Varint) {
      priceDecimals = reader.value;
    } else if (field === BatchField.Rows && wire === WireType.Varint) rows = reader.value;
    reader.skip();
  }
  const isBatch = feed !== "" && rows > 0 && rows <= BATCH_ROWS_MOST;
  if (reader.isDamaged || !isBatch) return undefined;
  return { feed, priceDecimals: Math.max(0, priceDecimals), rows };
}

/** A field's bytes, from where to where. */
interface Span {
  readonly from: number;
  readonly to: number;
}

/** Where everything stands that rows are made of. */
interface Spans {
  /** Of each name of the batch, its index in the table of names. */
  readonly places: readonly number[];
  /** By the column's place in the table; a text column has one for each row. */
  readonly values: readonly (readonly Span[])[];
  readonly nones: readonly (readonly Span[])[];
}

/**
 * Fills a batch with the rows, from its beginning.
 * @param into with the columns of `lakeColumns`, and room for `BATCH_ROWS_MOST` rows
 * @returns how many rows; undefined where the bytes are damaged: `into` may then hold anything
 */
export function readRows(bytes: Uint8Array, into: RowBatch): number | undefined {
  const head = readBatchHead(bytes);
  if (head === undefined || head.rows > into.capacity) return undefined;
  const { rows } = head;
  const spans = spansOf(bytes, into);
  if (spans === undefined) return undefined;
  const { places, values, nones } = spans;
  const source: Source = { bytes, view: viewOf(bytes), rows, places };
  for (let i = 0; i < into.columns.length; i++) {
    const column = into.columns[i];
    if (values[i].length === 0) clear(column, rows);
    else if (!readColumn(source, column, values[i])) return undefined;
    if (!readNones(source, column, nones[i])) return undefined;
  }
  into.count = rows;
  return rows;
}

function spansOf(bytes: Uint8Array, { columns, names }: RowBatch): Spans | undefined {
  const reader = new ProtoReader(bytes);
  const places: number[] = [];
  const values = columns.map((): Span[] => []);
  const nones = columns.map((): Span[] => []);
  for (; reader.next(); reader.skip()) {
    const { field, wire, at, value } = reader;
    if (wire !== WireType.Bytes) continue;
    const to = at + value;
    if (field === BatchField.Names) places.push(names.indexOfBytes(bytes, at, to));
    else if (field >= FIRST_NONE) nones[field - FIRST_NONE]?.push({ from: at, to });
    else if (field >= FIRST_COLUMN) values[field - FIRST_COLUMN]?.push({ from: at, to });
  }
  return reader.isDamaged ? undefined : { places, values, nones };
}

interface Source {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly rows: number;
  /** Of each name of the batch, its index in the table of names. */
  readonly places: readonly number[];
}

/** False: the bytes are not so many values of the column's kind. */
function readColumn(source: Source, column: Column, spans: readonly Span[]): boolean {
  const { bytes, view, rows } = source;
  if (column.kind === "text") {
    spans.forEach(({ from, to }, row) => {
      column.value[row] = decode(bytes, from, to);
    });
    return spans.length === rows;
  }
  if (spans.length !== 1) return false;
  const [{ from, to }] = spans;
  switch (column.kind) {
    case "time":
      return unpackTimes(new Packed(bytes, from, to), column, rows);
    case "integer":
      return unpackUnsigned(new Packed(bytes, from, to), column.value, rows);
    case "wide":
      return unpackSteps(new Packed(bytes, from, to), column.value, rows);
    case "price":
      return unpackSigned(new Packed(bytes, from, to), column.value, rows);
    case "id":
    case "u64":
    case "i64":
      return unpackWords(view, from, to, column, rows);
    case "letter":
    case "flags":
      return readBytes(source, column, from, to);
    case "name":
      return readNames(source, column, new Packed(bytes, from, to));
  }
}

function readBytes(source: Source, { value }: ByteColumn, from: number, to: number): boolean {
  if (to - from !== source.rows) return false;
  value.set(source.bytes.subarray(from, to));
  return true;
}

function readNames({ rows, places }: Source, { value }: NameColumn, packed: Packed): boolean {
  for (let row = 0; row < rows; row++) {
    if (!packed.next()) return false;
    const place = packed.unsigned;
    if (place > places.length) return false;
    value[row] = place === 0 ? -1 : places[place - 1];
  }
  return packed.isOver;
}

/** False: a row that is not there. */
function readNones({ bytes, rows }: Source, column: Column, spans: readonly Span[]): boolean {
  for (const { from, to } of spans) {
    const packed = new Packed(bytes, from, to);
    while (!packed.isOver) {
      if (!packed.next() || packed.unsigned >= rows) return false;
      clearCell(column, packed.unsigned);
    }
  }
  return true;
}

function clear(column: Column, rows: number): void {
  for (let row = 0; row < rows; row++) clearCell(column, row);
}

function textOf({ bytes, at, value }: ProtoReader): string {
  return decode(bytes, at, at + value);
}

function decode(bytes: Uint8Array, from: number, to: number): string {
  return decoder.decode(bytes.subarray(from, to));
}

function viewOf({ buffer, byteOffset, byteLength }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, byteLength);
}
