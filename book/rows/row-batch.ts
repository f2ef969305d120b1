/**
 * Rows as a structure of arrays: one typed array (or two) for each column, so that a row is no
 * object. Whoever fills a batch keeps the columns that it writes to; a writer walks them all.
 */
import type { NameTable } from "./name-table.ts";
import type { ColumnKind, ColumnSpec } from "./schema.ts";

/** `sec` NaN: the row has no such time. */
export interface TimeColumn {
  readonly kind: "time";
  readonly name: string;
  readonly sec: Float64Array;
  readonly nsec: Uint32Array;
}

/** NaN: the row has no such number. */
export interface NumberColumn {
  readonly kind: "integer" | "wide" | "price";
  readonly name: string;
  readonly value: Float64Array;
  /** Places of a price. */
  readonly decimals: number;
}

/** Two words; `has` 0: the row has no such number. */
export interface WordsColumn {
  readonly kind: "id" | "u64" | "i64";
  readonly name: string;
  readonly lo: Int32Array;
  readonly hi: Int32Array;
  /** Only `u64` and `i64` look at it; an `id` of two zero words is none. */
  readonly has: Uint8Array;
}

/** A letter's ASCII code (0 is none), or the bits of `flags`. */
export interface ByteColumn {
  readonly kind: "letter" | "flags";
  readonly name: string;
  readonly value: Uint8Array;
}

/** Index in the batch's `names`; -1 is none. */
export interface NameColumn {
  readonly kind: "name";
  readonly name: string;
  readonly value: Int32Array;
}

/** Empty text is none. */
export interface TextColumn {
  readonly kind: "text";
  readonly name: string;
  readonly value: string[];
}

export type Column = TimeColumn | NumberColumn | WordsColumn | ByteColumn | NameColumn | TextColumn;

export class RowBatch {
  count = 0;
  readonly capacity: number;
  readonly columns: readonly Column[];
  readonly names: NameTable;

  /** @param decimals places of the feed's prices */
  constructor(specs: readonly ColumnSpec[], names: NameTable, decimals: number, capacity: number) {
    this.capacity = capacity;
    this.names = names;
    this.columns = specs.map((spec) => newColumn(spec, decimals, capacity));
  }

  time(name: string): TimeColumn {
    return this.find(name, ["time"]) as TimeColumn;
  }

  number(name: string): NumberColumn {
    return this.find(name, ["integer", "wide", "price"]) as NumberColumn;
  }

  words(name: string): WordsColumn {
    return this.find(name, ["id", "u64", "i64"]) as WordsColumn;
  }

  bytes(name: string): ByteColumn {
    return this.find(name, ["letter", "flags"]) as ByteColumn;
  }

  name(name: string): NameColumn {
    return this.find(name, ["name"]) as NameColumn;
  }

  text(name: string): TextColumn {
    return this.find(name, ["text"]) as TextColumn;
  }

  /** Empties the columns of row `at` from column `from` on: for rows that fill only some of theirs. */
  clearRow(at: number, from = 0): void {
    for (let i = from; i < this.columns.length; i++) clearCell(this.columns[i], at);
  }

  private find(name: string, kinds: readonly ColumnKind[]): Column {
    const column = this.columns.find((known) => known.name === name);
    if (!column || !kinds.includes(column.kind)) {
      throw new Error(`rows have no ${kinds.join(" or ")} column '${name}'`);
    }
    return column;
  }
}

/** Rows `from` to `to` of a batch over the same memory, or, with `copy`, over memory of their own. */
export function rowsOf(batch: RowBatch, from: number, to: number, copy = false): RowBatch {
  if (!copy && from === 0 && to === batch.count) return batch;
  const columns = batch.columns.map((column) => {
    const parts = Object.entries(column).map(([key, value]) => {
      if (Array.isArray(value)) return [key, value.slice(from, to)];
      if (!ArrayBuffer.isView(value)) return [key, value];
      const typed = value as Uint8Array;
      return [key, copy ? typed.slice(from, to) : typed.subarray(from, to)];
    });
    return Object.fromEntries(parts) as Column;
  });
  const rows = Object.create(RowBatch.prototype) as RowBatch;
  return Object.assign(rows, batch, { columns, count: to - from });
}

/** Takes full batches; the batch is reused when `write` returns. */
export interface RowSink {
  write(batch: RowBatch): void;
}

function newColumn(spec: ColumnSpec, decimals: number, capacity: number): Column {
  const { name, kind } = spec;
  switch (kind) {
    case "time":
      return { kind, name, sec: new Float64Array(capacity), nsec: new Uint32Array(capacity) };
    case "integer":
    case "wide":
      return { kind, name, value: new Float64Array(capacity), decimals: 0 };
    case "price":
      return {
        kind,
        name,
        value: new Float64Array(capacity),
        decimals: spec.decimals ?? decimals,
      };
    case "id":
    case "u64":
    case "i64":
      return {
        kind,
        name,
        lo: new Int32Array(capacity),
        hi: new Int32Array(capacity),
        has: new Uint8Array(capacity),
      };
    case "letter":
    case "flags":
      return { kind, name, value: new Uint8Array(capacity) };
    case "name":
      return { kind, name, value: new Int32Array(capacity) };
    case "text":
      return { kind, name, value: new Array<string>(capacity).fill("") };
  }
}

export function clearCell(column: Column, at: number): void {
  switch (column.kind) {
    case "time":
      column.sec[at] = Number.NaN;
      break;
    case "integer":
    case "wide":
    case "price":
      column.value[at] = Number.NaN;
      break;
    case "id":
    case "u64":
    case "i64":
      column.lo[at] = 0;
      column.hi[at] = 0;
      column.has[at] = 0;
      break;
    case "name":
      column.value[at] = -1;
      break;
    case "text":
      column.value[at] = "";
      break;
    default:
      column.value[at] = 0;
  }
}

/** True where the row has no such value; no flags are an empty set, not a missing one. */
export function isMissing(column: Column, row: number): boolean {
  switch (column.kind) {
    case "time":
      return Number.isNaN(column.sec[row]);
    case "integer":
    case "wide":
    case "price":
      return Number.isNaN(column.value[row]);
    case "id":
      return (column.lo[row] | column.hi[row]) === 0;
    case "u64":
    case "i64":
      return column.has[row] === 0;
    case "letter":
      return column.value[row] === 0;
    case "name":
      return column.value[row] < 0;
    case "text":
      return column.value[row] === "";
    case "flags":
      return false;
  }
}
