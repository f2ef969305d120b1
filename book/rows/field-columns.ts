/**
 * Fields of a feed's layout table as columns: which kind a field makes, and how one message's fields
 * are read into a row. Serves `decode`, `definition` and `status`.
 */
import { fieldNumber, fieldText, fieldWidth } from "../../feed/codec.ts";
import type { FeedTable, FieldLayout, MessageLayout } from "../../feed/layout.ts";
import type { Column, RowBatch } from "./row-batch.ts";
import type { ColumnKind, ColumnSpec } from "./schema.ts";

/** A field and the column that it fills; they stand side by side for a whole layout. */
interface Filled {
  readonly field: FieldLayout;
  readonly column: Column;
  readonly end: number;
}

/**
 * The columns of the fields of `layouts`, each name once, in order of appearance. A name that two
 * messages use for different kinds becomes a text column. Names in `taken` are left out: the rows
 * have them already.
 */
export function fieldColumns(
  table: FeedTable,
  layouts: readonly MessageLayout[],
  taken: ReadonlySet<string>,
): ColumnSpec[] {
  const columns = new Map<string, ColumnSpec>();
  for (const layout of layouts) {
    for (const field of layout.fields) {
      if (taken.has(field.name) || field.meaning === "reserved") continue;
      const spec = columnOf(field, table);
      const known = columns.get(field.name);
      const same = !known || (known.kind === spec.kind && known.decimals === spec.decimals);
      columns.set(field.name, same ? spec : { name: field.name, kind: "text" });
    }
  }
  return [...columns.values()];
}

function columnOf(field: FieldLayout, table: FeedTable): ColumnSpec {
  const { name } = field;
  if (field.meaning === "price" && field.type !== "f64") {
    return { name, kind: "price", decimals: field.decimals ?? table.priceDecimals };
  }
  return { name, kind: KIND_OF_TYPE[field.type] };
}

/** Doubles are order ids: as text they keep every digit, and odd ones their looks. */
const KIND_OF_TYPE: Readonly<Record<FieldLayout["type"], ColumnKind>> = {
  u8: "integer",
  i8: "integer",
  u16: "integer",
  i16: "integer",
  u32: "integer",
  i32: "integer",
  u48: "wide",
  u64: "u64",
  i64: "i64",
  f64: "text",
  char: "text",
  text: "text",
};

/** Reads messages of one feed into rows of one batch. */
export class FieldRows {
  private readonly table: FeedTable;
  private readonly filled = new Map<MessageLayout, Filled[]>();

  constructor(
    table: FeedTable,
    layouts: readonly MessageLayout[],
    batch: RowBatch,
    taken: ReadonlySet<string>,
  ) {
    this.table = table;
    for (const layout of layouts) {
      const filled: Filled[] = [];
      for (const field of layout.fields) {
        if (taken.has(field.name)) continue;
        const column = batch.columns.find((known) => known.name === field.name);
        if (column) filled.push({ field, column, end: field.offset + fieldWidth(field) });
      }
      this.filled.set(layout, filled);
    }
  }

  /** Fields beyond the end of a short message stay empty. */
  fill(row: number, layout: MessageLayout, view: DataView, offset: number, length: number): void {
    for (const { field, column, end } of this.filled.get(layout) ?? []) {
      if (end <= length) fillCell(row, column, field, this.table, view, offset);
    }
  }
}

function fillCell(
  row: number,
  column: Column,
  field: FieldLayout,
  table: FeedTable,
  view: DataView,
  offset: number,
): void {
  switch (column.kind) {
    case "integer":
    case "wide":
    case "price":
      column.value[row] = fieldNumber(field, table, view, offset);
      break;
    case "u64":
    case "i64": {
      const at = offset + field.offset;
      const little = table.littleEndian;
      column.lo[row] = view.getInt32(little ? at : at + 4, little);
      column.hi[row] = view.getInt32(little ? at + 4 : at, little);
      column.has[row] = 1;
      break;
    }
    case "text":
      column.value[row] = fieldText(field, table, view, offset);
  }
}
