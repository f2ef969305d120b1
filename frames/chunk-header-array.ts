/**
 * A chunk's header as it stands in the bytes since version 3: a MessagePack array of the fields below, in
 * this order. New fields go to the end, and no place is ever given to another field; one that is absent is
 * nil, or missing at the end. Versions 1 and 2 spelled the names of the fields, which took two thirds of
 * a header.
 *
 *      0 version         8 stream          16 clock †      24 runs
 *      1 kind †          9 session         17 channels ‡   25 copies
 *      2 collector      10 firstSequence   18 frames       26 runsDropped
 *      3 boot           11 lastSequence    19 codec †      27 clockDoubtNs
 *      4 number         12 firstSec        20 dictionary ‡ 28 repairs: ticksNs, snapshotNs
 *      5 previous       13 firstNsec       21 rawBytes     29 snapshot: part, parts, orders
 *      6 oldest         14 lastSec         22 bodyBytes    30 former: boot, oldest, newest
 *      7 feed           15 lastNsec        23 checksum     31 command
 *
 *   †  a number: which of `CHUNK_KINDS`, `CLOCK_SOURCES`, `CHUNK_CODECS`
 *   ‡  channels: group, port, feed (nil: the chunk's), stream, line, sequenceField (a map); each an array
 *      dictionary: nil if none; the 8 bytes of its hash, the rest of its name being the chunk's feed
 */
import { encode } from "@msgpack/msgpack";
import type { Channel } from "./channels.ts";
import {
  CHUNK_CODECS,
  CHUNK_KINDS,
  CHUNK_VERSION,
  type ChunkHeader,
  CLOCK_SOURCES,
} from "./chunk-header.ts";
import { DICTIONARY_HASH_BYTES } from "./dictionary.ts";

type Name = keyof Required<ChunkHeader>;
type Fields = Record<string, unknown>;

/** How a field stands in the array. */
interface Form {
  write(value: unknown, header: ChunkHeader): unknown;
  /** Gives `value` itself where it is nothing that `write` makes: checks come later. */
  read(value: unknown, fields: Fields): unknown;
}

const asItIs: Form = { write: (value) => value, read: (value) => value };

const oneOf = (words: readonly string[]): Form => ({
  // What is no such word goes as it is, to be refused by who reads it.
  write: (value) => (words.includes(value as string) ? words.indexOf(value as string) : value),
  read: (value) => (typeof value === "number" ? (words[value] ?? `number ${value}`) : value),
});

const numbers = (...names: string[]): Form => ({
  write: (value) => (isMap(value) ? names.map((name) => value[name]) : value),
  read: (value) =>
    Array.isArray(value) ? Object.fromEntries(names.map((name, at) => [name, value[at]])) : value,
});

const channels: Form = {
  write: (value, { feed }) =>
    Array.isArray(value) ? value.map((channel: Channel) => channelArray(channel, feed)) : value,
  read: (value, { feed }) =>
    Array.isArray(value) ? value.map((each) => channelOf(each, feed)) : value,
};

const dictionary: Form = {
  write(value, { feed }) {
    if (value === "") return null;
    const hash = typeof value === "string" ? value.slice(feed.length + 1) : "";
    const isUsual = value === `${feed}-${hash}` && /^[0-9a-f]{16}$/.test(hash);
    return isUsual ? bytesOfHex(hash) : value;
  },
  read(value, { feed }) {
    if (value === undefined) return "";
    const isHash = value instanceof Uint8Array && value.length === DICTIONARY_HASH_BYTES;
    return isHash ? `${String(feed)}-${hexOf(value)}` : value;
  },
};

/** In the order of their places. Every field stands here, or this does not compile. */
const FORMS: Readonly<Record<Name, Form>> = {
  version: asItIs,
  kind: oneOf(CHUNK_KINDS),
  collector: asItIs,
  boot: asItIs,
  number: asItIs,
  previous: asItIs,
  oldest: asItIs,
  feed: asItIs,
  stream: asItIs,
  session: asItIs,
  firstSequence: asItIs,
  lastSequence: asItIs,
  firstSec: asItIs,
  firstNsec: asItIs,
  lastSec: asItIs,
  lastNsec: asItIs,
  clock: oneOf(CLOCK_SOURCES),
  channels,
  frames: asItIs,
  codec: oneOf(CHUNK_CODECS),
  dictionary,
  rawBytes: asItIs,
  bodyBytes: asItIs,
  checksum: asItIs,
  runs: asItIs,
  copies: asItIs,
  runsDropped: asItIs,
  clockDoubtNs: asItIs,
  repairs: numbers("ticksNs", "snapshotNs"),
  snapshot: numbers("part", "parts", "orders"),
  former: numbers("boot", "oldest", "newest"),
  command: asItIs,
};
const PLACES = Object.entries(FORMS) as readonly (readonly [Name, Form])[];

/** The header's bytes; those of version 1 and 2 are written as they were, with names. */
export function encodeHeader(header: ChunkHeader): Uint8Array {
  if (header.version < CHUNK_VERSION) return encode(header, { ignoreUndefined: true });
  const values = PLACES.map(([name, form]) => form.write(header[name], header));
  while (values.at(-1) === undefined) values.pop();
  return encode(values);
}

/** The fields by their names; what is nil, or more than there are, is left out. */
export function fieldsOf(values: readonly unknown[]): Fields {
  const fields: Fields = {};
  PLACES.forEach(([name, form], at) => {
    const value = form.read(values[at] ?? undefined, fields);
    if (value !== undefined) fields[name] = value;
  });
  return fields;
}

function channelArray(channel: Channel, feed: string): unknown[] {
  const { group, port, stream, line, sequenceField } = channel;
  const values = [group, port, channel.feed === feed ? null : channel.feed, stream, line];
  return sequenceField === undefined ? values : [...values, sequenceField];
}

function channelOf(value: unknown, feed: unknown): unknown {
  if (!Array.isArray(value)) return value;
  const [group, port, own, stream, line, sequenceField] = value as unknown[];
  const channel = { group, port, feed: own ?? feed, stream, line };
  return sequenceField === undefined ? channel : { ...channel, sequenceField };
}

function bytesOfHex(hex: string): Uint8Array {
  return Uint8Array.from({ length: hex.length / 2 }, (_, at) =>
    Number.parseInt(hex.slice(2 * at, 2 * at + 2), 16),
  );
}

function hexOf(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

function isMap(value: unknown): value is Fields {
  return typeof value === "object" && value !== null;
}
