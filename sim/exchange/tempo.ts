/**
 * How busy the market is at a moment: calm, as usual, or a burst of milliseconds. All streams of
 * one seed share the schedule, since news strikes all of them. The factor's mean over time is 1.
 */
import type { Random } from "../../faults/random.ts";

interface Mood {
  readonly factor: number;
  readonly meanNs: number;
}
const CALM: Mood = { factor: 0.3, meanNs: 2e9 };
const USUAL: Mood = { factor: 1, meanNs: 1e9 };
const BURST: Mood = { factor: 12, meanNs: 2e7 };
/** After the usual there is a burst as often as not. */
const BURST_CHANCE = 0.5;
/** Brings the mean of usual, then calm or burst, to 1. */
const SCALE =
  (USUAL.meanNs + (CALM.meanNs + BURST.meanNs) * BURST_CHANCE) /
  (USUAL.meanNs * USUAL.factor +
    (CALM.meanNs * CALM.factor + BURST.meanNs * BURST.factor) * BURST_CHANCE);

export class Tempo {
  private readonly random: Random;
  private readonly isEven: boolean;
  private mood = USUAL;
  private untilNs: number;

  /** @param isEven no bursts and no calm: the factor is always 1 */
  constructor(random: Random, isEven: boolean) {
    this.random = random;
    this.isEven = isEven;
    this.untilNs = random.exponential(USUAL.meanNs);
  }

  /** The rate's factor at `nowNs`, which never goes back. */
  factorAt(nowNs: number): number {
    if (this.isEven) return 1;
    while (nowNs >= this.untilNs) {
      if (this.mood !== USUAL) this.mood = USUAL;
      else this.mood = this.random.chance(BURST_CHANCE) ? BURST : CALM;
      this.untilNs += this.random.exponential(this.mood.meanNs);
    }
    return this.mood.factor * SCALE;
  }
}
