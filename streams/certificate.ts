/**
 * The certificate of one epoch of a stream: what came, was recovered and is lost, a digest
 * of the messages, and what each line did. Plain values in a fixed order, so that two
 * certificates of the same traffic compare as text.
 *
 *   delivered + recovered + lost + held = high_water_mark - first + 1
 *
 * What a snapshot repaired is recovered, as everywhere in the house, and named besides: its messages
 * are not in the digest.
 *
 * Sequence numbers, times and digests are strings, counts are numbers.
 */
import type { Feed } from "../feed/feed.ts";
import { formatNs } from "../feed/time.ts";
import type { Run, Runs } from "./certificate-runs.ts";
import type { EpochTally, Tallies } from "./certificate-tally.ts";
import { exchangeDay } from "./certificate-time.ts";
import { textDigest } from "./digest.ts";
import { type EpochRow, type LineAccount, lineName } from "./ledger.ts";
import type { Sequencer } from "./sequencer.ts";
import type { Stream } from "./stream.ts";

export const CERTIFICATE_VERSION = 1;
/** Lines of a stream at most. */
const LINES = 16;
const NOTHING: LineAccount = {
  line: 0,
  packets: 0,
  messages: 0,
  firstArrivals: 0,
  duplicates: 0,
  conflicts: 0,
  late: 0,
  loss: 0,
  leadMeanNs: Number.NaN,
  leadMaxNs: Number.NaN,
};

/** First and last number, both included. */
export type RangeText = readonly [from: string, to: string];

/** `null`: not known, since copies of messages were left out before they came here. */
export interface CertificateLine {
  readonly line: string;
  readonly packets: number | null;
  readonly messages: number | null;
  readonly first_arrivals: number;
  readonly duplicates: number | null;
  readonly conflicts: number;
  readonly late: number;
  /** Numbers of the epoch that it did not bring. */
  readonly loss: number | null;
  /** How much earlier than the other copy, ns of capture time; null too where there was none. */
  readonly lead_mean_ns: number | null;
  readonly lead_max_ns: number | null;
}

export interface Certificate {
  /** Version of this form. */
  readonly certificate: number;
  /** Who wrote it, with its version. */
  readonly tool: string;
  readonly feed: string;
  readonly stream: number;
  readonly epoch: number;
  readonly session: string;
  /** Date at the exchange when the epoch began; null where nothing tells. */
  readonly day: string | null;
  readonly first: string;
  readonly high_water_mark: string;
  /** Null for an epoch that was seen from its number 1. */
  readonly joined_late_from: string | null;
  readonly delivered: number;
  readonly recovered: number;
  readonly lost: number;
  /** Numbers whose gap is still open, or that wait behind it; 0 once the input has ended. */
  readonly held: number;
  readonly delivered_ranges: readonly RangeText[];
  readonly recovered_ranges: readonly RangeText[];
  readonly lost_ranges: readonly RangeText[];
  /** Of the recovered: numbers that only a snapshot brought, whose messages never came. */
  readonly by_snapshot: number;
  readonly by_snapshot_ranges: readonly RangeText[];
  /** Ranges that did not fit in the lists. */
  readonly ranges_left_out: number;
  readonly messages: number;
  /** Messages by type, as the feed's table names it; a type that is not in it as `0x41`. */
  readonly types: Readonly<Record<string, number>>;
  /** Exchange time of the first and the last message, ns since 1970 UTC. */
  readonly first_event: string | null;
  readonly last_event: string | null;
  readonly digest: string;
  /** The digest of each block of numbers; the first block begins at `from`. */
  readonly digest_blocks: {
    readonly numbers: number;
    readonly from: string;
    readonly digests: readonly string[];
  };
  readonly lines: readonly CertificateLine[];
  /** Digest of all the above: a certificate that was changed by hand does not hold. */
  readonly seal: string;
}

/** Where an epoch stands, beside its tally. */
export interface EpochStanding {
  /** The exchange's stream id. */
  readonly stream: number;
  readonly session: string;
  /** Highest number seen or named. */
  readonly highWaterMark: number;
  /** Everything up to it is delivered or lost. */
  readonly position: number;
  readonly lines: readonly LineAccount[];
}

export interface CertificateOptions {
  /** `edgebook 0.1.0` */
  readonly tool: string;
  /**
   * Set where copies were left out on the way (chunks hold the first copy of a message only): the
   * numbers that a line brought in the stream's only epoch; undefined where that is not known.
   */
  readonly brought?: (stream: number, line: number) => number | undefined;
}

/** Pure: the same tally and standing give the same certificate. */
export function certificateOf(
  feed: Feed,
  tally: EpochTally,
  standing: EpochStanding,
  options: CertificateOptions,
): Certificate {
  const { first, firstEvent, lastEvent, digest } = tally;
  const { stream, session, position, highWaterMark } = standing;
  const { delivered, recovered, bySnapshot, lost } = tally.ranges(position);
  const blocks = digest.toBlocks();
  return sealed({
    certificate: CERTIFICATE_VERSION,
    tool: options.tool,
    feed: feed.id,
    stream,
    epoch: tally.epoch,
    session,
    day: dayOf(feed, tally),
    first: String(first),
    high_water_mark: String(highWaterMark),
    joined_late_from: first > 1 ? String(first) : null,
    delivered: delivered.total,
    recovered: recovered.total,
    lost: lost.total,
    held: highWaterMark - position,
    delivered_ranges: rangeTexts(delivered),
    recovered_ranges: rangeTexts(recovered),
    lost_ranges: rangeTexts(lost),
    by_snapshot: bySnapshot.total,
    by_snapshot_ranges: rangeTexts(bySnapshot),
    ranges_left_out: delivered.leftOut + recovered.leftOut + lost.leftOut + bySnapshot.leftOut,
    messages: tally.messages,
    types: typeCounts(feed, tally.types),
    first_event: formatNs(firstEvent.sec, firstEvent.nsec) || null,
    last_event: formatNs(lastEvent.sec, lastEvent.nsec) || null,
    digest: digest.text,
    digest_blocks: { ...blocks, from: String(blocks.from) },
    lines: [...standing.lines, ...linesLeftOut(standing, options)]
      .sort((a, b) => a.line - b.line)
      .map((line) => lineOf(line, stream, highWaterMark - first + 1, options)),
  });
}

/** Every epoch that a sequencer's streams have had, by stream id, then epoch. */
export function certificatesOf(
  feed: Feed,
  sequencer: Sequencer,
  tallies: Tallies,
  options: CertificateOptions,
): Certificate[] {
  const rows = new Map<string, EpochRow>();
  for (const row of sequencer.ledger.epochs.list()) rows.set(`${row.stream}/${row.epoch}`, row);
  const found: Certificate[] = [];
  for (const stream of sequencer.streams) {
    for (const tally of tallies.streams[stream.index] ?? []) {
      const row = rows.get(`${stream.id}/${tally.epoch}`);
      if (row === undefined || Number.isNaN(tally.first)) continue;
      const several = stream.epoch > 0 && options.brought !== undefined;
      const unknown = several ? { ...options, brought: () => undefined } : options;
      found.push(certificateOf(feed, tally, standingOf(stream, row), unknown));
    }
  }
  return found.sort((a, b) => a.stream - b.stream || a.epoch - b.epoch);
}

/** As text that is the same for the same values: one line, in the order of the fields. */
export function certificateText(certificate: Certificate): string {
  return JSON.stringify(certificate);
}

/** The seal that the certificate should have. */
export function sealOf(certificate: Omit<Certificate, "seal">): string {
  return textDigest(JSON.stringify(sortedKeys({ ...certificate, seal: "" })));
}

function sealed(body: Omit<Certificate, "seal">): Certificate {
  return { ...body, seal: sealOf(body) };
}

function standingOf(stream: Stream, row: EpochRow): EpochStanding {
  const isOver = row.epoch !== stream.epoch;
  return {
    stream: stream.id,
    session: row.session,
    highWaterMark: isOver ? row.highWaterMark : stream.highWaterMark,
    position: isOver ? row.highWaterMark : stream.position,
    lines: row.lines ?? stream.lines.map((line) => line.account()),
  };
}

/** Lines of which no frame came here, since another one was always first. */
function linesLeftOut({ stream, lines }: EpochStanding, options: CertificateOptions) {
  const found: LineAccount[] = [];
  for (let line = 0; line < LINES && options.brought !== undefined; line++) {
    if (lines.some((account) => account.line === line)) continue;
    if ((options.brought(stream, line) ?? 0) > 0) found.push({ ...NOTHING, line });
  }
  return found;
}

function lineOf(
  account: LineAccount,
  stream: number,
  numbers: number,
  { brought }: CertificateOptions,
): CertificateLine {
  const known = <Value>(value: Value) => (brought === undefined ? value : null);
  const told = brought?.(stream, account.line);
  const loss = told === undefined ? known(account.loss) : Math.max(0, numbers - told);
  return {
    line: lineName(account.line),
    packets: known(account.packets),
    messages: told ?? known(account.messages),
    first_arrivals: account.firstArrivals,
    duplicates: known(account.duplicates),
    conflicts: account.conflicts,
    late: account.late,
    loss,
    lead_mean_ns: known(whole(account.leadMeanNs)),
    lead_max_ns: known(whole(account.leadMaxNs)),
  };
}

function whole(ns: number): number | null {
  return Number.isNaN(ns) ? null : Math.round(ns);
}

function dayOf(feed: Feed, { firstEvent, captureSec }: EpochTally): string | null {
  const sec = Number.isNaN(firstEvent.sec) ? captureSec : firstEvent.sec;
  return sec > 0 ? exchangeDay(feed.id, sec) : null;
}

function typeCounts(feed: Feed, types: Float64Array): Record<string, number> {
  const names = new Map(feed.table.messages.map(({ type }) => [type.charCodeAt(0) & 0xff, type]));
  const counts: Record<string, number> = {};
  types.forEach((count, byte) => {
    if (count === 0) return;
    counts[names.get(byte) ?? `0x${byte.toString(16).padStart(2, "0")}`] = count;
  });
  return counts;
}

function rangeTexts(runs: Runs): RangeText[] {
  return runs.toArray().map(([from, to]: Run) => [String(from), String(to)]);
}

function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortedKeys(inner)]));
}
