/**
 * The binary half of the codec: from a feed's table to a field's width, a message's layout and a
 * field's number. Never throws on bytes that are there; the caller checks lengths.
 */
import type { FeedTable, FieldLayout, FieldType, MessageLayout } from "./layout.ts";

const WIDTHS: Readonly<Record<FieldType, number>> = {
  u8: 1,
  i8: 1,
  u16: 2,
  i16: 2,
  u32: 4,
  i32: 4,
  u48: 6,
  u64: 8,
  i64: 8,
  f64: 8,
  char: 1,
  text: 0,
};
const TWO_32 = 4_294_967_296;

/** Bytes that the field takes. */
export function fieldWidth(field: FieldLayout): number {
  return field.type === "text" ? (field.width ?? 0) : WIDTHS[field.type];
}

const layoutsOfTable = new WeakMap<FeedTable, readonly (MessageLayout | undefined)[]>();

/** The table's layouts, indexed by the type's byte; 256 places. */
export function layoutsByType(table: FeedTable): readonly (MessageLayout | undefined)[] {
  let layouts = layoutsOfTable.get(table);
  if (layouts === undefined) {
    const filled: (MessageLayout | undefined)[] = new Array(256).fill(undefined);
    for (const layout of table.messages) {
      if (layout.type !== "") filled[layout.type.charCodeAt(0) & 0xff] = layout;
    }
    layoutsOfTable.set(table, filled);
    layouts = filled;
  }
  return layouts;
}

/** Layout of the message at `offset`; undefined if its type is unknown or lies beyond `length`. */
export function layoutAt(
  table: FeedTable,
  view: DataView,
  offset: number,
  length: number,
): MessageLayout | undefined {
  if (table.typeOffset >= length) return undefined;
  return layoutsByType(table)[view.getUint8(offset + table.typeOffset)];
}

/**
 * The field as a number: exact but for `u64` and `i64` from 2^53 on (the nearest double then); the
 * code of a `char`; NaN of a `text`. `offset` is the message's.
 */
export function fieldNumber(
  field: FieldLayout,
  table: FeedTable,
  view: DataView,
  offset: number,
): number {
  const at = offset + field.offset;
  const little = table.littleEndian;
  switch (field.type) {
    case "u8":
    case "char":
      return view.getUint8(at);
    case "i8":
      return view.getInt8(at);
    case "u16":
      return view.getUint16(at, little);
    case "i16":
      return view.getInt16(at, little);
    case "u32":
      return view.getUint32(at, little);
    case "i32":
      return view.getInt32(at, little);
    case "u48":
      return little
        ? view.getUint16(at + 4, true) * TWO_32 + view.getUint32(at, true)
        : view.getUint16(at, false) * TWO_32 + view.getUint32(at + 2, false);
    case "u64":
      return view.getUint32(little ? at + 4 : at, little) * TWO_32 + lowWord(view, at, little);
    case "i64":
      return view.getInt32(little ? at + 4 : at, little) * TWO_32 + lowWord(view, at, little);
    case "f64":
      return view.getFloat64(at, little);
    case "text":
      return Number.NaN;
  }
}

function lowWord(view: DataView, at: number, little: boolean): number {
  return view.getUint32(little ? at : at + 4, little);
}
