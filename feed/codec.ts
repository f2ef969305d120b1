/**
 * Messages as text, made from a feed's table: it serves `decode`, tests, and whatever wants every
 * field; decoders read by hand what books need. The binary halves stand in `codec-fields.ts` and
 * `codec-write.ts` and are handed on from here.
 *
 * Nothing here throws on any bytes; a field beyond the end of a short message has the text "".
 */
import { fieldNumber, fieldWidth, layoutAt } from "./codec-fields.ts";
import { exactDecimal, i64Text, placePoint, u64Text } from "./decimal.ts";
import type { FeedTable, FieldLayout, MessageLayout } from "./layout.ts";

export { fieldNumber, fieldWidth, layoutAt, layoutsByType } from "./codec-fields.ts";
export {
  FieldError,
  type MessageValues,
  readValues,
  type WireValue,
  writeMessage,
} from "./codec-write.ts";

const TWO_21 = 2_097_152;
const TWO_32 = 4_294_967_296;

/**
 * The field as people and files want it: prices as exact decimals, order ids and 64-bit numbers as
 * integer digits, text without its padding, an unprintable character as `\xNN`. Times stay the
 * wire's integer. `offset` is the message's.
 */
export function fieldText(
  field: FieldLayout,
  table: FeedTable,
  view: DataView,
  offset: number,
): string {
  const at = offset + field.offset;
  const little = table.littleEndian;
  switch (field.type) {
    case "char":
      return charText(view.getUint8(at));
    case "text":
      return paddedText(view, at, field.width ?? 0);
    case "u64":
    case "i64":
      return wideText(field, table, view, at);
    case "f64":
      return numberText(view.getFloat64(at, little));
    default: {
      const value = fieldNumber(field, table, view, offset);
      if (field.meaning !== "price") return String(value);
      return exactDecimal(value, field.decimals ?? table.priceDecimals);
    }
  }
}

/** One message's fields by name, in the order of its layout. */
export interface MessageRow {
  readonly layout: MessageLayout;
  readonly names: readonly string[];
  readonly values: readonly string[];
}

/** The message at `offset`, `length` bytes long, as text; undefined where its type is unknown. */
export function messageRow(
  table: FeedTable,
  view: DataView,
  offset: number,
  length: number,
): MessageRow | undefined {
  const layout = layoutAt(table, view, offset, length);
  if (layout === undefined) return undefined;
  const names: string[] = [];
  const values: string[] = [];
  for (const field of layout.fields) {
    const fits = field.offset + fieldWidth(field) <= length;
    names.push(field.name);
    values.push(fits ? fieldText(field, table, view, offset) : "");
  }
  return { layout, names, values };
}

/** Every field name of the table once, in order of appearance: the columns of a flat file. */
export function tableColumns(table: FeedTable): string[] {
  const names = new Set<string>();
  for (const layout of table.messages) for (const field of layout.fields) names.add(field.name);
  return [...names];
}

function wideText(field: FieldLayout, table: FeedTable, view: DataView, at: number): string {
  const little = table.littleEndian;
  const hi = view.getInt32(little ? at + 4 : at, little);
  const lo = view.getInt32(little ? at : at + 4, little);
  const signed = field.type === "i64";
  if (field.meaning !== "price") return signed ? i64Text(hi, lo) : u64Text(hi, lo);
  const decimals = field.decimals ?? table.priceDecimals;
  if (hi >= -TWO_21 && hi < TWO_21 && (signed || hi >= 0)) {
    const value = hi * TWO_32 + (lo >>> 0);
    if (Number.isSafeInteger(value)) return exactDecimal(value, decimals);
  }
  return placePoint(signed ? i64Text(hi, lo) : u64Text(hi, lo), decimals);
}

/** Order ids that are doubles print as integers; -0 and 0 alike as "0". */
function numberText(value: number): string {
  return Number.isSafeInteger(value) ? value.toFixed(0).replace(/^-0$/, "0") : String(value);
}

const CHARACTERS = Array.from({ length: 256 }, (_, code) => {
  if (code === 0) return "";
  if (code >= 0x20 && code < 0x7f) return code === 0x20 ? "" : String.fromCharCode(code);
  return `\\x${code.toString(16).padStart(2, "0")}`;
});

function charText(code: number): string {
  return CHARACTERS[code];
}

function paddedText(view: DataView, at: number, width: number): string {
  let end = width;
  while (end > 0) {
    const code = view.getUint8(at + end - 1);
    if (code !== 0x20 && code !== 0) break;
    end--;
  }
  let text = "";
  for (let i = 0; i < end; i++) {
    const code = view.getUint8(at + i);
    text += code === 0x20 ? " " : code === 0 ? "\\x00" : CHARACTERS[code];
  }
  return text;
}
