/**
 * The columns of each kind of rows, names and order as the public interface fixes them. A column's
 * kind decides how it is held in memory (`row-batch.ts`) and written (`csv.ts`, `ndjson.ts`,
 * `parquet.ts`).
 */
export type ColumnKind =
  /** Nanoseconds since 1970 UTC. */
  | "time"
  /** A whole number below 2^53. */
  | "integer"
  /** The same, of a field that has 64 bits on some wire: a string in JSON. */
  | "wide"
  /** An integer of the feed's price unit, written as an exact decimal. */
  | "price"
  /** Unsigned 64 bits; 0 is none. */
  | "id"
  /** Unsigned or signed 64 bits, where 0 is a value too. */
  | "u64"
  | "i64"
  /** One ASCII letter. */
  | "letter"
  /** An instrument's name. */
  | "name"
  /** A set of `RowFlag` bits, written as letters. */
  | "flags"
  | "text";

export interface ColumnSpec {
  readonly name: string;
  readonly kind: ColumnKind;
  /** Places of a `price` column, where they are not the batch's. */
  readonly decimals?: number;
}

export const SCHEMAS = ["mbo", "mbp-1", "mbp-10", "trades", "bbo", "definition", "status"] as const;
export type Schema = (typeof SCHEMAS)[number];

/** What every row of a book begins with. */
export const HEAD_COLUMNS: readonly ColumnSpec[] = [
  { name: "ts_recv", kind: "time" },
  { name: "ts_event", kind: "time" },
  { name: "stream", kind: "integer" },
  { name: "sequence", kind: "wide" },
  { name: "token", kind: "name" },
];

const MBO_COLUMNS: readonly ColumnSpec[] = [
  ...HEAD_COLUMNS,
  { name: "action", kind: "letter" },
  { name: "side", kind: "letter" },
  { name: "price", kind: "price" },
  { name: "size", kind: "integer" },
  { name: "order_id", kind: "id" },
  { name: "flags", kind: "flags" },
];

const BBO_COLUMNS: readonly ColumnSpec[] = [
  ...HEAD_COLUMNS,
  { name: "bid_px", kind: "price" },
  { name: "bid_sz", kind: "integer" },
  { name: "bid_ct", kind: "integer" },
  { name: "ask_px", kind: "price" },
  { name: "ask_sz", kind: "integer" },
  { name: "ask_ct", kind: "integer" },
  { name: "flags", kind: "flags" },
];

const TRADE_COLUMNS: readonly ColumnSpec[] = [
  ...HEAD_COLUMNS,
  { name: "price", kind: "price" },
  { name: "size", kind: "integer" },
  { name: "side", kind: "letter" },
  { name: "trade_id", kind: "id" },
  { name: "buy_order_id", kind: "id" },
  { name: "sell_order_id", kind: "id" },
  { name: "action", kind: "letter" },
  { name: "flags", kind: "flags" },
];

/** Levels that a schema of price levels shows. */
export function depthOf(schema: Schema): number {
  return schema === "mbp-10" ? 10 : schema === "mbp-1" ? 1 : 0;
}

function levelColumns(level: number): ColumnSpec[] {
  const at = String(level).padStart(2, "0");
  return [
    { name: `bid_px_${at}`, kind: "price" },
    { name: `ask_px_${at}`, kind: "price" },
    { name: `bid_sz_${at}`, kind: "integer" },
    { name: `ask_sz_${at}`, kind: "integer" },
    { name: `bid_ct_${at}`, kind: "integer" },
    { name: `ask_ct_${at}`, kind: "integer" },
  ];
}

/** Columns of the schemas that are alike for every feed; of the others see `reference-columns.ts`. */
export function bookColumns(schema: Exclude<Schema, "definition" | "status">): ColumnSpec[] {
  if (schema === "bbo") return [...BBO_COLUMNS];
  if (schema === "trades") return [...TRADE_COLUMNS];
  const levels = Array.from({ length: depthOf(schema) }, (_, level) => levelColumns(level));
  return [...MBO_COLUMNS, ...levels.flat()];
}

/** Tables of a lake, and whose rows they hold. */
export const LAKE_TABLES = { events: "mbo", trades: "trades", bbo: "bbo" } as const;
export type LakeTable = keyof typeof LAKE_TABLES;
/** Tables that rows are sent for: those, and the gaps. */
export type SentTable = LakeTable | "gaps";

/**
 * The columns of a lake's table: the schema's own, and the epoch and the row within its message, so
 * that (stream, epoch, sequence, row) names each row for good.
 */
export function lakeColumns(table: SentTable): ColumnSpec[] {
  if (table === "gaps") return gapColumns();
  const place: ColumnSpec[] = [
    { name: "epoch", kind: "integer" },
    { name: "row", kind: "integer" },
  ];
  const columns = bookColumns(LAKE_TABLES[table]);
  return [...HEAD_COLUMNS, ...place, ...columns.slice(HEAD_COLUMNS.length)];
}

/**
 * The lake's table of gaps: `ts_event` is when it was seen, `sequence` the first missing number and
 * `last` the last.
 */
export function gapColumns(): ColumnSpec[] {
  return [
    ...HEAD_COLUMNS,
    { name: "epoch", kind: "integer" },
    { name: "row", kind: "integer" },
    { name: "last", kind: "wide" },
    { name: "numbers", kind: "integer" },
    { name: "state", kind: "text" },
    { name: "cause", kind: "text" },
    { name: "repaired_by", kind: "text" },
  ];
}
