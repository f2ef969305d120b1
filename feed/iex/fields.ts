/** Short hand for the fields that IEX's messages share. Offsets are from the message's type. */
import type { FieldLayout, FieldMeaning, FieldType, MessageLayout } from "../layout.ts";

export function field(
  name: string,
  type: FieldType,
  offset: number,
  meaning: FieldMeaning,
  doc: string,
): FieldLayout {
  return { name, type, offset, meaning, doc };
}

export const TIMESTAMP = field("timestamp", "i64", 2, "time", "Nanoseconds since 1970 UTC.");

/** Eight letters, padded with spaces on the right. */
export const SYMBOL: FieldLayout = {
  name: "symbol",
  type: "text",
  offset: 10,
  width: 8,
  meaning: "symbol",
  doc: "Security symbol, padded with spaces.",
};

/** A message that begins with its type, a code byte named `second`, the time and the symbol. */
export function securityMessage(
  type: string,
  name: string,
  length: number,
  doc: string,
  second: FieldLayout,
  fields: readonly FieldLayout[] = [],
): MessageLayout {
  const messageType = field("message_type", "char", 0, "code", "Type of the message.");
  return { type, name, length, doc, fields: [messageType, second, TIMESTAMP, SYMBOL, ...fields] };
}
