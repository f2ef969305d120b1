/** Short hand for the fields that nearly every ITCH 5.0 message has, and for writing the others. */
import type { FieldLayout, FieldMeaning, FieldType } from "../layout.ts";

export function field(
  name: string,
  type: FieldType,
  offset: number,
  meaning: FieldMeaning,
  doc: string,
): FieldLayout {
  return { name, type, offset, meaning, doc };
}

export function text(
  name: string,
  offset: number,
  width: number,
  meaning: FieldMeaning,
  doc: string,
): FieldLayout {
  return { name, type: "text", offset, width, meaning, doc };
}

/** The 8 letters of the security, padded with spaces on the right. */
export function stock(offset: number): FieldLayout {
  return text("stock", offset, 8, "symbol", "Security symbol, padded with spaces.");
}

/** Type, locate code, tracking number and time: the first 11 bytes of every message. */
export const HEADER: readonly FieldLayout[] = [
  field("message_type", "char", 0, "code", "Type of the message."),
  field("locate", "u16", 1, "instrument", "The day's number of the security; 0 for the market."),
  field("tracking", "u16", 3, "number", "Nasdaq's internal tracking number."),
  field("timestamp", "u48", 5, "time", "Nanoseconds since midnight in New York."),
];
