/**
 * Who runs next: the one decision that the kernel leaves to others. Production takes turns; tests
 * and the simulator draw lots (`deterministic.ts`).
 */
import type { AnyRef } from "./actor.ts";

export interface Scheduler {
  /** The place in `ready` (never empty) of the actor that runs next; -1 if none may now. */
  pick(ready: readonly AnyRef[], nowNs: number): number;
  /** Whether the turn that this actor has just made is to fail, as if it had been killed. */
  strikes?(actor: AnyRef): boolean;
}

/** Whoever became ready first. */
export const inTurn: Scheduler = { pick: () => 0 };
