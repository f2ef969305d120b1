/** The gap ledger as rows: for `certify --ledger` and the book service's `/v1/gaps`. */
import type { GapRow } from "./ledger.ts";
import type { Sequencer } from "./sequencer.ts";

/** Sequence numbers and times (ns since 1970 UTC, of the capture's clock) are strings. */
export interface GapJson {
  readonly feed: string;
  readonly stream: number;
  readonly epoch: number;
  readonly from: string;
  readonly to: string;
  readonly count: number;
  /** `held`, `repaired` or `lost`. */
  readonly state: string;
  readonly detected: string | null;
  /** When it was repaired or given up; null while it is held. */
  readonly closed: string | null;
  /** Who did not bring it. */
  readonly cause: string;
  /** What ended the wait: `filled`, `window`, `buffer`, `epoch`, `end`. */
  readonly end: string | null;
  /** `line A`, `recovery`; null where nothing did. */
  readonly repaired_by: string | null;
}

export const GAP_COLUMNS = [
  "feed",
  "stream",
  "epoch",
  "from",
  "to",
  "count",
  "state",
  "detected",
  "closed",
  "cause",
  "end",
  "repaired_by",
] as const satisfies readonly (keyof GapJson)[];

/** Open gaps, then those that are closed, lost ones first. */
export function gapsOf(feed: string, sequencer: Sequencer): GapJson[] {
  const rows = [...sequencer.openGaps(), ...sequencer.ledger.closedGaps()];
  return rows.map((row) => gapJson(feed, row));
}

export function gapJson(feed: string, row: GapRow): GapJson {
  return {
    feed,
    stream: row.stream,
    epoch: row.epoch,
    from: String(row.from),
    to: String(row.to),
    count: row.to - row.from + 1,
    state: row.state,
    detected: nsText(row.detectedNs),
    closed: nsText(row.closedNs),
    cause: row.cause,
    end: row.end,
    repaired_by: row.repairedBy,
  };
}

/** A double of nanoseconds is exact within 256: enough to find the place. */
function nsText(ns: number): string | null {
  return Number.isFinite(ns) ? BigInt(Math.round(ns)).toString() : null;
}
