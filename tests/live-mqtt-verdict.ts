/** What a live run must show, as complaints: none is a pass. Serves the small tests and the proof. */
import { bookDifferences, GAP_ROWS, type LiveOptions, type LiveRun } from "./live-mqtt-run.ts";

/** Generous: tests of the whole house run on two cores beside it. */
const PACE_P50_MS = 25;
const PACE_P99_MS = 250;
const SHOWN = 3;

export function complaintsOf(run: LiveRun, { speed, stopped }: LiveOptions): string[] {
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
  if (factor > 0) complaints.push(...paceComplaints(run, factor));
  return complaints;
}

function paceComplaints({ offPaceNs, piece, replayed }: LiveRun, factor: number): string[] {
  const complaints: string[] = [];
  if (offPaceNs.length !== piece.frames) {
    return [`arrival times of ${offPaceNs.length} frames, not of ${piece.frames}`];
  }
  const p50 = quantileMs(offPaceNs, 0.5);
  const p99 = quantileMs(offPaceNs, 0.99);
  if (p50 > PACE_P50_MS) complaints.push(`half of the frames are more than ${p50} ms off`);
  if (p99 > PACE_P99_MS) complaints.push(`one frame in a hundred is more than ${p99} ms off`);
  const seconds = (piece.offsetsNs.at(-1) ?? 0) / 1e9 / factor;
  if (Math.abs(replayed.seconds - seconds) > 0.5) {
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
