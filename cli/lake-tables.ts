/**
 * Edge: the tables of a lake as rows come into them: opened or made with the columns that a feed's rows
 * have, and the exchange's day that they are laid out by.
 */
import { randomUUID } from "node:crypto";
import {
  type ColumnSpec,
  gapColumns,
  LAKE_TABLES,
  lakeColumns,
  type LakeTable as RowTable,
  type SentTable,
} from "../book/rows/schema.ts";
import { duckCheckpoints } from "../lake/delta/checkpoint-duckdb.ts";
import { tableStorage } from "../lake/lake-place.ts";
import { type LakeColumn, LakeSchemaError, LakeTable } from "../lake/lake-table.ts";
import { CliError } from "./errors.ts";
import { dayInNewYork, dayText } from "./trading-day.ts";

export type TableName = RowTable | "gaps" | "dead_letters";

export const ROW_TABLES = Object.keys(LAKE_TABLES) as RowTable[];
/** Those that a topic is read for. */
export const TOPIC_TABLES: readonly SentTable[] = [...ROW_TABLES, "gaps"];
const INDIA_SEC = 5.5 * 3600;

/** What could not be read of a topic: where it stood, why, and its bytes; `sequence` is the offset. */
function letterColumns(): ColumnSpec[] {
  return [
    ...gapColumns().filter(
      ({ name }) => !["last", "numbers", "state", "cause", "repaired_by"].includes(name),
    ),
    { name: "topic", kind: "text" },
    { name: "error", kind: "text" },
    { name: "base64_bytes", kind: "text" },
  ];
}

export function tableColumns(table: TableName): ColumnSpec[] {
  if (table === "dead_letters") return letterColumns();
  return table === "gaps" ? gapColumns() : lakeColumns(table);
}

/** @throws CliError if the table is there with other columns */
export async function openTable(
  lake: string,
  table: TableName,
  priceDecimals: number,
): Promise<LakeTable> {
  const storage = tableStorage(lake, table);
  try {
    const columns = deltaColumns(table, priceDecimals);
    return await LakeTable.open(storage, duckCheckpoints, columns, randomUUID, Date.now);
  } catch (error) {
    if (!(error instanceof LakeSchemaError)) throw error;
    throw new CliError("bad_argument", error.message, error.hint, error);
  }
}

/** A table's columns in Delta's types; date and stream come from the path. */
function deltaColumns(table: TableName, priceDecimals: number): LakeColumn[] {
  return tableColumns(table).flatMap(({ name, kind }): LakeColumn[] => {
    if (name === "stream") return [];
    switch (kind) {
      case "time":
        return [
          { name, type: "timestamp" },
          { name: `${name}_ns`, type: "long" },
        ];
      case "price":
        return [{ name, type: `decimal(18,${priceDecimals})` }];
      case "integer":
      case "wide":
      case "id":
      case "u64":
      case "i64":
        return [{ name, type: "long" }];
      default:
        return [{ name, type: "string" }];
    }
  });
}

/** The exchange's own day of a moment; the time zone is asked again only when half an hour is over. */
export function dayOf(feed: string): (sec: number) => string {
  const isIndian = feed.startsWith("nse-");
  let half = Number.NaN;
  let day = "";
  return (sec) => {
    if (Number.isNaN(sec)) {
      throw new CliError(
        "bad_flag",
        "Nobody knows the trading day, which the lake is laid out by.",
        "Add --date YYYY-MM-DD.",
      );
    }
    const asked = Math.floor(sec / 1800);
    if (asked === half) return day;
    half = asked;
    day = isIndian
      ? new Date((sec + INDIA_SEC) * 1000).toISOString().slice(0, 10)
      : dayText(dayInNewYork(sec));
    return day;
  };
}
