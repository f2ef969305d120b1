/**
 * A trading day of one workload: what arrives, how many replicas are ready, how far behind they are.
 * Seconds are whole; a pod that starts takes nothing until it is ready, and a group whose members
 * change takes nothing while it deals out its partitions anew.
 */
import { Autoscaler } from "./autoscaler.ts";
import { DAY_SECONDS } from "./market-day.ts";
import type { WorkloadNumbers } from "./plan-numbers.ts";

export interface DayOptions {
  /** Of the arriving messages, by second of the day. */
  readonly arriving: Float64Array;
  /** The fullest member has so many times its fair share, and what waits waits for it. */
  readonly skew: number;
  readonly rebalanceSeconds: number;
}

export interface Day {
  /** By second of the day: messages that wait, replicas wanted, replicas at work. */
  readonly lag: Float64Array;
  readonly wanted: Uint16Array;
  readonly ready: Uint16Array;
  readonly lagMax: number;
  /** The longest that lag stood, seconds. */
  readonly behindSecondsMax: number;
  /** Messages that wait when the day ends. */
  readonly lagAtEnd: number;
}

export function planDay(of: WorkloadNumbers, options: DayOptions): Day {
  const lag = new Float64Array(DAY_SECONDS);
  const wanted = new Uint16Array(DAY_SECONDS);
  const ready = new Uint16Array(DAY_SECONDS);
  const scaler = new Autoscaler(of);
  /** Second from which each pod is ready. */
  const pods: number[] = [];
  let waiting = 0;
  let pausedUntil = 0;
  let before = 0;
  let behindSince = -1;
  let lagMax = 0;
  let behindSecondsMax = 0;
  for (let at = 0; at < DAY_SECONDS; at++) {
    scaler.step(at, waiting / of.messagesPerRecord);
    while (pods.length < scaler.replicas) pods.push(at + of.startSeconds);
    pods.length = scaler.replicas;
    const working = pods.filter((from) => from <= at).length;
    if (working !== before) pausedUntil = at + options.rebalanceSeconds;
    before = working;
    const isPaused = at < pausedUntil;
    const done = isPaused ? 0 : (working * of.messagesPerSecond) / options.skew;
    waiting = Math.max(0, waiting + options.arriving[at] - done);
    if (waiting === 0) behindSince = -1;
    else if (behindSince < 0) behindSince = at;
    if (behindSince >= 0) behindSecondsMax = Math.max(behindSecondsMax, at - behindSince);
    lagMax = Math.max(lagMax, waiting);
    lag[at] = waiting;
    wanted[at] = scaler.replicas;
    ready[at] = working;
  }
  return { lag, wanted, ready, lagMax, behindSecondsMax, lagAtEnd: waiting };
}
