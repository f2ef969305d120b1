/**
 * The Protobuf messages of a lake's tables, made from their columns: a batch of rows by columns, so
 * that neither side makes an object of a row. A column's number is 11 and its place in the table,
 * so a new one is added at the end.
 *
 * Every column that is there has a value for each row; where the row has none it is 0, and
 * `COLUMN_none` says of which rows that is so. Times and sequence numbers are written as the
 * difference to the row before, the first row's to 0.
 */
import { FLAG_LETTERS } from "../../feed/message-batch.ts";
import {
  descriptorSet,
  type ProtoField,
  type ProtoFile,
  type ProtoType,
  protoText,
} from "../../feed/protobuf.ts";
import {
  type ColumnKind,
  type ColumnSpec,
  LAKE_TABLES,
  lakeColumns,
  type SentTable,
} from "./schema.ts";

export const TABLES = [...Object.keys(LAKE_TABLES), "gaps"] as SentTable[];
export const PACKAGE = "edgebook.v1";
/** No batch has more rows. */
export const BATCH_ROWS_MOST = 4096;

/** Fields of every batch. */
export const BatchField = { Feed: 1, PriceDecimals: 2, Rows: 4, Names: 5 } as const;
/** Of the first column: its values, and which of its rows have none. */
export const FIRST_COLUMN = 11;
export const FIRST_NONE = 111;

const MESSAGES: Readonly<Record<SentTable, string>> = {
  events: "Event",
  trades: "Trade",
  bbo: "Quote",
  gaps: "Gap",
};

const TYPES: Readonly<Record<ColumnKind, ProtoType>> = {
  time: "sint64",
  integer: "uint64",
  wide: "sint64",
  price: "sint64",
  id: "fixed64",
  u64: "fixed64",
  i64: "sfixed64",
  letter: "bytes",
  name: "uint64",
  flags: "bytes",
  text: "string",
};

const FLAG_DOC = [...FLAG_LETTERS].map((letter, bit) => `${1 << bit} ${letter}`).join(", ");

const DOCS: Partial<Readonly<Record<ColumnKind, string>>> = {
  time: "ns since 1970 UTC, as the difference to the row before",
  wide: "as the difference to the row before",
  price: "times 10^-price_decimals",
  id: "0: none",
  letter: "a byte a row, in ASCII; 0: none",
  flags: `a byte a row, a sum of: ${FLAG_DOC}`,
  name: "place in names, from 1; 0: none",
};

/** True of columns whose missing values are told by a field of their own. */
export function hasNones(kind: ColumnKind): boolean {
  return ["time", "integer", "wide", "price", "u64", "i64"].includes(kind);
}

/** The full name of a table's batch: `edgebook.v1.EventBatch`. */
export const batchName = (table: SentTable) => `${PACKAGE}.${MESSAGES[table]}Batch`;

const HEAD: readonly ProtoField[] = [
  { name: "feed", number: BatchField.Feed, type: "string" },
  { name: "price_decimals", number: BatchField.PriceDecimals, type: "uint64" },
  { name: "rows", number: BatchField.Rows, type: "uint64", doc: `at most ${BATCH_ROWS_MOST}` },
  {
    name: "names",
    number: BatchField.Names,
    type: "string",
    isRepeated: true,
    doc: "of instruments, each once",
  },
];

function valuesField({ name, kind }: ColumnSpec, at: number): ProtoField {
  const doc = DOCS[kind];
  const type = TYPES[kind];
  const field = { name, number: FIRST_COLUMN + at, type, ...(doc !== undefined && { doc }) };
  return type === "bytes" ? field : { ...field, isRepeated: true };
}

function nonesField({ name }: ColumnSpec, at: number): ProtoField {
  const doc = "rows without, from 0";
  return { name: `${name}_none`, number: FIRST_NONE + at, type: "uint64", isRepeated: true, doc };
}

const FILE: ProtoFile = {
  path: "edgebook/v1/rows.proto",
  packageName: PACKAGE,
  messages: TABLES.map((table) => {
    const columns = lakeColumns(table);
    const values = columns.map(valuesField);
    const nones = columns.map(nonesField).filter((_, at) => hasNones(columns[at].kind));
    return { name: `${MESSAGES[table]}Batch`, fields: [...HEAD, ...values, ...nones] };
  }),
};

export const rowsDescriptor = (): Uint8Array => descriptorSet(FILE);
export const rowsProto = (): string => protoText(FILE);
