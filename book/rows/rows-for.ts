/** From the name of a schema to its columns and to the observer that fills them. */
import type { Feed } from "../../feed/feed.ts";
import type { BookObserver } from "../books.ts";
import { BestRows } from "./best-rows.ts";
import { LevelRows, MboRows } from "./order-rows.ts";
import { ReferenceRows, referenceColumns } from "./reference-rows.ts";
import type { RowStream, RowTarget } from "./row-head.ts";
import { bookColumns, type ColumnSpec, depthOf, type Schema } from "./schema.ts";
import { TradeRows } from "./trade-rows.ts";

export function columnsFor(schema: Schema, feed: Feed): ColumnSpec[] {
  return schema === "definition" || schema === "status"
    ? referenceColumns(schema, feed)
    : bookColumns(schema);
}

/** True for schemas whose rows come from the books' `effects`. */
export function needsEffects(schema: Schema): boolean {
  return schema === "mbo" || schema === "mbp-1" || schema === "mbp-10" || schema === "trades";
}

/** True where the feed can give such rows at all. */
export function isOffered(schema: Schema, feed: Feed): boolean {
  return feed.books === "orders" || (feed.books === "levels" && schema !== "mbo");
}

/** @param settled of `bbo`: keep back what lies inside an event of the exchange */
export function rowsFor(
  schema: Schema,
  target: RowTarget,
  stream: RowStream,
  settled: boolean,
): BookObserver {
  switch (schema) {
    case "mbo":
      return new MboRows(target, stream);
    case "mbp-1":
    case "mbp-10":
      return new LevelRows(target, stream, depthOf(schema));
    case "bbo":
      return new BestRows(target, stream, settled);
    case "trades":
      return new TradeRows(target, stream);
    case "definition":
    case "status":
      return new ReferenceRows(target, stream, schema);
  }
}
