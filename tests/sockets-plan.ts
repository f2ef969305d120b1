/** What is done to the processes of a run over real sockets, and when: all from one seed. */
import { Random } from "../faults/random.ts";

export type Victim = "collector" | "second collector" | "book" | "broker";

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
  /** On the same lines; each with a spool of its own. */
  readonly collectors: 1 | 2;
  /** Collectors are told where the exchange answers. */
  readonly asksExchange: boolean;
  /** Datagrams that each line loses, in percent. */
  readonly lossPercent: number;
}

const TRADING_MS = 3000;
const VICTIMS = ["collector", "book", "broker"] as const;
const SECOND = "second collector";
const MORE_KILLS = 4;
/** Some come after the last message, when only heartbeats tell of it. */
const LATE_MS = 700;

/** Each process is killed once at least, at moments that nobody chose. */
export function planOf(seed: number): SocketsPlan {
  const random = new Random(seed);
  const collectors = random.chance(0.4) ? 2 : 1;
  const present: readonly Victim[] = collectors === 1 ? VICTIMS : [...VICTIMS, SECOND];
  const more = Array.from({ length: random.below(MORE_KILLS) }, () => {
    return present[random.below(present.length)] as Victim;
  });
  const victims = [...present, ...more];
  const kills = victims.map((victim) => ({ victim, atMs: random.below(TRADING_MS + LATE_MS) }));
  kills.sort((a, b) => a.atMs - b.atMs);
  const capture = random.chance(0.5) ? "usual" : "socket";
  const lossPercent = random.below(4);
  const tradingMs = TRADING_MS;
  return { seed, tradingMs, kills, capture, collectors, asksExchange: true, lossPercent };
}

export function planText({ kills, lossPercent, capture, collectors }: SocketsPlan): string {
  const killed = kills.map(({ victim, atMs }) => `kill(${victim}, ${(atMs / 1000).toFixed(2)} s)`);
  const collected = `collectors(${collectors}) capture(${capture})`;
  return `${killed.join(" ")} loss(A+B, ${lossPercent} %) ${collected}`;
}
