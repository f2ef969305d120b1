/** What is done to the processes of a run over real sockets, and when: all from one seed. */
import { Random } from "../faults/random.ts";

export type Victim = "collector" | "book" | "broker";

export interface Kill {
  readonly victim: Victim;
  /** After the exchange's first message, ms. */
  readonly atMs: number;
}

export interface SocketsPlan {
  readonly seed: number;
  /** How long the exchange trades; then come heartbeats only. */
  readonly tradingMs: number;
  /** By their time. */
  readonly kills: readonly Kill[];
  readonly capture: "usual" | "socket";
  /** Datagrams that each line loses, in percent. */
  readonly lossPercent: number;
}

const TRADING_MS = 3000;
const VICTIMS = ["collector", "book", "broker"] as const;
const MORE_KILLS = 4;
/** Some come after the last message, when only heartbeats tell of it. */
const LATE_MS = 700;

/** Each process is killed once at least, at moments that nobody chose. */
export function planOf(seed: number): SocketsPlan {
  const random = new Random(seed);
  const more = random.below(MORE_KILLS);
  const victims = [...VICTIMS, ...Array.from({ length: more }, () => VICTIMS[random.below(3)])];
  const kills = victims.map((victim) => ({ victim, atMs: random.below(TRADING_MS + LATE_MS) }));
  kills.sort((a, b) => a.atMs - b.atMs);
  const capture = random.chance(0.5) ? "usual" : "socket";
  const lossPercent = random.below(4);
  return { seed, tradingMs: TRADING_MS, kills, capture, lossPercent };
}

export function planText({ kills, lossPercent, capture }: SocketsPlan): string {
  const killed = kills.map(({ victim, atMs }) => `kill(${victim}, ${(atMs / 1000).toFixed(2)} s)`);
  return `${killed.join(" ")} loss(A+B, ${lossPercent} %) capture(${capture})`;
}
