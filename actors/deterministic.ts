/**
 * The kernel on a virtual clock, with every choice drawn from one seeded source: who runs next, who
 * is held up and for how long, whose turn is struck down. One source in the same state gives the
 * same run. For tests and the simulator.
 */

import type { AnyRef, Effect } from "./actor.ts";
import { ActorError, timeFrom } from "./actor-error.ts";
import { Kernel } from "./kernel.ts";
import type { Scheduler } from "./scheduler.ts";

/** A seeded source; the `Random` of `faults/` is one. */
export interface Chance {
  /** An integer from 0, below `limit`. */
  below(limit: number): number;
  /** True with the probability `rate`. */
  chance(rate: number): boolean;
}

export interface Trouble {
  /** The probability that a turn is struck down at its end. */
  readonly killRate: number;
  /** The probability that an actor, when its turn has come, is held up first. */
  readonly delayRate: number;
  /** The longest delay, in nanoseconds. */
  readonly delayNs: number;
  /** Actors that are never struck; all may be if not given. */
  spares?(actor: AnyRef): boolean;
}

export const NO_TROUBLE: Trouble = { killRate: 0, delayRate: 0, delayNs: 1 };

/** Draws lots among the ready actors. Holds at most one number for each actor that is held up. */
export class SeededScheduler implements Scheduler {
  readonly #chance: Chance;
  readonly #trouble: Trouble;
  readonly #heldUntilNs = new Map<number, number>();
  /** Turns struck down. */
  kills = 0;
  delays = 0;

  constructor(chance: Chance, trouble: Trouble = NO_TROUBLE) {
    timeFrom(1, trouble.delayNs, "delayNs");
    this.#chance = chance;
    this.#trouble = trouble;
  }

  pick(ready: readonly AnyRef[], nowNs: number): number {
    const free: number[] = [];
    for (let place = 0; place < ready.length; place++) {
      const untilNs = this.#heldUntilNs.get(ready[place].id);
      if (untilNs === undefined || untilNs <= nowNs) free.push(place);
    }
    while (free.length > 0) {
      const drawn = this.#chance.below(free.length);
      const { id } = ready[free[drawn]];
      // A delay that has been served is not followed by another for the same turn.
      if (this.#heldUntilNs.delete(id) || !this.#chance.chance(this.#trouble.delayRate)) {
        return free[drawn];
      }
      this.delays++;
      this.#heldUntilNs.set(id, nowNs + 1 + this.#chance.below(this.#trouble.delayNs));
      free.splice(drawn, 1);
    }
    return -1;
  }

  strikes(actor: AnyRef): boolean {
    if (this.#trouble.spares?.(actor) || !this.#chance.chance(this.#trouble.killRate)) return false;
    this.kills++;
    return true;
  }

  /** When the first of those held up is free; Infinity if none is. */
  get nextTimeNs(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#heldUntilNs.values());
  }

  /** Forgets delays that have passed, also of actors that have ended meanwhile. */
  forgetBefore(nowNs: number): void {
    for (const [id, untilNs] of this.#heldUntilNs) {
      if (untilNs < nowNs) this.#heldUntilNs.delete(id);
    }
  }
}

/** A kernel, its scheduler and its clock, to be run until it rests. */
export class DeterministicRun {
  readonly kernel: Kernel;
  readonly scheduler: SeededScheduler;
  readonly effects: Effect[] = [];
  nowNs = 0;

  constructor(chance: Chance, trouble: Trouble = NO_TROUBLE) {
    this.scheduler = new SeededScheduler(chance, trouble);
    this.kernel = new Kernel({
      scheduler: this.scheduler,
      onEffect: (effect) => this.effects.push(effect),
    });
  }

  /** Makes at most `turns` turns at the present time. @returns how many were made */
  step(turns = 1): number {
    return this.kernel.step(this.nowNs, turns);
  }

  /** Lets time pass without a turn being waited for; what is due fires with the next step. */
  pass(durationNs: number): void {
    this.nowNs += timeFrom(0, durationNs, "durationNs");
  }

  /**
   * Runs, with time leaping to whatever comes next, until nobody has anything to do.
   * @param turnsLimit throws ActorError `ACTOR_UNSETTLED` beyond so many steps
   * @returns the number of turns
   */
  settle(turnsLimit = 100_000): number {
    let turns = 0;
    for (let steps = 0; steps < turnsLimit; steps++) {
      const made = this.step();
      turns += made;
      if (made > 0) continue;
      this.scheduler.forgetBefore(this.nowNs);
      const nextNs = this.#nextTimeNs();
      if (nextNs === Number.POSITIVE_INFINITY) return turns;
      this.nowNs = Math.max(this.nowNs, nextNs);
    }
    throw new ActorError("ACTOR_UNSETTLED", `still busy after ${turnsLimit} steps`);
  }

  #nextTimeNs(): number {
    const { timersNextNs } = this.kernel;
    return Math.min(timersNextNs, this.scheduler.nextTimeNs);
  }
}
