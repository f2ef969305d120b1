/**
 * One entry of the channel table, checked field by field. Every key is known or refused, so that a
 * misspelt one is never silently without effect.
 */
import type { Channel, SequenceField } from "./channels.ts";
import { addressText } from "./link-address.ts";

/** What is wrong with an entry: the field, and a sentence that says how to mend it. */
export class EntryError extends Error {
  readonly field: string;

  constructor(field: string, message: string) {
    super(message);
    this.name = "EntryError";
    this.field = field;
  }
}

/** Keys in their one spelling; `-` counts as `_`, and the entries here as the key they name. */
const ALIASES: Readonly<Record<string, string>> = {
  endian: "endianness",
  byte_order: "endianness",
};
const PLAIN = ["group", "port", "feed", "stream", "line", "name"];
const SEQUENCE = ["offset", "width", "endianness", "count", "count_offset", "count_width"];
const KNOWN = [...PLAIN, ...SEQUENCE];
const WIDTHS = [1, 2, 4, 8];
/** No datagram is longer, so no field can stand further in. */
const MAX_OFFSET = 65_535;

type Table = Readonly<Record<string, unknown>>;

/** Checks an entry; `feeds` are the feed ids there are. Throws `EntryError`. */
export function channelOf(entry: Table, feeds: readonly string[] | undefined): Channel {
  const fields = spelled(entry);
  const feed = feedOf(fields.feed, feeds);
  const channel: Channel = {
    group: groupOf(fields.group),
    port: integer(fields, "port", 1, 65_535),
    feed,
    stream: fields.stream === undefined ? 0 : integer(fields, "stream", 0, 0xffffffff),
    line: lineOf(fields.line),
  };
  if (feed === "sequenced") return { ...channel, sequenceField: sequenceOf(fields) };
  const stray = SEQUENCE.find((key) => fields[key] !== undefined);
  if (stray === undefined) return channel;
  throw new EntryError(stray, `is only for feed = "sequenced"; remove it or change the feed`);
}

function spelled(entry: Table): Table {
  const fields: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(entry)) {
    const plain = key.replaceAll("-", "_");
    const name = ALIASES[plain] ?? plain;
    if (!KNOWN.includes(name)) {
      throw new EntryError(key, `is no field of a channel; these are: ${KNOWN.join(", ")}`);
    }
    if (fields[name] !== undefined) throw new EntryError(key, `says the same as another; keep one`);
    fields[name] = value;
  }
  return fields;
}

function groupOf(value: unknown): string {
  const text = typeof value === "string" ? addressText(value) : undefined;
  if (text !== undefined) return text;
  throw new EntryError("group", `is ${shown(value)}; write an IP address as "239.1.1.1"`);
}

function feedOf(value: unknown, feeds: readonly string[] | undefined): string {
  if (value === undefined) return "";
  if (typeof value === "string" && (feeds === undefined || feeds.includes(value))) return value;
  const choice = feeds === undefined ? "a feed id in quotes" : `one of ${feeds.join(", ")}`;
  throw new EntryError("feed", `is ${shown(value)}; write ${choice}`);
}

/** "A" and 1 are the first line, "B" and 2 the second; without one they count as they appear. */
function lineOf(value: unknown): number {
  if (value === undefined) return -1;
  const text = String(value).toUpperCase();
  if (/^[A-Z]$/.test(text)) return text.charCodeAt(0) - 65;
  if (/^[1-9]\d?$/.test(text)) return Number(text) - 1;
  throw new EntryError("line", `is ${shown(value)}; write "A" or "B", or 1 or 2`);
}

function sequenceOf(fields: Table): SequenceField {
  const place = {
    offset: integer(fields, "offset", 0, MAX_OFFSET),
    width: width(fields, "width"),
    littleEndian: littleEndian(fields.endianness),
  };
  const count = countOf(fields);
  return count === undefined ? place : { ...place, count };
}

function countOf(fields: Table): SequenceField["count"] {
  const { count, count_offset, count_width } = fields;
  if (count === undefined && count_offset === undefined && count_width === undefined) {
    return undefined;
  }
  if (count === undefined) {
    return {
      offset: integer(fields, "count_offset", 0, MAX_OFFSET),
      width: width(fields, "count_width"),
    };
  }
  if (typeof count !== "object" || count === null) {
    throw new EntryError("count", `is ${shown(count)}; write { offset = 8, width = 2 }`);
  }
  const within = count as Table;
  const stray = Object.keys(within).find((key) => key !== "offset" && key !== "width");
  if (stray !== undefined) throw new EntryError("count", `has ${stray}; it takes offset and width`);
  return { offset: integer(within, "offset", 0, MAX_OFFSET), width: width(within, "width") };
}

function littleEndian(value: unknown): boolean {
  const text = String(value).toLowerCase();
  if (text === "little" || text === "le") return true;
  if (text === "big" || text === "be") return false;
  throw new EntryError("endianness", `is ${shown(value)}; write "little" or "big"`);
}

function width(fields: Table, name: string): number {
  const value = fields[name];
  if (typeof value === "number" && WIDTHS.includes(value)) return value;
  throw new EntryError(name, `is ${shown(value)}; write 1, 2, 4 or 8 bytes`);
}

function integer(fields: Table, name: string, least: number, most: number): number {
  const value = fields[name];
  if (typeof value === "number" && Number.isInteger(value) && value >= least && value <= most) {
    return value;
  }
  throw new EntryError(name, `is ${shown(value)}; write a whole number from ${least} to ${most}`);
}

function shown(value: unknown): string {
  return value === undefined ? "missing" : JSON.stringify(value);
}
