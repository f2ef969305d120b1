/**
 * How an exchange's messages are declared: once, as data.
 *
 * From a feed's table come the fast reader and the writer (`codec.ts`), the rows of `decode`,
 * `edgebook feeds describe`, and later the column codec, the SQL schema and the protobuf descriptor.
 */

/** The wire types that the supported feeds use. Integers are read in the table's byte order. */
export type FieldType =
  | "u8"
  | "i8"
  | "u16"
  | "i16"
  | "u32"
  | "i32"
  | "u48"
  | "u64"
  | "i64"
  | "f64"
  | "char"
  | "text";

/** What a field means, which decides how it is printed and stored. */
export type FieldMeaning =
  | "number"
  | "price"
  | "quantity"
  | "order_id"
  | "trade_id"
  | "instrument"
  | "symbol"
  | "side"
  | "time"
  | "code"
  | "flags"
  | "reserved";

export interface FieldLayout {
  /** Snake case; the column's name in rows and tables. */
  readonly name: string;
  readonly type: FieldType;
  /** Bytes from the start of the message (of the datagram's message, header included if it has one). */
  readonly offset: number;
  /** Bytes; only `text` needs it, the others have their own width. */
  readonly width?: number;
  readonly meaning: FieldMeaning;
  /** Decimal places of this `price`, where they are not the table's `priceDecimals`. */
  readonly decimals?: number;
  /** One line for `feeds describe`: unit, codes, what the exchange says of it. */
  readonly doc: string;
}

export interface MessageLayout {
  /** The type's letter or code as it stands on the wire. */
  readonly type: string;
  /** Snake case. */
  readonly name: string;
  /** Bytes of the whole message; a longer one is tolerated, a shorter one is damaged. */
  readonly length: number;
  readonly doc: string;
  readonly fields: readonly FieldLayout[];
}

export interface FeedTable {
  readonly feed: string;
  readonly title: string;
  /** Protocol versions that this table reads. */
  readonly versions: string;
  readonly littleEndian: boolean;
  /** Where the type's byte stands in a message. */
  readonly typeOffset: number;
  /** Decimal places of a `price` field: the integer 7020 with 2 places is 70.20. */
  readonly priceDecimals: number;
  readonly messages: readonly MessageLayout[];
}
