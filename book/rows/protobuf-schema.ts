/**
 * The Protobuf messages of a lake's tables, made from their columns: a batch of each, with its rows.
 * A column's number is its place in the table, so a new one is added at the end.
 *
 * Times are nanoseconds since 1970 UTC; prices whole numbers of 10^-`price_decimals`.
 */
import { descriptorSet, type ProtoFile, type ProtoType, protoText } from "../../feed/protobuf.ts";
import { type ColumnKind, LAKE_TABLES, type LakeTable, lakeColumns } from "./schema.ts";

export const TABLES = Object.keys(LAKE_TABLES) as LakeTable[];
export const PACKAGE = "edgebook.v1";

/** Fields of every batch. */
export const BatchField = { Feed: 1, PriceDecimals: 2, Rows: 3 } as const;

const MESSAGES: Readonly<Record<LakeTable, string>> = {
  events: "Event",
  trades: "Trade",
  bbo: "Quote",
};

const TYPES: Readonly<Record<ColumnKind, ProtoType>> = {
  time: "sfixed64",
  integer: "uint64",
  wide: "uint64",
  price: "sint64",
  id: "fixed64",
  u64: "fixed64",
  i64: "sfixed64",
  letter: "string",
  name: "string",
  flags: "string",
  text: "string",
};

const DOCS: Partial<Readonly<Record<ColumnKind, string>>> = {
  time: "ns since 1970 UTC",
  price: "times 10^-price_decimals",
  flags: "a set of letters",
};

/** The full name of a table's batch: `edgebook.v1.EventBatch`. */
export const batchName = (table: LakeTable) => `${PACKAGE}.${MESSAGES[table]}Batch`;

const FILE: ProtoFile = {
  path: "edgebook/v1/rows.proto",
  packageName: PACKAGE,
  messages: TABLES.flatMap((table) => {
    const message = MESSAGES[table];
    return [
      {
        name: `${message}Batch`,
        fields: [
          { name: "feed", number: BatchField.Feed, type: "string" as const },
          { name: "price_decimals", number: BatchField.PriceDecimals, type: "uint64" as const },
          {
            name: "rows",
            number: BatchField.Rows,
            type: "message" as const,
            isRepeated: true,
            message,
          },
        ],
      },
      {
        name: message,
        fields: lakeColumns(table).map(({ name, kind }, at) => {
          const doc = DOCS[kind];
          const field = { name, number: at + 1, type: TYPES[kind] };
          return doc === undefined ? field : { ...field, doc };
        }),
      },
    ];
  }),
};

export const rowsDescriptor = (): Uint8Array => descriptorSet(FILE);
export const rowsProto = (): string => protoText(FILE);
