/** What a live run must show, as complaints: none is a pass. Serves the small tests and the proof. */
import { bookDifferences, GAP_ROWS, type LiveOptions, type LiveRun } from "./live-mqtt-run.ts";

/** How far off its pace a replay may be. */
export interface PaceBounds {
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** So much longer may all of it take. */
  readonly lateSeconds: number;
}

export const QUIET_PACE: PaceBounds = { p50Ms: 25, p99Ms: 250, lateSeconds: 0.5 };
/** A machine that does other things too is late by whatever these take. */
export const BUSY_PACE: PaceBounds = { p50Ms: 5_000, p99Ms: 20_000, lateSeconds: 20 };
/** No machine is early; clocks are compared. */
const EARLY_SECONDS = 0.1;
const SHOWN = 3;

export function complaintsOf(
  run: LiveRun,
  { speed, stopped }: LiveOptions,
  pace: PaceBounds = QUIET_PACE,
): string[] {
  const complaints: string[] = [];
  const same = (what: string, is: unknown, should: unknown) => {
    if (is !== should) complaints.push(`${what}: ${is}, not ${should}`);
  };
  const { served, collected, piece } = run;
  const { expected } = piece;
  same("datagrams sent", run.replayed.sent, piece.frames);
  same("delivered and lost at the centre", served.messages + served.lost, expected.messages);
  same("delivered and lost at the edge", collected.messages + collected.lost, expected.messages);
  same("lost at the centre", served.lost, collected.lost);
  if (served.lostRows < GAP_ROWS) {
    same("numbers in lost rows of the ledger", served.lostInLedger, served.lost);
  }
  if (speed !== "max") same("lost", served.lost, 0);
  if (stopped && served.lost === 0) complaints.push("nothing was lost by a stopped collector");
  if (served.lost > 0) {
    same("state", served.state, "lost");
    same("doubtful", served.doubtful, true);
    return complaints;
  }
  same("state", served.state, "live");
  same("doubtful", served.doubtful, false);
  same("live orders", served.liveOrders, expected.liveOrders);
  same("instruments", served.instruments, expected.instruments);
  const differences = bookDifferences(run);
  same("books that differ", differences.length, 0);
  complaints.push(...differences.slice(0, SHOWN));
  const factor = Number(/^(\d+)x$/.exec(speed)?.[1]);
  if (factor > 0) complaints.push(...paceComplaints(run, factor, pace));
  return complaints;
}

function paceComplaints(
  { offPaceNs, piece, replayed }: LiveRun,
  factor: number,
  { p50Ms, p99Ms, lateSeconds }: PaceBounds,
): string[] {
  const complaints: string[] = [];
  if (offPaceNs.length !== piece.frames) {
    return [`arrival times of ${offPaceNs.length} frames, not of ${piece.frames}`];
  }
  const p50 = quantileMs(offPaceNs, 0.5);
  const p99 = quantileMs(offPaceNs, 0.99);
  if (p50 > p50Ms) complaints.push(`half of the frames are more than ${p50} ms off`);
  if (p99 > p99Ms) complaints.push(`one frame in a hundred is more than ${p99} ms off`);
  const seconds = (piece.offsetsNs.at(-1) ?? 0) / 1e9 / factor;
  const late = replayed.seconds - seconds;
  if (late > lateSeconds || late < -EARLY_SECONDS) {
    complaints.push(`it took ${replayed.seconds} s, not ${seconds} s`);
  }
  return complaints;
}

/** One line for people. */
export function summaryOf(run: LiveRun, { broker, capture, speed, stopped }: LiveOptions): string {
  const { served, piece, replayed, collected, offPaceNs } = run;
  const how = `${capture.name}, ${broker}, ${speed}${stopped ? ", collector stopped" : ""}`;
  const parts = [
    `${how}: ${piece.frames} datagrams in ${replayed.seconds.toFixed(2)} s`,
    `(${replayed.reached_per_second}/s), ${collected.chunks} chunks;`,
    `sent ${piece.expected.messages} = delivered ${served.messages} + lost ${served.lost};`,
    `${served.books.size} books compared, ${served.liveOrders} live orders`,
  ];
  if (offPaceNs.length > 0) {
    const [p50, p99, most] = [0.5, 0.99, 1].map((share) => quantileMs(offPaceNs, share).toFixed(2));
    parts.push(`; off pace p50 ${p50} ms, p99 ${p99} ms, most ${most} ms`);
  }
  return parts.join(" ").replace(" ;", ";");
}

/** In ms, of what lies within the share. */
function quantileMs(ns: readonly number[], share: number): number {
  const sorted = [...ns].sort((a, b) => a - b);
  return (sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? NaN) / 1e6;
}
