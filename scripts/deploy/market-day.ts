/**
 * Messages a second over a day of the exchange: more at the open and the close, bursts of six times
 * the average all day, quiet pre-open. The average over the continuous session is what is asked for.
 */
export const DAY_SECONDS = 86_400;

export interface DayShape {
  /** Seconds since midnight. */
  readonly preOpen: number;
  readonly open: number;
  readonly close: number;
  /** Messages a second, over the continuous session. */
  readonly average: number;
  /** Of a burst, as a multiple of the average. */
  readonly burst: number;
}

/** Start of a burst after the open and how long it lasts, seconds. */
const BURSTS: readonly (readonly [after: number, seconds: number])[] = [
  [0, 150],
  [900, 60],
  [2700, 45],
  [5400, 120],
  [5700, 120],
  [9000, 30],
  [12_600, 180],
  [15_300, 60],
  [18_000, 60],
  [20_700, 90],
  [22_200, 240],
];

export function messagesPerSecond(shape: DayShape): Float64Array {
  const rate = new Float64Array(DAY_SECONDS);
  const length = shape.close - shape.open;
  const isBurst = new Uint8Array(length);
  for (const [after, seconds] of BURSTS) isBurst.fill(1, after, Math.min(length, after + seconds));
  const quiet = Float64Array.from({ length }, (_, at) => {
    const part = at / length;
    return 0.6 + 1.2 * (2 * part - 1) ** 4;
  });
  let bursting = 0;
  let weight = 0;
  for (let at = 0; at < length; at++) {
    if (isBurst[at] === 1) bursting++;
    else weight += quiet[at];
  }
  const peak = shape.average * shape.burst;
  const rest = (shape.average * length - peak * bursting) / weight;
  for (let at = 0; at < length; at++) {
    rate[shape.open + at] = isBurst[at] === 1 ? peak : rest * quiet[at];
  }
  rate.fill(shape.average / 20, shape.preOpen, shape.open);
  return rate;
}
