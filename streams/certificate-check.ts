/**
 * Holds certificates against each other, and against themselves.
 *
 * What the exchange said is compared always: numbers, losses, types, times, digest. How it came
 * (lines, what had to be recovered, the session's name) is compared only if asked for, since the
 * same messages may well have come another way.
 */
import type { Certificate, RangeText } from "./certificate.ts";
import { sealOf } from "./certificate.ts";
import { type Run, runsText, runsWithout } from "./certificate-runs.ts";
import { addedDigests } from "./digest.ts";

export interface Difference {
  readonly feed: string;
  readonly stream: number;
  readonly epoch: number;
  readonly day: string | null;
  /** The field of the certificate; empty where a whole certificate is missing. */
  readonly field: string;
  /** What differs, as a sentence. */
  readonly what: string;
}

/** Names of the two sides in sentences. */
export interface Sides {
  readonly ours: string;
  readonly theirs: string;
}

export interface CompareOptions {
  /** Also how the messages came. */
  readonly strict: boolean;
  readonly sides: Sides;
}

const PLAIN_FIELDS = [
  "day",
  "first",
  "high_water_mark",
  "lost",
  "held",
  "by_snapshot",
  "ranges_left_out",
  "messages",
  "first_event",
  "last_event",
] as const satisfies readonly (keyof Certificate)[];
const MISSING_RANGES = ["lost_ranges", "by_snapshot_ranges"] as const;
const STRICT_FIELDS = ["session", "delivered", "recovered"] as const;
const STRICT_RANGES = ["delivered_ranges", "recovered_ranges"] as const;

export function compareCertificates(
  ours: readonly Certificate[],
  theirs: readonly Certificate[],
  options: CompareOptions,
): Difference[] {
  const left = [...theirs];
  const found: Difference[] = [];
  const pairs: [Certificate, Certificate | undefined][] = [];
  const alone: Certificate[] = [];
  for (const mine of ours) {
    const same = takeFrom(left, (other) => isSameEpoch(mine, other) && mine.day === other.day);
    if (same) pairs.push([mine, same]);
    else alone.push(mine);
  }
  for (const mine of alone) pairs.push([mine, takeFrom(left, (it) => isSameEpoch(mine, it))]);
  for (const [mine, other] of pairs) {
    if (other) found.push(...compareEpochs(mine, other, options));
    else found.push(difference(mine, "", `is only in ${options.sides.ours}`));
  }
  for (const other of left) {
    found.push(difference(other, "", `is only in ${options.sides.theirs}`));
  }
  return found;
}

/** What is wrong with a certificate by itself: its seal, or figures that contradict each other. */
export function contradictions(certificate: Certificate): Difference[] {
  const found: Difference[] = [];
  const wrong: Complain = (field, what) => found.push(difference(certificate, field, what));
  checkNumbers(certificate, wrong);
  checkMessages(certificate, wrong);
  if (sealOf(certificate) !== certificate.seal) {
    wrong("seal", "does not hold: something was changed after the certificate was written");
  }
  return found;
}

type Complain = (field: string, what: string) => void;

function checkNumbers(certificate: Certificate, wrong: Complain): void {
  const { first, high_water_mark, delivered, recovered, lost, held } = certificate;
  const numbers = Number(high_water_mark) - Number(first) + 1;
  const settled = delivered + recovered + lost;
  if (settled + held !== numbers) {
    wrong("high_water_mark", `does not add up: ${settled + held} numbers told of, of ${numbers}`);
  }
  if (certificate.joined_late_from !== (Number(first) > 1 ? first : null)) {
    wrong("joined_late_from", `does not go with the first number, ${first}`);
  }
  if (certificate.ranges_left_out > 0) return;
  const all: Run[] = [];
  for (const name of ["delivered", "recovered", "lost", "by_snapshot"] as const) {
    const runs = runsOf(certificate[`${name}_ranges`]);
    if (name !== "by_snapshot") all.push(...runs);
    const listed = countOf(runs);
    if (listed !== certificate[name]) {
      wrong(name, `is ${certificate[name]}, but its ranges hold ${listed} numbers`);
    }
  }
  const notRecovered = runsWithout(
    runsOf(certificate.by_snapshot_ranges),
    runsOf(certificate.recovered_ranges),
  );
  if (notRecovered.length > 0) {
    wrong("by_snapshot_ranges", `hold ${runsText(notRecovered)}, which were not recovered`);
  }
  let next = Number(first);
  for (const [from, to] of all.sort((a, b) => a[0] - b[0])) {
    if (from !== next) {
      wrong("ranges", `do not meet at ${next}`);
      return;
    }
    next = to + 1;
  }
}

function checkMessages(certificate: Certificate, wrong: Complain): void {
  const { types, messages, digest, digest_blocks: blocks } = certificate;
  const typed = Object.values(types).reduce((total, count) => total + count, 0);
  if (typed > 0 && typed !== messages) {
    wrong("types", `are ${typed} messages, but there are ${messages}`);
  }
  if (addedDigests(blocks.digests) !== digest) wrong("digest", "is not the sum of its blocks");
  const isPower = Number.isInteger(Math.log2(blocks.numbers));
  if (!isPower || Number(blocks.from) % blocks.numbers !== 0) {
    wrong("digest_blocks", "do not begin where blocks of their size begin");
  }
}

/** `nse-fo stream 1 epoch 0 (2026-05-28): lost is 0 here, 4 there` */
export function differenceText({ feed, stream, epoch, day, field, what }: Difference): string {
  const where = `${feed} stream ${stream} epoch ${epoch} (${day ?? "day unknown"})`;
  return field === "" ? `${where} ${what}` : `${where}: ${field} ${what}`;
}

function compareEpochs(ours: Certificate, theirs: Certificate, options: CompareOptions) {
  const { strict, sides } = options;
  const found: Difference[] = [];
  const wrong: Complain = (field, what) => found.push(difference(ours, field, what));
  const compare = (field: string, a: unknown, b: unknown) => {
    if (a !== b) wrong(field, `is ${shown(a)} in ${sides.ours}, ${shown(b)} in ${sides.theirs}`);
  };
  for (const field of PLAIN_FIELDS) compare(field, ours[field], theirs[field]);
  for (const field of MISSING_RANGES) compareRanges(ours, theirs, field, sides, wrong);
  for (const type of typesOf(ours, theirs)) {
    compare(`types.${type}`, ours.types[type] ?? 0, theirs.types[type] ?? 0);
  }
  if (ours.digest !== theirs.digest) {
    const where = differingBlocks(ours, theirs);
    const named = where.length > 0 ? `: messages differ within ${runsText(where)}` : "";
    wrong(
      "digest",
      `is ${ours.digest} in ${sides.ours}, ${theirs.digest} in ${sides.theirs}${named}`,
    );
  }
  if (!strict) return found;
  for (const field of STRICT_FIELDS) compare(field, ours[field], theirs[field]);
  for (const field of STRICT_RANGES) compareRanges(ours, theirs, field, sides, wrong);
  compareLines(ours, theirs, compare);
  return found;
}

function compareRanges(
  ours: Certificate,
  theirs: Certificate,
  field: (typeof MISSING_RANGES)[number] | (typeof STRICT_RANGES)[number],
  sides: Sides,
  wrong: Complain,
): void {
  const [a, b] = [runsOf(ours[field]), runsOf(theirs[field])];
  const onlyOurs = runsWithout(a, b);
  const onlyTheirs = runsWithout(b, a);
  if (onlyOurs.length > 0) wrong(field, `hold ${runsText(onlyOurs)} only in ${sides.ours}`);
  if (onlyTheirs.length > 0) wrong(field, `hold ${runsText(onlyTheirs)} only in ${sides.theirs}`);
}

function compareLines(
  ours: Certificate,
  theirs: Certificate,
  compare: (field: string, a: unknown, b: unknown) => void,
): void {
  const names = new Set([...ours.lines, ...theirs.lines].map(({ line }) => line));
  for (const name of [...names].sort()) {
    const a = ours.lines.find(({ line }) => line === name);
    const b = theirs.lines.find(({ line }) => line === name);
    if (!a || !b) compare(`lines.${name}`, a ? "there" : "missing", b ? "there" : "missing");
    else {
      for (const field of Object.keys(a) as (keyof typeof a)[]) {
        compare(`lines.${name}.${field}`, a[field], b[field]);
      }
    }
  }
}

/** Numbers within which messages differ, by blocks of the coarser of the two. */
function differingBlocks(ours: Certificate, theirs: Certificate): Run[] {
  const numbers = Math.max(ours.digest_blocks.numbers, theirs.digest_blocks.numbers);
  const a = blockSums(ours, numbers);
  const b = blockSums(theirs, numbers);
  const lowest = Math.min(Number(ours.first), Number(theirs.first));
  const highest = Math.max(Number(ours.high_water_mark), Number(theirs.high_water_mark));
  const nothing = addedDigests([]);
  const blocks = [...new Set([...a.keys(), ...b.keys()])].sort((x, y) => x - y);
  const runs: [number, number][] = [];
  for (const block of blocks) {
    if ((a.get(block) ?? nothing) === (b.get(block) ?? nothing)) continue;
    const from = Math.max(lowest, block * numbers);
    const to = Math.min(highest, (block + 1) * numbers - 1);
    const last = runs.at(-1);
    if (last && last[1] === from - 1) last[1] = to;
    else runs.push([from, to]);
  }
  return runs;
}

function blockSums({ digest_blocks: blocks }: Certificate, numbers: number): Map<number, string> {
  const sums = new Map<number, string>();
  blocks.digests.forEach((digest, at) => {
    const block = Math.floor((Number(blocks.from) + at * blocks.numbers) / numbers);
    const before = sums.get(block);
    sums.set(block, before === undefined ? digest : addedDigests([before, digest]));
  });
  return sums;
}

function typesOf(a: Certificate, b: Certificate): string[] {
  return [...new Set([...Object.keys(a.types), ...Object.keys(b.types)])].sort();
}

function isSameEpoch(a: Certificate, b: Certificate): boolean {
  return a.feed === b.feed && a.stream === b.stream && a.epoch === b.epoch;
}

function takeFrom<Row>(rows: Row[], fits: (row: Row) => boolean): Row | undefined {
  const at = rows.findIndex(fits);
  return at < 0 ? undefined : rows.splice(at, 1)[0];
}

function runsOf(ranges: readonly RangeText[]): Run[] {
  return ranges.map(([from, to]) => [Number(from), Number(to)]);
}

function countOf(runs: readonly Run[]): number {
  return runs.reduce((total, [from, to]) => total + to - from + 1, 0);
}

function difference(certificate: Certificate, field: string, what: string): Difference {
  const { feed, stream, epoch, day } = certificate;
  return { feed, stream, epoch, day, field, what };
}

function shown(value: unknown): string {
  return value === null ? "unknown" : String(value);
}
