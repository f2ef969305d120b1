/** A feed's table for people and for programs: `edgebook feeds describe`. */
import { fieldWidth } from "./codec.ts";
import type { Feed } from "./feed.ts";
import type { FeedTable, FieldLayout, MessageLayout } from "./layout.ts";

/** What `describeFeedJson` gives: the table as it stands, with every width filled in. */
export interface FeedDescription {
  readonly feed: string;
  readonly title: string;
  readonly versions: string;
  readonly books: Feed["books"];
  readonly byteOrder: "little" | "big";
  readonly priceDecimals: number;
  readonly messages: readonly MessageDescription[];
  /** Messages that do not travel on the live feed. */
  readonly others: readonly {
    readonly title: string;
    readonly messages: readonly MessageDescription[];
  }[];
}

export interface MessageDescription {
  readonly type: string;
  readonly name: string;
  readonly length: number;
  readonly doc: string;
  readonly fields: readonly FieldDescription[];
}

export interface FieldDescription {
  readonly name: string;
  readonly type: string;
  readonly offset: number;
  readonly width: number;
  readonly meaning: string;
  /** Of prices only. */
  readonly decimals?: number;
  readonly doc: string;
}

const BOOKS: Readonly<Record<Feed["books"], string>> = {
  orders: "order by order",
  levels: "price levels",
  none: "none: messages are opaque",
};

/** The feed as text: a head, then for each message a line and a table of its fields. */
export function describeFeed(feed: Feed): string {
  const { table } = feed;
  const head = [
    `${feed.id}: ${table.title}`,
    `versions    ${table.versions}`,
    `byte order  ${table.littleEndian ? "little" : "big"} endian`,
    `books       ${BOOKS[feed.books]}`,
  ];
  if (table.messages.length > 0) head.push(`prices      ${table.priceDecimals} decimal places`);
  const parts = [head.join("\n"), ...table.messages.map((layout) => messageText(table, layout))];
  for (const side of feed.sideTables ?? []) {
    parts.push(`${side.title}:`, ...side.messages.map((layout) => messageText(side, layout)));
  }
  return `${parts.join("\n\n")}\n`;
}

export function describeFeedJson(feed: Feed): FeedDescription {
  const { table } = feed;
  return {
    feed: feed.id,
    title: table.title,
    versions: table.versions,
    books: feed.books,
    byteOrder: table.littleEndian ? "little" : "big",
    priceDecimals: table.priceDecimals,
    messages: messagesOf(table),
    others: (feed.sideTables ?? []).map((side) => ({
      title: side.title,
      messages: messagesOf(side),
    })),
  };
}

function messagesOf(table: FeedTable): MessageDescription[] {
  return table.messages.map(({ type, name, length, doc, fields }) => {
    return { type, name, length, doc, fields: fields.map((field) => describeField(table, field)) };
  });
}

function describeField(table: FeedTable, field: FieldLayout): FieldDescription {
  const { name, type, offset, meaning, doc } = field;
  const width = fieldWidth(field);
  const plain = { name, type, offset, width, meaning, doc };
  if (meaning !== "price") return plain;
  return { ...plain, decimals: field.decimals ?? table.priceDecimals };
}

function messageText(table: FeedTable, layout: MessageLayout): string {
  const rows = layout.fields.map((field) => {
    const { name, type, offset, width, meaning, decimals, doc } = describeField(table, field);
    const sized = type === "text" ? `text[${width}]` : type;
    const unit = decimals === undefined ? meaning : `price /10^${decimals}`;
    return [String(offset), sized, name, unit, doc];
  });
  const name = `${layout.type}  ${layout.name}`.trimStart();
  const title = `${name}, ${layout.length} bytes. ${layout.doc}`;
  return `${title}\n${columns([["offset", "type", "field", "meaning", ""], ...rows])}`;
}

/** Text in columns, the first to the right, two blanks between. */
function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0].map((_, at) => Math.max(...rows.map((row) => row[at].length)));
  return rows
    .map((row) => row.map((cell, at) => pad(cell, widths[at], at === 0)).join("  "))
    .map((line) => `  ${line}`.trimEnd())
    .join("\n");
}

function pad(cell: string, width: number, right: boolean): string {
  return right ? cell.padStart(width) : cell.padEnd(width);
}
