/**
 * The generic writer of messages, made from a feed's table, and the reader that is its exact
 * inverse. For tests and simulated exchanges: it checks every value before it writes one.
 */
import { fieldNumber, fieldWidth } from "./codec-fields.ts";
import type { FeedTable, FieldLayout, FieldType, MessageLayout } from "./layout.ts";

/** A field's value: bigint for the 64-bit integers, a string for characters, else a number. */
export type WireValue = number | bigint | string;

type ValueOf<T extends FieldType> = T extends "u64" | "i64"
  ? bigint
  : T extends "char" | "text"
    ? string
    : number;

/** The values of one message, as a type, from a layout that was declared `as const`. */
export type MessageValues<L extends MessageLayout> = {
  -readonly [F in L["fields"][number] as F["name"]]: ValueOf<F["type"]>;
};

/** A value that its field cannot hold. */
export class FieldError extends Error {
  readonly code = "field_range";
  readonly field: string;

  constructor(layout: MessageLayout, field: FieldLayout, value: unknown, need: string) {
    super(`${layout.name}.${field.name} cannot hold ${String(value)}: give ${need}`);
    this.name = "FieldError";
    this.field = field.name;
  }
}

const RANGES: Partial<Record<FieldType, readonly [number, number]>> = {
  u8: [0, 0xff],
  i8: [-0x80, 0x7f],
  u16: [0, 0xffff],
  i16: [-0x8000, 0x7fff],
  u32: [0, 0xffffffff],
  i32: [-0x80000000, 0x7fffffff],
  u48: [0, 0xffffffffffff],
};

/**
 * Writes a message at `offset`. Fields without a value are zero bytes; short text is padded with
 * blanks. Returns the message's length in bytes.
 * @throws FieldError a value is out of its field's range; nothing says which bytes were written
 */
export function writeMessage(
  table: FeedTable,
  layout: MessageLayout,
  values: Readonly<Record<string, WireValue | undefined>>,
  view: DataView,
  offset: number,
): number {
  for (let i = 0; i < layout.length; i++) view.setUint8(offset + i, 0);
  for (const field of layout.fields) {
    const value = values[field.name];
    if (value !== undefined) writeField(table, layout, field, value, view, offset + field.offset);
  }
  return layout.length;
}

/** Reads what `writeMessage` wrote: text keeps its padding, 64-bit integers are bigints. */
export function readValues(
  table: FeedTable,
  layout: MessageLayout,
  view: DataView,
  offset: number,
): Record<string, WireValue> {
  const values: Record<string, WireValue> = {};
  for (const field of layout.fields) values[field.name] = readValue(field, table, view, offset);
  return values;
}

function readValue(field: FieldLayout, table: FeedTable, view: DataView, offset: number) {
  const at = offset + field.offset;
  if (field.type === "u64") return view.getBigUint64(at, table.littleEndian);
  if (field.type === "i64") return view.getBigInt64(at, table.littleEndian);
  if (field.type !== "char" && field.type !== "text") {
    return fieldNumber(field, table, view, offset);
  }
  let text = "";
  for (let i = 0; i < fieldWidth(field); i++) text += String.fromCharCode(view.getUint8(at + i));
  return text;
}

function writeField(
  table: FeedTable,
  layout: MessageLayout,
  field: FieldLayout,
  value: WireValue,
  view: DataView,
  at: number,
): void {
  if (field.type === "char" || field.type === "text") {
    writeText(layout, field, value, view, at);
  } else if (field.type === "u64" || field.type === "i64") {
    writeWide(layout, field, value, view, at, table.littleEndian);
  } else {
    writeNumber(layout, field, value, view, at, table.littleEndian);
  }
}

function writeText(
  layout: MessageLayout,
  field: FieldLayout,
  value: WireValue,
  view: DataView,
  at: number,
): void {
  const width = fieldWidth(field);
  const text = String(value);
  if (text.length > width) throw new FieldError(layout, field, value, `${width} characters`);
  for (let i = 0; i < width; i++) {
    const code = i < text.length ? text.charCodeAt(i) : 0x20;
    if (code > 0xff) throw new FieldError(layout, field, value, "single-byte characters");
    view.setUint8(at + i, code);
  }
}

function writeWide(
  layout: MessageLayout,
  field: FieldLayout,
  value: WireValue,
  view: DataView,
  at: number,
  little: boolean,
): void {
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    throw new FieldError(layout, field, value, "a whole number below 2^53, or a bigint");
  }
  const wide = BigInt(value);
  const fits = field.type === "u64" ? BigInt.asUintN(64, wide) : BigInt.asIntN(64, wide);
  if (fits !== wide) throw new FieldError(layout, field, value, `what fits ${field.type}`);
  view.setBigUint64(at, BigInt.asUintN(64, wide), little);
}

function writeNumber(
  layout: MessageLayout,
  field: FieldLayout,
  value: WireValue,
  view: DataView,
  at: number,
  little: boolean,
): void {
  const number = Number(value);
  if (field.type === "f64") {
    view.setFloat64(at, number, little);
    return;
  }
  const [least, most] = RANGES[field.type] ?? [0, 0];
  if (!Number.isInteger(number) || number < least || number > most) {
    throw new FieldError(layout, field, value, `a whole number from ${least} to ${most}`);
  }
  const width = fieldWidth(field);
  if (width === 1) view.setUint8(at, number & 0xff);
  else if (width === 2) view.setUint16(at, number & 0xffff, little);
  else if (width === 4) view.setUint32(at, number >>> 0, little);
  else {
    const hi = Math.floor(number / 4_294_967_296);
    view.setUint16(little ? at + 4 : at, hi, little);
    view.setUint32(little ? at : at + 2, number >>> 0, little);
  }
}
