/**
 * The check that bytes from elsewhere really are a chunk's header, each field within its range. What does
 * not pass is a `ChunkFault`, never an exception.
 */
import {
  CHUNK_BYTES_LIMIT,
  CHUNK_CHANNELS_LIMIT,
  CHUNK_CODECS,
  CHUNK_FRAMES_LIMIT,
  CHUNK_KINDS,
  CHUNK_RAW_BYTES_LIMIT,
  CHUNK_VERSION,
  ChunkFault,
  type ChunkHeader,
  CLOCK_SOURCES,
} from "./chunk-header.ts";
import { fieldsOf } from "./chunk-header-array.ts";
import { feedOfDictionary } from "./dictionary.ts";

/** Their headers are maps. */
const MAP_VERSIONS: readonly unknown[] = [1, 2];

type Check = (value: unknown) => boolean;

const whole =
  (max: number): Check =>
  (value) =>
    typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= max;
const text =
  (max: number): Check =>
  (value) =>
    typeof value === "string" && value.length <= max;
const oneOf =
  (...allowed: unknown[]): Check =>
  (value) =>
    allowed.includes(value);
const word = whole(0xffffffff);
const counter = whole(Number.MAX_SAFE_INTEGER);

const CHECKS: Record<keyof Required<ChunkHeader>, Check> = {
  version: word,
  kind: oneOf(...CHUNK_KINDS),
  collector: text(128),
  boot: counter,
  number: counter,
  previous: counter,
  oldest: counter,
  feed: text(64),
  stream: whole(0x7fffffff),
  session: text(64),
  firstSequence: counter,
  lastSequence: counter,
  firstSec: word,
  firstNsec: word,
  lastSec: word,
  lastNsec: word,
  clock: oneOf(...CLOCK_SOURCES),
  clockDoubtNs: (value) => value === undefined || counter(value),
  channels: (value) =>
    Array.isArray(value) && value.length <= CHUNK_CHANNELS_LIMIT && value.every(isChannel),
  frames: whole(CHUNK_FRAMES_LIMIT),
  codec: text(16),
  dictionary: text(128),
  rawBytes: whole(CHUNK_RAW_BYTES_LIMIT),
  bodyBytes: whole(CHUNK_BYTES_LIMIT),
  checksum: word,
  runs: (value) => Array.isArray(value) && value.length % 3 === 0 && value.every(counter),
  copies: counter,
  runsDropped: counter,
  repairs: (value) => value === undefined || hasCounters(value, "ticksNs", "snapshotNs"),
  snapshot: (value) => value === undefined || hasCounters(value, "part", "parts", "orders"),
  former: (value) => value === undefined || hasCounters(value, "boot", "oldest", "newest"),
  command: (value) => value === undefined || text(64)(value),
};
const NAMES = Object.keys(CHECKS) as (keyof ChunkHeader)[];

/** The header that a decoded MessagePack value is, or what is wrong with it. */
export function checkHeader(value: unknown): ChunkHeader | ChunkFault {
  if (typeof value !== "object" || value === null) {
    return new ChunkFault("bad_header", "it is no array and no map");
  }
  const isArray = Array.isArray(value);
  const version: unknown = isArray ? value[0] : (value as Record<string, unknown>).version;
  const isKnown = isArray ? version === CHUNK_VERSION : MAP_VERSIONS.includes(version);
  if (!isKnown) return new ChunkFault("bad_version", `version ${String(version).slice(0, 20)}`);
  const fields = isArray ? fieldsOf(value) : (value as Record<string, unknown>);
  for (const name of NAMES) {
    if (!CHECKS[name](fields[name])) return new ChunkFault("bad_header", `field ${name}`);
  }
  const header = fields as unknown as ChunkHeader;
  const { dictionary, feed } = header;
  if (dictionary !== "" && feedOfDictionary(dictionary) !== feed) {
    return new ChunkFault("bad_header", "field dictionary: it is not of the chunk's feed");
  }
  return CHUNK_CODECS.includes(header.codec)
    ? header
    : new ChunkFault("bad_codec", `codec ${header.codec}`);
}

function hasCounters(value: unknown, ...names: string[]): boolean {
  if (typeof value !== "object" || value === null) return false;
  const fields = value as Record<string, unknown>;
  return names.every((name) => counter(fields[name]));
}

function isChannel(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const channel = value as Record<string, unknown>;
  return (
    text(64)(channel.group) &&
    whole(0xffff)(channel.port) &&
    text(64)(channel.feed) &&
    whole(0x7fffffff)(channel.stream) &&
    (channel.line === -1 || whole(0xff)(channel.line)) &&
    (channel.sequenceField === undefined || isSequenceField(channel.sequenceField))
  );
}

function isSequenceField(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const field = value as Record<string, unknown>;
  if (!whole(0xffff)(field.offset) || !oneOf(1, 2, 4, 8)(field.width)) return false;
  if (typeof field.littleEndian !== "boolean") return false;
  if (field.count === undefined) return true;
  if (typeof field.count !== "object" || field.count === null) return false;
  const count = field.count as Record<string, unknown>;
  return whole(0xffff)(count.offset) && oneOf(1, 2, 4, 8)(count.width);
}
